package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/podchain/podchain/conformance/children"
)

// process is a program that runs until it is stopped, with its log in a file.
type process struct {
	name    string
	log     *children.Log
	command *exec.Cmd
	ended   chan struct{}
}

// niceness of whatever a cluster consists of. The suite observes it, and carries
// its requests, on the same processors: it is not to be late because they are busy.
const niceness = 5

// thrift has the programs of a cluster, which are many and small, share processors
// rather than compete for them: each would collect its garbage on all of them, and
// look for work there when there is none.
var thrift = []string{"GOGC=400", fmt.Sprintf("GOMAXPROCS=%d", max(1, runtime.NumCPU()/2))}

// spawn starts a program. What it prints is added to the log.
func spawn(name string, log *children.Log, command *exec.Cmd) (*process, error) {
	pipe, err := log.Pipe()
	if err != nil {
		return nil, err
	}
	if command.Stdout == nil {
		command.Stdout = pipe.Writer
	}
	command.Stderr = pipe.Writer
	if command.Env == nil {
		command.Env = slices.Concat(thrift, os.Environ()) // which may say otherwise
	}
	err = children.Start(command, niceness)
	// The process, if there is one, has the pipe open itself.
	if err = errors.Join(err, pipe.Writer.Close()); err != nil {
		pipe.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, log: log, command: command, ended: make(chan struct{})}
	go func() {
		defer pipe.Close()
		defer close(p.ended)
		_ = command.Wait() // how it ended is in ProcessState
		pipe.Drain()
	}()
	return p, nil
}

// crash returns how the program ended, unless it was stopped.
func (p *process) crash() error {
	if p == nil {
		return nil
	}
	select {
	case <-p.ended:
		return fmt.Errorf("%s %s; %s", p.name, children.Exit(p.command.ProcessState), p.log.Last())
	default:
		return nil
	}
}

// discard closes what nothing is lost of by closing it.
func discard(closer io.Closer) { closer.Close() }

// stopTimeout is how long a program may take to end after TERM.
const stopTimeout = 15 * time.Second

// stop asks the program to end, and makes it end where it does not.
func (p *process) stop(ctx context.Context) error {
	if p == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
	}
	return p.kill()
}

// kill ends the program and all it started, without asking.
func (p *process) kill() error {
	if p == nil {
		return nil
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.ended
	return nil
}

func (p *process) signal(signal syscall.Signal) error {
	err := syscall.Kill(-p.command.Process.Pid, signal)
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("%s (process %d): %w", p.name, p.command.Process.Pid, err)
	}
	return nil
}

// ready waits until attempt succeeds. It gives up when timeout ends or the
// program has ended, and then tells what it waited for and what the program
// said last.
func (p *process) ready(ctx context.Context, what string, timeout time.Duration, attempt func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	last := retry(ctx, p.ended, attempt)
	if last == nil {
		return nil
	}
	select {
	case <-p.ended:
		return fmt.Errorf("%s %s before %s; %s", p.name, children.Exit(p.command.ProcessState), what, p.log.Last())
	default:
		return fmt.Errorf("%s: waited %s for %s: %w; %s", p.name, timeout, what, last, p.log.Last())
	}
}

// pause is the time between two questions to a health endpoint, which has no
// way to tell by itself.
const pause = 50 * time.Millisecond

// retry repeats attempt until it succeeds, ctx is done or stop is closed, and
// returns its last error.
func retry(ctx context.Context, stop <-chan struct{}, attempt func(context.Context) error) error {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	var last error
	for {
		err := attempt(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err // what was wrong, rather than that time was up
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return last
		case <-stop:
			return last
		}
	}
}
