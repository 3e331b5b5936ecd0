package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/podchain/podchain/conformance/kubernetes/internal/machine"
)

// processes are the programs that run on the node. As the first process, this
// one also reaps those whose parents have died: it waits for all children itself, not
// by package exec.
type processes struct {
	mu      sync.Mutex
	running map[string]*running
	burials chan os.Signal
}

type running struct {
	pid   int
	ended chan struct{}
}

func newProcesses() *processes {
	p := &processes{running: map[string]*running{}, burials: make(chan os.Signal, 1)}
	signal.Notify(p.burials, unix.SIGCHLD)
	go func() {
		for range p.burials {
			p.bury()
		}
	}()
	return p
}

// bury waits for all that have ended.
func (p *processes) bury() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		for name, r := range p.running {
			if r.pid == pid {
				close(r.ended)
				delete(p.running, name)
			}
		}
	}
}

// start starts a program, unless it runs.
func (p *processes) start(name string, program machine.Program) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running[name] != nil {
		return nil
	}
	path, err := exec.LookPath(program.Args[0])
	if err != nil {
		return err
	}
	log := uintptr(machine.FirstOutput + slices.Index(machine.Outputs, name))
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer discard(null)
	pid, err := syscall.ForkExec(path, program.Args, &syscall.ProcAttr{
		Dir: "/", Env: append(os.Environ(), program.Environment...),
		Files: []uintptr{null.Fd(), log, log},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	p.running[name] = &running{pid: pid, ended: make(chan struct{})}
	return nil
}

// discard closes what nothing is lost of by closing it.
func discard(closer io.Closer) { closer.Close() }

// timeout is how long a program may take to end.
const timeout = 10 * time.Second

// stop ends a program, if it is running. What the program started keeps running.
func (p *processes) stop(name string) error {
	p.mu.Lock()
	r := p.running[name]
	p.mu.Unlock()
	if r == nil {
		return nil
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	if err := end(r.pid, unix.SIGTERM); err != nil {
		return err
	}
	select {
	case <-r.ended:
		return nil
	case <-timer.C:
	}
	if err := end(r.pid, unix.SIGKILL); err != nil {
		return err
	}
	<-r.ended
	return nil
}

func end(pid int, signal unix.Signal) error {
	if err := unix.Kill(pid, signal); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}
