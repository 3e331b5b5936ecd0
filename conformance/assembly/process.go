package assembly

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/podchain/podchain/conformance/children"
)

// endTimeout is how long a program may take to end after SIGTERM.
const endTimeout = 10 * time.Second

// process is a program that runs, with whatever it has started itself.
type process struct {
	name  string
	log   *children.Log
	pipe  *children.Pipe // into the log
	group int
	done  chan struct{}
	// state that it ended in, once done is closed.
	state *os.ProcessState
}

// start runs a command line as a part of the run, where this process runs; what it
// prints is added to the log.
func start(run *children.Run, name, line string, log *children.Log) (*process, error) {
	pipe, err := log.Pipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	command := exec.Command("sh", "-c", line)
	command.Stdout, command.Stderr = pipe.Writer, pipe.Writer
	err = run.Start(command)
	// The process, if there is one, has the pipe open itself.
	if err = errors.Join(err, pipe.Writer.Close()); err != nil {
		pipe.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &process{name: name, log: log, pipe: pipe, group: command.Process.Pid, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = command.Wait() // how it ended is in ProcessState
		p.state = command.ProcessState
		pipe.Drain() // what it printed last is what matters
	}()
	return p, nil
}

// stop has the program end, with its whole group, and returns when it has.
func (p *process) stop(ctx context.Context) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	timeout := time.NewTimer(endTimeout)
	defer timeout.Stop()
	var late error
	select {
	case <-p.done:
	case <-timeout.C:
		late = fmt.Errorf("%s did not end within %s of SIGTERM and was killed", p.name, endTimeout)
	case <-ctx.Done():
		late = fmt.Errorf("%s was killed: %w", p.name, ctx.Err())
	}
	// What the program has left in its group goes with it.
	err := p.signal(syscall.SIGKILL)
	<-p.done
	p.pipe.Close()
	return errors.Join(late, err)
}

func (p *process) signal(signal syscall.Signal) error {
	if err := syscall.Kill(-p.group, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("%s: send %s: %w", p.name, signal, err)
	}
	return nil
}

// hasEnded tells whether it has, told to or not.
func (p *process) hasEnded() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// errTimeout is why a wait for a process ends.
var errTimeout = errors.New("timeout")

// await returns when atWork does, which says what is missing when its context ends:
// because the process has ended, or has had its time.
func (p *process) await(ctx context.Context, timeout time.Duration, atWork func(context.Context) error) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.done:
			cancel()
		case <-waiting.Done():
		}
	}()
	missing := atWork(waiting)
	switch {
	case missing == nil:
		return nil
	case p.hasEnded():
		return p.ended()
	case errors.Is(context.Cause(ctx), errTimeout):
		return fmt.Errorf("%s has been running for %s and is not at work: %w; %s", p.name, timeout, missing, p.log.Last())
	default:
		return fmt.Errorf("%s: waiting for it: %w: %w", p.name, ctx.Err(), missing)
	}
}

// ended says how the program ended, with the last lines that it printed. Call it
// when it has.
func (p *process) ended() error {
	return fmt.Errorf("%s %s; %s", p.name, children.Exit(p.state), p.log.Last())
}
