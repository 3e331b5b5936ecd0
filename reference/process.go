package reference

import "context"

// process is a link, or one node's kubelet, that runs until it is stopped.
type process struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // valid once done is closed
}

// spawn starts run. The process has no context of its starter: it outlives the
// call that started it.
func spawn(run func(context.Context) error) *process {
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		defer cancel()
		p.err = run(ctx)
	}()
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
