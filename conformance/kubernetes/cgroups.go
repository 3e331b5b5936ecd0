package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cgroup is where the node's containers are in the hierarchy of control groups.
func cgroup(directory string) string {
	return "/podchain/" + strings.ReplaceAll(strings.Trim(directory, "/"), "/", "-")
}

// cgroupsMounted are the hierarchies of control groups: one each in version 1, and
// the folder itself in version 2.
func cgroupsMounted() ([]string, error) {
	const mounted = "/sys/fs/cgroup"
	if _, err := os.Stat(filepath.Join(mounted, "cgroup.controllers")); err == nil {
		return []string{mounted}, nil
	}
	return filepath.Glob(mounted + "/*")
}

// makeCgroups makes the control groups that the containers of a node go into.
func makeCgroups(directory string) error {
	hierarchies, err := cgroupsMounted()
	if err != nil {
		return err
	}
	for _, hierarchy := range hierarchies {
		group := filepath.Join(hierarchy, cgroup(directory))
		if err := os.MkdirAll(group, 0o755); err != nil {
			return fmt.Errorf("make a control group for the node: %w", err)
		}
		// In version 1 a group has no processors until it is given some.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			for _, child := range []string{filepath.Dir(group), group} {
				from, err := os.ReadFile(filepath.Join(filepath.Dir(child), file))
				if errors.Is(err, os.ErrNotExist) {
					continue
				}
				if err == nil {
					err = os.WriteFile(filepath.Join(child, file), from, 0o644)
				}
				if err != nil && filepath.Base(hierarchy) == "cpuset" {
					return fmt.Errorf("make a control group for the node: %w", err)
				}
			}
		}
	}
	return nil
}

// removeCgroups removes the control groups of a node whose processes have ended.
func removeCgroups(directory string) error {
	hierarchies, err := cgroupsMounted()
	if err != nil {
		return err
	}
	// Kubernetes' own kubelet, without groups for Pods, leaves it to containerd
	// where the groups of containers are; those that were killed are there still.
	groups := []string{cgroup(directory)}
	killed, err := filepath.Glob(filepath.Join(directory, "state", "io.containerd.runtime.v2.task", "*", "*"))
	if err != nil {
		return err
	}
	for _, task := range killed {
		groups = append(groups, filepath.Join(filepath.Base(filepath.Dir(task)), filepath.Base(task)))
	}
	var errs []error
	for _, hierarchy := range hierarchies {
		for _, group := range groups {
			root := filepath.Join(hierarchy, group)
			if _, err := os.Stat(root); err != nil {
				continue
			}
			errs = append(errs, removeCgroup(root), ignoreBusy(os.Remove(filepath.Dir(root))))
		}
	}
	return errors.Join(errs...)
}

// removeCgroup removes a control group after those within it. A group whose
// last process is still being buried is busy for a moment.
func removeCgroup(root string) error {
	var groups []string
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			groups = append(groups, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.Reverse(groups)
	for _, group := range groups {
		err := retryFor(context.Background(), 5*time.Second, nil, func(context.Context) error { return os.Remove(group) })
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// ignoreBusy is for what others may still need.
func ignoreBusy(err error) error {
	if errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
