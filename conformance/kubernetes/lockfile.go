package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// lockfile marks a cluster on the machine: where it is and who runs it. Its
// file is locked as long as the program that runs the cluster lives, and so tells
// what a killed one has left behind.
type lockfile struct {
	Use       string
	Process   int
	Directory string

	file *os.File
}

// Running is a cluster of this machine.
type Running struct {
	// Use that its starter gave it.
	Use string
	// Process that runs it.
	Process int
	// Directory with its kubeconfig, logs and data.
	Directory string
	// Dead says that the process has ended without removing the cluster.
	Dead bool

	lockfile string
}

// ErrRunning means that a cluster is running already.
var ErrRunning = errors.New("a cluster is running already")

// privateFolders are those that nodes have for themselves: a cluster cannot be
// in one.
var privateFolders = []string{"/run", "/var/run", "/var/lib", "/var/log"}

// lockDirectory makes a folder for a cluster. What it holds only its owner may
// read: keys are among it.
func lockDirectory(use string) (*lockfile, error) {
	folder, err := lockfiles()
	if err != nil {
		return nil, err
	}
	directory, err := os.MkdirTemp("", "podchain-")
	if err != nil {
		return nil, err
	}
	for _, folder := range privateFolders {
		if strings.HasPrefix(directory, folder+"/") {
			return nil, errors.Join(fmt.Errorf("a cluster cannot be in %s: set TMPDIR to a folder elsewhere", folder), os.Remove(directory))
		}
	}
	l := &lockfile{Use: use, Process: os.Getpid(), Directory: directory}
	path := filepath.Join(folder, filepath.Base(directory))
	if use != "" {
		path = filepath.Join(folder, use)
	}
	if err := l.take(path); err != nil {
		return nil, errors.Join(err, os.Remove(directory))
	}
	return l, nil
}

// take locks the file and writes it. What a killed predecessor has
// left is removed.
func (l *lockfile) take(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer discard(file)
		other, readErr := readLockfile(path)
		if !errors.Is(err, syscall.EWOULDBLOCK) || readErr != nil {
			return errors.Join(fmt.Errorf("lock %s: %w", path, err), readErr)
		}
		return fmt.Errorf("%w: process %d, kubeconfig %s", ErrRunning, other.Process, filepath.Join(other.Directory, "kubeconfig"))
	}
	var predecessor lockfile
	err = json.NewDecoder(file).Decode(&predecessor)
	switch {
	case err == nil:
		err = removeRemains(predecessor.Directory)
	case errors.Is(err, io.EOF):
		err = nil // there is no predecessor
	}
	if err == nil {
		err = errors.Join(file.Truncate(0), json.NewEncoder(io.NewOffsetWriter(file, 0)).Encode(l))
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	l.file = file
	return nil
}

func lockfiles() (string, error) {
	cache, err := cacheDirectory()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "clusters")
	return folder, os.MkdirAll(folder, 0o755)
}

// release removes the folder, and the lockfile that points to it.
func (l *lockfile) release() error {
	if err := os.RemoveAll(l.Directory); err != nil {
		return err
	}
	return errors.Join(os.Remove(l.file.Name()), l.file.Close())
}

// Clusters lists the clusters of this machine, and what is left of some.
func Clusters() ([]Running, error) {
	folder, err := lockfiles()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var clusters []Running
	for _, entry := range entries {
		found, err := readLockfile(filepath.Join(folder, entry.Name()))
		switch {
		case errors.Is(err, os.ErrNotExist): // it has just ended
		case err != nil:
			return nil, err
		default:
			clusters = append(clusters, found)
		}
	}
	return clusters, nil
}

func readLockfile(path string) (Running, error) {
	found := Running{lockfile: path}
	file, err := os.Open(path)
	if err != nil {
		return found, err
	}
	defer discard(file)
	found.Dead = syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil
	var l lockfile
	if err := json.NewDecoder(file).Decode(&l); err != nil {
		return found, fmt.Errorf("%s cannot be read: remove it if no cluster runs: %w", path, err)
	}
	found.Use, found.Process, found.Directory = l.Use, l.Process, l.Directory
	return found, nil
}

// downTimeout is how long a cluster may take to be removed by who runs it.
const downTimeout = 2 * time.Minute

// Remove ends a cluster: its program is asked to, and what a dead one left is
// removed. Its processes ended with it, the kernel saw to that.
func (r Running) Remove(ctx context.Context) error {
	if !r.Dead {
		if err := syscall.Kill(r.Process, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("process %d: %w", r.Process, err)
		}
		err := retryFor(ctx, downTimeout, nil, func(context.Context) error {
			now, err := readLockfile(r.lockfile)
			if err == nil && !now.Dead {
				return fmt.Errorf("process %d still runs the cluster in %s", r.Process, r.Directory)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	err := removeRemains(r.Directory)
	if err == nil {
		err = os.Remove(r.lockfile)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil // who ran it has removed it
	}
	return err
}

// removeRemains removes what the processes of a cluster have left behind.
func removeRemains(directory string) error {
	nodes, err := filepath.Glob(filepath.Join(directory, "nodes", "*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, node := range nodes {
		errs = append(errs, removeCgroups(node))
	}
	return errors.Join(append(errs, os.RemoveAll(directory))...)
}
