package kubelet

import (
	"context"
	"sync"
	"time"
)

// tasks are the goroutines of a kubelet: none starts after close, and close
// waits for all of them.
type tasks struct {
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// Go runs f on its own goroutine, unless the tasks are closed.
func (t *tasks) Go(f func()) {
	if t.enter() {
		go func() {
			defer t.running.Done()
			f()
		}()
	}
}

// After runs f after a while, unless the tasks are closed by then.
func (t *tasks) After(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() {
		if t.enter() {
			defer t.running.Done()
			f()
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
