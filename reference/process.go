package reference

import (
	"context"
	"sync/atomic"

	"github.com/podchain/podchain/conformance/implementation/crash"
)

// process is a link, or one node's kubelet, that runs until it is stopped. As a
// process does, it ends when one of its goroutines panics.
type process struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // valid once done is closed
}

// spawn starts run. The process has no context of its starter: it outlives the
// call that started it. If it ends without having been stopped, ended is called with
// why, before stop returns.
func spawn(run func(context.Context) error, ended func(error) error) *process {
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{cancel: cancel, done: make(chan struct{})}
	var panicked atomic.Pointer[error]
	domain := crash.NewDomain(func(fault *crash.Panic) {
		err := ended(fault)
		panicked.Store(&err)
		cancel()
	})
	crash.Go(func() {
		defer close(p.done)
		defer domain.Close()
		defer cancel()
		domain.Do(func() {
			if p.err = run(domain.With(ctx)); ctx.Err() == nil {
				p.err = ended(cause(p.err))
			}
		})
		if fault := panicked.Load(); fault != nil {
			p.err = *fault // what came after it is of no interest
		}
	})
	return p
}

// stop ends the process and returns what it ended with, or the context's error
// when it has not ended by then.
func (p *process) stop(ctx context.Context) error {
	p.cancel()
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
