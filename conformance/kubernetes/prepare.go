package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// needs are the programs of the machine that nodes are made of, and the packages
// of Debian that have them.
var needs = []struct{ program, pkg string }{
	{"containerd", "containerd"}, {"runc", "runc"}, {"ip", "iproute2"},
}

// pluginFolders are where distributions put the CNI plugins.
var pluginFolders = []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"}

// prepareMachine sees that the machine has what nodes are made of, installs it
// where it can, and returns the folder of the CNI plugins.
func prepareMachine(ctx context.Context, progress io.Writer) (plugins string, err error) {
	if os.Geteuid() != 0 {
		return "", errors.New("real nodes need namespaces, mounts and control groups: run this as root")
	}
	return installMissing(ctx, progress)
}

// installMissing installs the packages that the machine lacks. Clusters that start
// at the same time install them once: apt-get does not wait for another apt-get
// that updates its lists.
func installMissing(ctx context.Context, progress io.Writer) (plugins string, err error) {
	plugins, missing := missingPackages()
	if len(missing) == 0 {
		return plugins, nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", fmt.Errorf("the machine lacks %s: install them", strings.Join(missing, ", "))
	}
	cache, err := cacheDirectory()
	if err != nil {
		return "", err
	}
	unlock, err := lock(ctx, filepath.Join(cache, "packages.lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if plugins, missing = missingPackages(); len(missing) == 0 {
		return plugins, nil // another cluster has installed them
	}
	fmt.Fprintf(progress, "installing %s\n", strings.Join(missing, ", "))
	install := "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends " + strings.Join(missing, " ")
	if said, err := exec.CommandContext(ctx, "sh", "-c", install).CombinedOutput(); err != nil {
		return "", fmt.Errorf("the machine lacks %s, and they cannot be installed: %w\n%s", strings.Join(missing, ", "), err, said)
	}
	if plugins, missing = missingPackages(); len(missing) > 0 {
		return "", fmt.Errorf("the machine still lacks %s after they were installed", strings.Join(missing, ", "))
	}
	return plugins, nil
}

func missingPackages() (plugins string, missing []string) {
	for _, need := range needs {
		if _, err := exec.LookPath(need.program); err != nil {
			missing = append(missing, need.pkg)
		}
	}
	for _, folder := range pluginFolders {
		if _, err := os.Stat(filepath.Join(folder, "bridge")); err == nil {
			return folder, missing
		}
	}
	return "", append(missing, "containernetworking-plugins")
}
