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

// claim is the mark of a cluster on the machine: where it is and who runs it. Its
// file is locked as long as the program that runs the cluster lives, and so tells
// what a killed one has left behind.
type claim struct {
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

	claim string
}

// ErrRunning means that a cluster is running already.
var ErrRunning = errors.New("a cluster is running already")

// privateFolders are those that nodes have for themselves: a cluster cannot be
// in one.
var privateFolders = []string{"/run", "/var/run", "/var/lib", "/var/log"}

// claimDirectory makes a folder for a cluster. What it holds only its owner may
// read: keys are among it.
func claimDirectory(use string) (*claim, error) {
	claims, err := claimsDirectory()
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
	c := &claim{Use: use, Process: os.Getpid(), Directory: directory}
	path := filepath.Join(claims, filepath.Base(directory))
	if use != "" {
		path = filepath.Join(claims, use)
	}
	if err := c.take(path); err != nil {
		return nil, errors.Join(err, os.Remove(directory))
	}
	return c, nil
}

// take locks the file of the claim and writes it. What a killed predecessor has
// left is removed.
func (c *claim) take(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer discard(file)
		other, readErr := readClaim(path)
		if !errors.Is(err, syscall.EWOULDBLOCK) || readErr != nil {
			return errors.Join(fmt.Errorf("lock %s: %w", path, err), readErr)
		}
		return fmt.Errorf("%w: process %d, kubeconfig %s", ErrRunning, other.Process, filepath.Join(other.Directory, "kubeconfig"))
	}
	var predecessor claim
	err = json.NewDecoder(file).Decode(&predecessor)
	switch {
	case err == nil:
		err = removeRemains(predecessor.Directory)
	case errors.Is(err, io.EOF):
		err = nil // there is no predecessor
	}
	if err == nil {
		err = errors.Join(file.Truncate(0), json.NewEncoder(io.NewOffsetWriter(file, 0)).Encode(c))
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	c.file = file
	return nil
}

func claimsDirectory() (string, error) {
	cache, err := cacheDirectory()
	if err != nil {
		return "", err
	}
	claims := filepath.Join(cache, "clusters")
	return claims, os.MkdirAll(claims, 0o755)
}

// release removes the folder, and the claim that points to it.
func (c *claim) release() error {
	if err := os.RemoveAll(c.Directory); err != nil {
		return err
	}
	return errors.Join(os.Remove(c.file.Name()), c.file.Close())
}

// Clusters lists the clusters of this machine, and what is left of some.
func Clusters() ([]Running, error) {
	claims, err := claimsDirectory()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(claims)
	if err != nil {
		return nil, err
	}
	var clusters []Running
	for _, entry := range entries {
		found, err := readClaim(filepath.Join(claims, entry.Name()))
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

func readClaim(path string) (Running, error) {
	found := Running{claim: path}
	file, err := os.Open(path)
	if err != nil {
		return found, err
	}
	defer discard(file)
	found.Dead = syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil
	var c claim
	if err := json.NewDecoder(file).Decode(&c); err != nil {
		return found, fmt.Errorf("%s cannot be read: remove it if no cluster runs: %w", path, err)
	}
	found.Use, found.Process, found.Directory = c.Use, c.Process, c.Directory
	return found, nil
}

// downPatience is how long a cluster may take to be removed by who runs it.
const downPatience = 2 * time.Minute

// Remove ends a cluster: its program is asked to, and what a dead one left is
// removed. Its processes ended with it, the kernel saw to that.
func (r Running) Remove(ctx context.Context) error {
	if !r.Dead {
		if err := syscall.Kill(r.Process, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("process %d: %w", r.Process, err)
		}
		err := retryFor(ctx, downPatience, nil, func(context.Context) error {
			now, err := readClaim(r.claim)
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
		err = os.Remove(r.claim)
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
