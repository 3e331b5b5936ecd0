package children

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// endWithThis has the kernel kill the process when the thread that starts it ends.
func endWithThis(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }

// makeNice sets the niceness of the calling thread: whatever it starts has it, too.
func makeNice(niceness int) {
	if niceness != 0 {
		_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), niceness) // they run anyway
	}
}

// kill ends all programs of a run, and returns which there were when they have. Those
// that start others meanwhile are looked for again.
func kill(run string) (killed []int, err error) {
	for {
		found := slices.DeleteFunc(processes(run), func(id int) bool { return slices.Contains(killed, id) })
		if len(found) == 0 {
			return killed, err
		}
		var ending []handle
		for _, id := range found {
			process, killErr := killOne(id, run)
			if process != nil {
				ending = append(ending, *process)
			}
			err = errors.Join(err, killErr)
		}
		for _, process := range ending {
			err = errors.Join(err, process.wait())
		}
		killed = append(killed, found...)
	}
}

// handle is a process, and not its id, which another one may get.
type handle struct{ id, descriptor int }

// killOne kills a process of the run; nil if the id is not that of one any more.
func killOne(id int, run string) (*handle, error) {
	descriptor, err := unix.PidfdOpen(id, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("process %d: %w", id, err)
	}
	if !belongs(id, run) {
		return nil, unix.Close(descriptor)
	}
	if err := unix.PidfdSendSignal(descriptor, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return nil, errors.Join(fmt.Errorf("kill process %d: %w", id, err), unix.Close(descriptor))
	}
	return &handle{id, descriptor}, nil
}

// killTimeout is how long a process that has been killed may take to end: one that waits
// for a disk does not before that answers.
const killTimeout = 10 * time.Second

// wait returns when the process has ended.
func (h handle) wait() error {
	defer func() { _ = unix.Close(h.descriptor) }() // nothing is lost by it
	deadline := time.Now().Add(killTimeout)
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(h.descriptor), Events: unix.POLLIN}}, int(max(0, time.Until(deadline)).Milliseconds()))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("wait for process %d: %w", h.id, err)
		case n == 0:
			return fmt.Errorf("process %d was killed and has not ended within %s", h.id, killTimeout)
		default:
			return nil
		}
	}
}

// processes are the ids of the programs of a run, as far as this user may see them.
func processes(run string) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil // it is not mounted: then the kernel has ended what it could
	}
	var ids []int
	for _, entry := range entries {
		if id, err := strconv.Atoi(entry.Name()); err == nil && id != os.Getpid() && belongs(id, run) {
			ids = append(ids, id)
		}
	}
	return ids
}

// A process that is just being replaced by a program has no environment for an instant:
// it is looked at again, for as long as that may take on a busy machine.
const (
	replacedTries = 50
	replacedPause = time.Millisecond
)

func belongs(id int, run string) bool {
	for range replacedTries {
		environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", id))
		if err != nil {
			return false // it has ended, or is another user's
		}
		if len(environment) > 0 {
			return slices.ContainsFunc(bytes.Split(environment, []byte{0}), func(variable []byte) bool {
				return string(variable) == Variable+"="+run
			})
		}
		if _, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", id)); err != nil {
			return false // it has ended, or is the kernel's
		}
		time.Sleep(replacedPause)
	}
	return false // it was started without any
}
