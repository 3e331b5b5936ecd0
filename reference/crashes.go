package reference

import (
	"fmt"
	"sync"

	"github.com/podchain/podchain/conformance/chain"
)

// crashes are the links that have ended without having been stopped.
type crashes struct {
	first chan error // the first of all

	mu   sync.Mutex
	last map[chain.Link]error
}

func newCrashes() *crashes {
	return &crashes{first: make(chan error, 1), last: map[chain.Link]error{}}
}

// note notes why what is of the link has ended, and returns the error that says so.
func (c *crashes) note(link chain.Link, what string, why error) error {
	err := fmt.Errorf("%s gave up: %w", what, why)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last[link] == nil {
		c.last[link] = err
	}
	select {
	case c.first <- err:
	default: // the first one is what matters
	}
	return err
}

// forget is called when the link starts again.
func (c *crashes) forget(link chain.Link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.last, link)
}

// Crashed implements implementation.CrashReporter.
func (c *Cluster) Crashed() (chain.Link, error) {
	c.crashes.mu.Lock()
	defer c.crashes.mu.Unlock()
	for _, link := range chain.AllLinks {
		if err := c.crashes.last[link]; err != nil {
			return link, err
		}
	}
	return "", nil
}

// Failed yields the error of the first link that gave up without being told to.
func (c *Cluster) Failed() <-chan error { return c.crashes.first }
