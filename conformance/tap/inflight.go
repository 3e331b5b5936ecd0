package tap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation/crash"
)

// TrackInFlight carries every write of a link that has been sent on its way to its end,
// also when the link does not wait for the answer any more, or is no more: so that
// Idle can tell when there is none left. It is for API servers to which a cut
// connection does not say when that is, and stands behind the link's tap.
func (t *Taps) TrackInFlight(link chain.Link, next http.RoundTripper) http.RoundTripper {
	return &tracker{next: next, sent: t.requestsOf(link)}
}

// Idle returns when no write of the link is under way. The link itself has been
// stopped before.
func (t *Taps) Idle(ctx context.Context, link chain.Link) error {
	if err := t.requestsOf(link).wait(ctx); err != nil {
		return fmt.Errorf("a write of the %s is still under way: %w", link, err)
	}
	return nil
}

func (t *Taps) requestsOf(link chain.Link) *requests {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inFlight[link] == nil {
		t.inFlight[link] = &requests{}
	}
	return t.inFlight[link]
}

// requests counts requests that have not been answered.
type requests struct {
	mu    sync.Mutex
	count int
	none  chan struct{} // closed when there are none; nil if there are none
}

func (s *requests) add() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count++; s.count == 1 {
		s.none = make(chan struct{})
	}
}

func (s *requests) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count--; s.count == 0 {
		close(s.none)
		s.none = nil
	}
}

func (s *requests) wait(ctx context.Context) error {
	s.mu.Lock()
	none := s.none
	s.mu.Unlock()
	if none == nil {
		return nil
	}
	select {
	case <-none:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type tracker struct {
	next http.RoundTripper
	sent *requests
}

// errUnanswered is what a request ends with that panics.
var errUnanswered = errors.New("the request was broken off by a panic")

// RoundTrip implements http.RoundTripper.
func (t *tracker) RoundTrip(r *http.Request) (*http.Response, error) {
	if !targetOf(r).writes() {
		return t.next.RoundTrip(r)
	}
	type answer struct {
		response *http.Response
		err      error
	}
	answered := make(chan answer)
	t.sent.add()
	crash.Go(func() {
		a := answer{err: errUnanswered}
		defer func() {
			t.sent.done() // the header of an answer comes after what it tells of
			select {
			case answered <- a:
			case <-r.Context().Done():
				if a.response != nil {
					_ = a.response.Body.Close() // nobody reads it
				}
			}
		}()
		// Where it panics the link ends, and what it has sent has come to its end, too.
		response, err := t.next.RoundTrip(r.WithContext(context.WithoutCancel(r.Context()))) //nolint:bodyclose // by the reader, or above
		a = answer{response, err}
	})
	select {
	case a := <-answered:
		return a.response, a.err
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}
