// Package local runs an etcd of one's own, as a process beside this one: linked
// into it, etcd's server would cost every user of podchain its dependencies and
// its build, whether they want an etcd or not.
package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Server is an etcd with a directory of its own for its sockets and its data.
type Server struct {
	binary    string
	directory string
	process   *process // nil while it is killed
}

// process is one run of the etcd.
type process struct {
	command *exec.Cmd
	output  bytes.Buffer // valid once done is closed
	done    chan struct{}
}

// Start starts an etcd and returns when it serves. Only this user reaches it: it
// listens on a socket in a directory that nobody else may enter.
func Start(ctx context.Context, binary string) (*Server, error) {
	directory, err := os.MkdirTemp("", "podchain-etcd-")
	if err != nil {
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	s := &Server{binary: binary, directory: directory}
	if err := s.Restart(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(directory))
	}
	return s, nil
}

// Endpoint is where clients reach it.
func (s *Server) Endpoint() string { return "unix://" + filepath.Join(s.directory, "client.sock") }

// Restart starts it again with the data that it has, after Kill.
func (s *Server) Restart(ctx context.Context) error {
	ready, err := listenForReady(filepath.Join(s.directory, "ready.sock"))
	if err != nil {
		return fmt.Errorf("start etcd: %w", err)
	}
	defer ready.close()
	peers := "unix://" + filepath.Join(s.directory, "peer.sock")
	p := &process{done: make(chan struct{})}
	p.command = exec.Command(s.binary,
		"--name=podchain",
		"--data-dir="+filepath.Join(s.directory, "data"),
		"--listen-client-urls="+s.Endpoint(), "--advertise-client-urls="+s.Endpoint(),
		"--listen-peer-urls="+peers, "--initial-advertise-peer-urls="+peers,
		"--initial-cluster=podchain="+peers,
		"--log-level=error",
		// Nothing is to survive the machine.
		"--unsafe-no-fsync",
	)
	p.command.Env = append(os.Environ(), "NOTIFY_SOCKET="+ready.path)
	p.command.Stdout, p.command.Stderr = &p.output, &p.output
	p.command.SysProcAttr = apart()
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("start etcd: %w", err)
	}
	go func() {
		defer close(p.done)
		_ = p.command.Wait() // how it ended, its output tells better
	}()
	select {
	case err = <-ready.told:
		if err == nil {
			s.process = p
			return nil
		}
	case <-ctx.Done():
		err = ctx.Err()
	case <-p.done:
		return fmt.Errorf("start etcd: %s ended at once: %w\n%s", s.binary, exitOf(p), strings.TrimSpace(p.output.String()))
	}
	p.kill()
	return fmt.Errorf("start etcd: %w", err)
}

func exitOf(p *process) error { return errors.New(p.command.ProcessState.String()) }

func (p *process) kill() {
	_ = p.command.Process.Kill() // fails only if it has ended already
	<-p.done
}

// Kill ends it as a crash would. What it has acknowledged is in its directory.
func (s *Server) Kill() {
	if s.process != nil {
		s.process.kill()
		s.process = nil
	}
}

// Stop ends it and removes its data. Since nobody will miss that, there is
// nothing for which it needs time.
func (s *Server) Stop() error {
	s.Kill()
	if err := os.RemoveAll(s.directory); err != nil {
		return fmt.Errorf("remove etcd's data: %w", err)
	}
	return nil
}

// readiness is a socket on which etcd tells, as systemd's services do, that it
// serves.
type readiness struct {
	connection net.PacketConn
	path       string
	told       chan error // one value
}

func (r *readiness) close() { _ = r.connection.Close() } // nobody reads from it any more

func listenForReady(path string) (*readiness, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	connection, err := net.ListenPacket("unixgram", path)
	if err != nil {
		return nil, err
	}
	r := &readiness{connection: connection, path: path, told: make(chan error, 1)}
	go func() { r.told <- r.wait() }()
	return r, nil
}

func (r *readiness) wait() error {
	message := make([]byte, 4096)
	for {
		n, _, err := r.connection.ReadFrom(message)
		if err != nil {
			return err
		}
		if bytes.Contains(message[:n], []byte("READY=1")) {
			return nil
		}
	}
}
