package nodelifecycle

import (
	"sync"
	"time"
)

// clock remembers since when something is the case, by this controller's own
// time: what began while it was away begins when it first looks.
type clock[K comparable] struct {
	mu    sync.Mutex
	began map[K]time.Time
}

func newClock[K comparable]() *clock[K] { return &clock[K]{began: map[K]time.Time{}} }

// since returns for how long it is the case: from now on, if it was not before.
func (c *clock[K]) since(key K) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	began, found := c.began[key]
	if !found {
		began = time.Now()
		c.began[key] = began
	}
	return time.Since(began)
}

// end says that it is not the case any more; it returns whether it was.
func (c *clock[K]) end(key K) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, found := c.began[key]
	delete(c.began, key)
	return found
}
