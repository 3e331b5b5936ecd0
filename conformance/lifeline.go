package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

const (
	// absence is how long an API server that the suite has not stopped may be away: a
	// restart takes a few seconds.
	absence = 10 * time.Second
	// lifePace is how often it is asked meanwhile: it does not announce that it is back.
	lifePace = 250 * time.Millisecond
	// answerTimeout is how long it may take for an answer then.
	answerTimeout = 5 * time.Second
)

// lifeline is a cluster that finds out that it has died: that the API server has ended
// by itself, or answers no more. It begins to ask when a request of the suite fails.
type lifeline struct {
	implementation.Cluster
	alive context.Context // done, with the reason as its cause, when it has died
	lose  context.CancelCauseFunc

	mu       sync.Mutex
	excused  bool          // a scenario has stopped the API server
	closed   bool          // the suite is done with it
	deciding chan struct{} // closed when it is decided; nil while there is no doubt
	asking   sync.WaitGroup
}

var _ implementation.Composite = (*lifeline)(nil)

func newLifeline(cluster implementation.Cluster) *lifeline {
	l := &lifeline{Cluster: cluster}
	l.alive, l.lose = context.WithCancelCause(context.Background())
	return l
}

// Parts implements implementation.Composite: the cluster offers what it did.
func (l *lifeline) Parts() []any {
	var parts []any
	if links, offered := implementation.As[implementation.Links](l.Cluster); offered {
		parts = append(parts, excusing{links, l})
	}
	parts = append(parts, l.Cluster)
	if composite, ok := l.Cluster.(implementation.Composite); ok {
		parts = append(parts, composite.Parts()...)
	}
	return parts
}

// Config implements implementation.Cluster: requests that fail give reason to ask.
func (l *lifeline) Config() *rest.Config {
	config := rest.CopyConfig(l.Cluster.Config())
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return noticing{next, l} })
	return config
}

// lost returns why the cluster has died; nil if it has not, as far as is known.
func (l *lifeline) lost() error {
	if l == nil || l.alive.Err() == nil {
		return nil
	}
	return context.Cause(l.alive)
}

// decided returns the same as soon as there is no doubt about it.
func (l *lifeline) decided() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	deciding := l.deciding
	l.mu.Unlock()
	if deciding != nil {
		<-deciding
	}
	return l.lost()
}

// close ends the asking.
func (l *lifeline) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.asking.Wait()
}

// doubt begins to ask, unless it does so already.
func (l *lifeline) doubt() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.deciding != nil || l.excused || l.closed || l.alive.Err() != nil {
		return
	}
	decided := make(chan struct{})
	l.deciding = decided
	l.asking.Go(func() {
		why := l.ask()
		l.mu.Lock()
		defer l.mu.Unlock()
		if why != nil && !l.excused && !l.closed {
			l.lose(why)
		}
		l.deciding = nil
		close(decided)
	})
}

// ask returns nil when the API server answers, or need not, and otherwise why it counts
// as dead.
func (l *lifeline) ask() error {
	config := rest.CopyConfig(l.Cluster.Config())
	config.Timeout = answerTimeout
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil // then it has not been asked anything before
	}
	url, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil
	}
	ticker := time.NewTicker(lifePace)
	defer ticker.Stop()
	for began := time.Now(); ; <-ticker.C {
		if err := l.crashed(); err != nil {
			return err
		}
		response, err := client.Get(url.JoinPath("version").String())
		if err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20)) // that it answers is all that matters
			return response.Body.Close()
		}
		l.mu.Lock()
		pointless := l.excused || l.closed
		l.mu.Unlock()
		switch {
		case pointless:
			return nil
		case time.Since(began) > absence:
			return fmt.Errorf("the cluster stopped answering: %w", err)
		}
	}
}

// crashed returns how the API server has ended by itself.
func (l *lifeline) crashed() error {
	if crash := crashed(l.Cluster); crash.err != nil && crash.link.Serves() {
		return fmt.Errorf("the cluster has died: %w", crash.err)
	}
	return nil
}

// excuse says whether the API server is away since the suite has stopped it.
func (l *lifeline) excuse(away bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.excused = away
}

// noticing notices requests that fail.
type noticing struct {
	http.RoundTripper
	of *lifeline
}

// RoundTrip implements http.RoundTripper.
func (n noticing) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := n.RoundTripper.RoundTrip(r)
	// A request that its client canceled says nothing; one that timed out may.
	if err != nil && !errors.Is(err, context.Canceled) || err == nil && response.StatusCode >= http.StatusInternalServerError {
		n.of.doubt()
	}
	return response, err
}

// CloseIdleConnections implements what http.Client looks for.
func (n noticing) CloseIdleConnections() {
	(&http.Client{Transport: n.RoundTripper}).CloseIdleConnections()
}

// WrappedRoundTripper implements net.RoundTripperWrapper.
func (n noticing) WrappedRoundTripper() http.RoundTripper { return n.RoundTripper }

// excusing are links that a scenario may stop, the API server among them.
type excusing struct {
	implementation.Links
	of *lifeline
}

// StopLink implements implementation.Links.
func (e excusing) StopLink(ctx context.Context, link chain.Link) error {
	if link.Serves() {
		e.of.excuse(true)
	}
	return e.Links.StopLink(ctx, link)
}

// StartLink implements implementation.Links.
func (e excusing) StartLink(ctx context.Context, link chain.Link) error {
	err := e.Links.StartLink(ctx, link)
	if link.Serves() {
		e.of.excuse(false)
	}
	return err
}
