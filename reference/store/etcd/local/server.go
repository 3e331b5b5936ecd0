// Package local runs a store of one's own, etcd or kine, as a process beside this
// one: linked into it, it would cost every user of podchain its dependencies and
// its build, whether they want it or not.
package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/podchain/podchain/conformance/crash"
	"github.com/podchain/podchain/conformance/pki"
	"github.com/podchain/podchain/reference/store/etcd"
)

// Options say what runs where.
type Options struct {
	// Program that runs. Default: Etcd.
	Program Program
	// Binary of it.
	Binary string
	// Directory for its socket, its certificates and its data, which is made, and
	// removed at the end. Default: a temporary one.
	Directory string
	// Log is the file for what it prints. Default: one in the directory.
	Log string
}

// Server is a store with a directory of its own. It listens on a socket there,
// and lets nobody in but who has the one certificate that its authority has
// signed for a client.
type Server struct {
	options         Options
	authority       *pki.Authority
	serving, client *pki.Identity
	process         *process   // nil while it is killed
	mu              sync.Mutex // guards process
}

// process is one run of the program.
type process struct {
	command *exec.Cmd
	done    chan struct{}
}

// socket is where the server is reached.
const socket = pki.Socket

// Start starts a store and returns when it serves.
func Start(ctx context.Context, options Options) (_ *Server, err error) {
	if options.Program.Name == "" {
		options.Program = Etcd
	}
	if options.Directory == "" {
		options.Directory, err = os.MkdirTemp("", "podchain-"+options.Program.Name+"-")
	} else {
		err = os.Mkdir(options.Directory, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", options.Program.Name, err)
	}
	s := &Server{options: options}
	if options.Log == "" {
		s.options.Log = s.path("log")
	}
	if err = s.certify(); err == nil {
		err = s.Restart(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(options.Directory))
	}
	return s, nil
}

func (s *Server) certify() (err error) {
	if s.authority, err = pki.NewAuthority(s.path("pki"), "podchain-"+s.options.Program.Name); err != nil {
		return err
	}
	if s.serving, err = s.authority.Issue("server", s.options.Program.Name); err != nil {
		return err
	}
	s.client, err = s.authority.Issue("api-server", "api-server")
	return err
}

func (s *Server) path(name string) string { return filepath.Join(s.options.Directory, name) }

// Endpoint is where clients reach it.
func (s *Server) Endpoint() string { return "unixs://" + s.path(socket) }

// Files let a client in.
func (s *Server) Files() etcd.Files {
	return etcd.Files{CA: s.authority.File(), Cert: s.client.CertificateFile, Key: s.client.KeyFile}
}

// Restart starts it again with the data that it has, after Kill. It does nothing
// while it runs.
func (s *Server) Restart(ctx context.Context) error {
	if s.process != nil {
		return nil
	}
	log, err := os.OpenFile(s.options.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.options.Program.Name, err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	p := &process{done: make(chan struct{})}
	p.command = exec.Command(s.options.Binary, s.options.Program.flags(s)...)
	p.command.Dir = s.options.Directory
	p.command.Stdout, p.command.Stderr = log, log
	p.command.SysProcAttr = apart()
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.options.Program.Name, err)
	}
	crash.Go(func() {
		defer close(p.done)
		_ = p.command.Wait() // how it ended, its output tells better
	})
	err = s.serves(ctx, p.done)
	select {
	case <-p.done:
		return fmt.Errorf("start %s: %s ended at once: %s\n%s", s.options.Program.Name, s.options.Binary, p.command.ProcessState, s.said())
	default:
	}
	if err != nil {
		p.kill()
		return fmt.Errorf("start %s: %w\n%s", s.options.Program.Name, err, s.said())
	}
	s.mu.Lock()
	s.process = p
	s.mu.Unlock()
	return nil
}

// serves waits until a request is answered: a client's requests wait for the
// connection that they need, which is tried until there is one.
func (s *Server) serves(ctx context.Context, ended <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	crash.Go(func() {
		select {
		case <-ended:
			cancel()
		case <-ctx.Done():
		}
	})
	certificates, err := s.Files().TLS()
	if err != nil {
		return err
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{s.Endpoint()}, TLS: certificates, Logger: zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.6, MaxDelay: time.Second},
			MinConnectTimeout: time.Second,
		})},
	})
	if err != nil {
		return err
	}
	_, err = client.Get(ctx, "podchain")
	return errors.Join(err, client.Close())
}

// said returns what the program has printed.
func (s *Server) said() string {
	text, err := os.ReadFile(s.options.Log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}

func (p *process) kill() {
	_ = p.command.Process.Kill() // fails only if it has ended already
	<-p.done
}

// Kill ends it as a crash would. What it has acknowledged is in its directory.
func (s *Server) Kill() {
	s.mu.Lock()
	running := s.process
	s.process = nil
	s.mu.Unlock()
	if running != nil {
		running.kill()
	}
}

// Crashed returns how it ended, if that was not by Kill or Stop.
func (s *Server) Crashed() error {
	s.mu.Lock()
	running := s.process
	s.mu.Unlock()
	if running == nil {
		return nil
	}
	select {
	case <-running.done:
		return fmt.Errorf("%s ended by itself: %s\n%s", s.options.Program.Name, running.command.ProcessState, s.said())
	default:
		return nil
	}
}

// Stop ends it and removes its data. Since nobody will miss that, there is
// nothing for which it needs time.
func (s *Server) Stop() error {
	s.Kill()
	if err := os.RemoveAll(s.options.Directory); err != nil {
		return fmt.Errorf("remove the data of %s: %w", s.options.Program.Name, err)
	}
	return nil
}
