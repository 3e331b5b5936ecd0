package kubelet

import (
	"context"
	"sync"
	"time"

	"github.com/podchain/podchain/conformance/implementation/crash"
)

// tasks are the goroutines of a kubelet: none starts after close, and close
// waits for all of them.
type tasks struct {
	domain *crash.Domain // of the timers

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// Go runs f on its own goroutine, unless the tasks are closed.
func (t *tasks) Go(f func()) {
	if t.enter() {
		crash.Go(func() {
			defer t.running.Done()
			defer crash.Handle() // before it counts as ended
			f()
		})
	}
}

// After runs f after a while, unless the tasks are closed by then.
func (t *tasks) After(d time.Duration, f func()) *time.Timer {
	return t.domain.AfterFunc(d, func() {
		if t.enter() {
			defer t.running.Done()
			t.domain.Do(f)
		}
	})
}

func (t *tasks) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.running.Add(1)
	return true
}

func (t *tasks) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.running.Wait()
}

// pause waits, and tells whether it waited to the end.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
