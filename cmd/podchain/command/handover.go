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

// handover is an origin whose program is too heavy to be part of podchain: another
// one has the same command line, and that origin.
type handover struct {
	program string // on PATH, or built from source
	source  string // its package, as a folder of a clone of podchain
}

// What a SPEC of --link names that is podchain-kubernetes' to give.
const (
	// FromKubernetes are links of real Kubernetes, "kubernetes@1.34" those of a
	// version.
	FromKubernetes = "kubernetes"
	// FromReferenceOnContainerd is the reference's kubelet, with containers that
	// really run.
	FromReferenceOnContainerd = "reference+containerd"
	// FromKWOK is what plays kubelets without running anything.
	FromKWOK = "kwok"
)

var handovers = map[string]handover{
	FromKubernetes:            podchainKubernetes,
	FromReferenceOnContainerd: podchainKubernetes,
	FromKWOK:                  podchainKubernetes,
}

var podchainKubernetes = handover{"podchain-kubernetes", "conformance/kubernetes/cmd/podchain-kubernetes"}

// handOver has the program of an origin do what this one was told to do, in its
// place: it returns only if that cannot be.
func handOver(ctx context.Context, origin string, told io.Writer) error {
	h := handovers[origin]
	path, err := exec.LookPath(h.program)
	if err != nil {
		path, err = h.build(ctx, told)
	}
	if err == nil {
		err = syscall.Exec(path, append([]string{path}, os.Args[1:]...), os.Environ())
	}
	return fmt.Errorf("this is the matter of %s, which is not on PATH: %w", h.program, err)
}

// build builds the program into the cache directory. Without changes that takes no
// time.
func (h handover) build(ctx context.Context, told io.Writer) (_ string, err error) {
	source, err := clone(h.source)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "podchain", h.program)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(told, "there is no %s on PATH: building %s, which takes minutes the first time\n", h.program, path)
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
	command := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(work, h.program), ".")
	command.Dir = source
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("go build in %s: %w\n%s", source, err, bytes.TrimSpace(output.Bytes()))
	}
	return path, os.Rename(filepath.Join(work, h.program), path)
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
