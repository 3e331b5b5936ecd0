package etcdserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// source is all that it takes to build a program: its dependencies' versions
// follow from its own requirements, and the checksum database vouches for all of
// them.
func (p Program) source() string {
	return fmt.Sprintf("module podchain/%s\n\ngo 1.26\n\nrequire %s %s\n", p.Name, p.module, p.Version)
}

// Binary returns the path of the program: the one on PATH, else the one in the
// cache directory. If there is none it builds one there from its source, which
// takes a minute and needs Go and the module proxy. It calls building first.
func (p Program) Binary(ctx context.Context, building func(path string)) (string, error) {
	if path, err := exec.LookPath(p.Name); err == nil {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", p.unavailable(err)
	}
	path := filepath.Join(cache, "podchain", p.Name+"-"+p.Version)
	switch info, err := os.Stat(path); {
	case err == nil && info.Mode().IsRegular():
		return path, nil
	case err == nil:
		return "", p.unavailable(fmt.Errorf("%s is not a file", path))
	case !errors.Is(err, os.ErrNotExist):
		return "", p.unavailable(err)
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", p.unavailable(err)
	}
	building(path)
	if err := p.build(ctx, tool, path); err != nil {
		return "", p.unavailable(err)
	}
	return path, nil
}

func (p Program) unavailable(err error) error {
	return fmt.Errorf("there is no %s on PATH, and none can be built: %w; install one, or name the endpoints of one that runs", p.Name, err)
}

// build puts the binary at path, whole or not at all: others may be building it
// at the same time.
func (p Program) build(ctx context.Context, tool, path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(path), "build-"+p.Name+"-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := os.WriteFile(filepath.Join(work, "go.mod"), []byte(p.source()), 0o600); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, tool, "build", "-mod=mod", "-trimpath", "-o", p.Name, p.command)
	command.Dir = work
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Run(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, bytes.TrimSpace(output.Bytes()))
	}
	return os.Rename(filepath.Join(work, p.Name), path)
}
