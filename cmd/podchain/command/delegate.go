package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// delegate is a program with the same command line and further origins, whose dependencies
// are too heavy for podchain itself.
type delegate struct {
	program string // on PATH, or built from source
	source  string // its package, as a folder of a clone of podchain
}

// Origins that podchain-kubernetes provides, as a SPEC of --link names them.
const (
	// FromKubernetes are links of real Kubernetes, "kubernetes@1.34" those of a
	// version.
	FromKubernetes = "kubernetes"
	// FromReferenceOnContainerd is the reference's kubelet, with containers that
	// really run.
	FromReferenceOnContainerd = "reference+containerd"
	// FromKWOK are kubelets played by KWOK, which runs no containers.
	FromKWOK = "kwok"
)

var delegates = map[string]delegate{
	FromKubernetes:            podchainKubernetes,
	FromReferenceOnContainerd: podchainKubernetes,
	FromKWOK:                  podchainKubernetes,
}

var podchainKubernetes = delegate{"podchain-kubernetes", "conformance/kubernetes/cmd/podchain-kubernetes"}

// delegateTo replaces this process by the program that has an origin, with the same
// arguments. It returns only if that fails.
func delegateTo(ctx context.Context, origin string, progress io.Writer) error {
	d := delegates[origin]
	path, err := exec.LookPath(d.program)
	if err != nil {
		path, err = d.build(ctx, progress)
	}
	if err == nil {
		err = syscall.Exec(path, append([]string{path}, os.Args[1:]...), os.Environ())
	}
	return fmt.Errorf("this is done by %s, which is not on PATH: %w", d.program, err)
}

// build builds the program into the cache directory. Without changes that takes no
// time.
func (d delegate) build(ctx context.Context, progress io.Writer) (_ string, err error) {
	source, err := clone(d.source)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "podchain", d.program)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(progress, "there is no %s on PATH: building %s, which takes minutes the first time\n", d.program, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	// Others may be building it, or running it, at the same time.
	work, err := os.MkdirTemp(filepath.Dir(path), "build-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	command := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(work, d.program), ".")
	command.Dir = source
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("go build in %s: %w\n%s", source, err, bytes.TrimSpace(output.Bytes()))
	}
	return path, os.Rename(filepath.Join(work, d.program), path)
}

// clone returns a folder of the clone of podchain that the working directory is in.
func clone(folder string) (string, error) {
	working, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for directory := working; ; directory = filepath.Dir(directory) {
		candidate := filepath.Join(directory, filepath.FromSlash(folder))
		if info, err := os.Stat(candidate); err == nil && info.IsDir() {
			return candidate, nil
		}
		if directory == filepath.Dir(directory) {
			return "", fmt.Errorf("it is built from %s: run this within a clone of podchain, or put it on PATH", folder)
		}
	}
}
