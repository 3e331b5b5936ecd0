// Package gotest is a worked example: the specification in the Go tests of another
// module, run against an implementation of its own.
package gotest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

// Served is an implementation of Kubernetes that is a program: here it is podchain
// serve. Like others of its kind it writes a kubeconfig file, says that it is ready,
// and runs until it is interrupted.
type Served struct {
	// Program is the file of podchain.
	Program string
}

var _ implementation.Implementation = Served{}

// Describe implements implementation.Implementation.
func (Served) Describe() chain.Description {
	return chain.Description{Name: "podchain serve", Version: "unknown"}
}

// Start implements implementation.Implementation.
func (s Served) Start(ctx context.Context) (implementation.Cluster, error) {
	directory, err := os.MkdirTemp("", "gotest-")
	if err != nil {
		return nil, err
	}
	kubeconfig := filepath.Join(directory, "kubeconfig")
	c := &cluster{directory: directory, command: exec.Command(s.Program, "serve", "--kubeconfig-out", kubeconfig)}
	c.command.Stderr = &c.complaints
	output, err := c.command.StdoutPipe()
	if err == nil {
		err = c.command.Start()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(directory))
	}
	err = c.awaitReady(ctx, output)
	if err == nil {
		c.config, err = clientcmd.BuildConfigFromFlags("", kubeconfig)
	}
	if err != nil {
		return nil, errors.Join(err, c.Stop(ctx))
	}
	return c, nil
}

// cluster is a program that runs.
type cluster struct {
	directory  string
	command    *exec.Cmd
	complaints bytes.Buffer // complete once the program has ended
	config     *rest.Config
}

// awaitReady returns when the program says that it is ready.
func (c *cluster) awaitReady(ctx context.Context, output io.Reader) error {
	impatient := context.AfterFunc(ctx, func() { _ = c.command.Process.Kill() }) // what it says then is no line
	defer impatient()
	line, err := bufio.NewReader(output).ReadString('\n')
	if err == nil && strings.HasPrefix(line, "ready: ") {
		return nil
	}
	return fmt.Errorf("%s is not ready: it said %q: %w", c.command, line, errors.Join(err, ctx.Err()))
}

// Config implements implementation.Cluster.
func (c *cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Stop implements implementation.Cluster.
func (c *cluster) Stop(ctx context.Context) error {
	err := c.command.Process.Signal(syscall.SIGTERM)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil // how it ended, Wait says
	}
	impatient := context.AfterFunc(ctx, func() { _ = c.command.Process.Kill() }) // it has ended, or Wait says how
	defer impatient()
	if ended := c.command.Wait(); ended != nil {
		err = errors.Join(err, fmt.Errorf("%s: %w: %s", c.command, ended, &c.complaints))
	}
	return errors.Join(err, os.RemoveAll(c.directory))
}
