package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Version is the etcd that is built where none is installed.
const Version = "v3.7.3"

// module is all that it takes to build it: its dependencies' versions follow
// from its own requirements, and the checksum database vouches for all of them.
const module = `module podchain/etcd

go 1.26

require go.etcd.io/etcd/server/v3 ` + Version + "\n"

// Binary returns the path of an etcd: the one on PATH, else the one in the cache
// directory. If there is none it builds one there from its source, which takes a
// minute, needs Go and the module proxy, and is told to building.
func Binary(ctx context.Context, building func(path string)) (string, error) {
	if path, err := exec.LookPath("etcd"); err == nil {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", unavailable(err)
	}
	path := filepath.Join(cache, "podchain", "etcd-"+Version)
	switch info, err := os.Stat(path); {
	case err == nil && info.Mode().IsRegular():
		return path, nil
	case err == nil:
		return "", unavailable(fmt.Errorf("%s is not a file", path))
	case !errors.Is(err, os.ErrNotExist):
		return "", unavailable(err)
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", unavailable(err)
	}
	building(path)
	if err := build(ctx, tool, path); err != nil {
		return "", unavailable(err)
	}
	return path, nil
}

func unavailable(err error) error {
	return fmt.Errorf("there is no etcd on PATH, and none can be built: %w; install one, or name the endpoints of one that runs", err)
}

// build puts the binary at path, whole or not at all: others may be building it
// at the same time.
func build(ctx context.Context, tool, path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(path), "build-etcd-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := os.WriteFile(filepath.Join(work, "go.mod"), []byte(module), 0o600); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, tool, "build", "-mod=mod", "-trimpath", "-o", "etcd", "go.etcd.io/etcd/server/v3")
	command.Dir = work
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Run(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, bytes.TrimSpace(output.Bytes()))
	}
	return os.Rename(filepath.Join(work, "etcd"), path)
}
