// Package children has programs run that end when this one does, or are found and ended
// afterwards: also those that a killed one has left, and those that have gone off into
// sessions of their own.
package children

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	// Variable is in the environment of all programs of a run, and of all that these
	// start, with the name of the run's folder.
	Variable = "PODCHAIN_RUN"
	// lockFile is in the folder of a run, and locked while the run lasts: the kernel
	// releases the lock of a killed run.
	lockFile = "lock"
)

// prefix of the folders of runs, below that for temporary files.
const prefix = "podchain-run-"

// Run are programs with a temporary folder.
type Run struct {
	// Directory is gone after End. Its name is the run's.
	Directory string
	lock      *os.File
}

// Begin begins a run, after it has removed what killed ones have left.
func Begin() (*Run, error) {
	if _, err := Clean(false); err != nil {
		return nil, err
	}
	directory, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	r := &Run{Directory: directory}
	if r.lock, err = lockIn(directory); err != nil {
		return nil, errors.Join(err, os.RemoveAll(directory))
	}
	return r, nil
}

// lockIn locks a directory. The file gets its name when it is locked: otherwise Clean could
// find it before, and take the run for one that was killed.
func lockIn(directory string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(directory, "new-"+lockFile), os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", lock.Name(), err), lock.Close())
	}
	if err := os.Rename(lock.Name(), filepath.Join(directory, lockFile)); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// Start starts a command of the run: see the function Start.
func (r *Run) Start(command *exec.Cmd) error {
	if command.Env == nil {
		command.Env = os.Environ()
	}
	command.Env = append(command.Env, Variable+"="+filepath.Base(r.Directory))
	return Start(command, 0)
}

// End ends what is left of the run, and removes its folder.
func (r *Run) End() error {
	if r == nil {
		return nil
	}
	_, err := kill(filepath.Base(r.Directory))
	return errors.Join(err, os.RemoveAll(r.Directory), r.lock.Close())
}

// Left is what a killed run has left.
type Left struct {
	// Directory is its folder.
	Directory string
	// Processes are the ids of those that were running.
	Processes []int
}

func (l Left) String() string {
	var ids []string
	for _, id := range l.Processes {
		ids = append(ids, strconv.Itoa(id))
	}
	switch len(ids) {
	case 0:
		return l.Directory
	case 1:
		return l.Directory + ", and process " + ids[0]
	}
	return l.Directory + ", and processes " + strings.Join(ids, ", ")
}

// Clean ends the programs that killed runs have left on this machine, and removes their
// folders; a dry run only looks for them. It leaves runs that are still running, and
// those of other users, alone.
func Clean(dry bool) (all []Left, err error) {
	found, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, directory := range found {
		left, err := cleanOne(directory, dry)
		if left != nil {
			all = append(all, *left)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s, which a killed run has left: %w", directory, err))
		}
	}
	return all, errors.Join(errs...)
}

func cleanOne(directory string, dry bool) (*Left, error) {
	info, err := os.Lstat(directory)
	if err != nil || !info.IsDir() || !mine(info) {
		return nil, nil // it has just gone, or is another's
	}
	lock, err := os.OpenFile(filepath.Join(directory, lockFile), os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, nil // it is only just beginning, or has just gone
	}
	defer func() { _ = lock.Close() }() // nothing was written
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, nil // it is still running
	}
	left := &Left{Directory: directory}
	if dry {
		left.Processes = processes(filepath.Base(directory))
		return left, nil
	}
	left.Processes, err = kill(filepath.Base(directory))
	return left, errors.Join(err, os.RemoveAll(directory))
}

// mine tells whether a file is this user's.
func mine(info fs.FileInfo) bool {
	status, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(status.Uid) == os.Geteuid()
}
