package children

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// spawners start programs, those of each niceness on a thread that lives as long as this
// program: where the kernel kills them when the thread that started them ends, one of the
// Go runtime's may end at any time. They have the niceness of that thread, which could
// not be lowered again.
var spawners struct {
	sync.Mutex
	of map[int]chan<- func()
}

func spawner(niceness int) chan<- func() {
	spawners.Lock()
	defer spawners.Unlock()
	if work := spawners.of[niceness]; work != nil {
		return work
	}
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		makeNice(niceness)
		for do := range work {
			do()
		}
	}()
	if spawners.of == nil {
		spawners.of = map[int]chan<- func(){}
	}
	spawners.of[niceness] = work
	return work
}

// Start starts a command in a process group of its own, which ends with this program
// where the kernel sees to that, and yields the processors to others the more the nicer
// it is.
func Start(command *exec.Cmd, niceness int) error {
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	// A group, so that what a shell starts can be ended as well, and that an interrupt of
	// the terminal is not for it: it ends after those who use it.
	command.SysProcAttr.Setpgid = true
	endWithThis(command.SysProcAttr)
	started := make(chan error)
	spawner(niceness) <- func() { started <- command.Start() }
	return <-started
}
