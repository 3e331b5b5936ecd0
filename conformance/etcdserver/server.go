// Package etcdserver runs a store that speaks etcd's protocol, etcd or kine, as a
// process beside this one: linked into it, the store would cost every user of podchain
// its dependencies and its build.
package etcdserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/podchain/podchain/conformance/children"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/conformance/pki"
	"github.com/podchain/podchain/conformance/storehistory"
)

// Options say what runs where.
type Options struct {
	// Program that runs. Default: Etcd.
	Program Program
	// Binary of it.
	Binary string
	// Directory for its socket, its certificates and its data, which is made, and
	// removed at the end. Default: that of the run (see package children), which is found
	// and removed also when this program was killed.
	Directory string
	// Log is the file for what it prints. Default: one in the directory.
	Log string
}

// Server is a store with a directory of its own. It listens on a socket there, and
// accepts only the one client certificate that its authority has signed.
type Server struct {
	options         Options
	run             *children.Run
	log             *children.Log
	authority       *pki.Authority
	serving, client *pki.Identity
	process         *process   // nil while it is killed
	mu              sync.Mutex // guards process
}

// process is one run of the program.
type process struct {
	command *exec.Cmd
	pipe    *children.Pipe // into the log
	done    chan struct{}
}

// socket is where the server is reached.
const socket = pki.Socket

// Start starts a store and returns when it serves.
func Start(ctx context.Context, options Options) (_ *Server, err error) {
	if options.Program.Name == "" {
		options.Program = Etcd
	}
	s := &Server{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start %s: %w", options.Program.Name, err), s.remove())
		}
	}()
	if s.run, err = children.Begin(); err != nil {
		return nil, err
	}
	if options.Directory == "" {
		options.Directory = s.run.Directory
	} else if err = os.Mkdir(options.Directory, 0o700); err != nil {
		return nil, err
	}
	s.options = options
	if options.Log == "" {
		s.options.Log = s.path("log")
	}
	if s.log, err = children.CreateLog(s.options.Log, options.Program.Name); err != nil {
		return nil, err
	}
	if err = s.certify(); err != nil {
		return nil, err
	}
	if err = s.launch(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// remove removes all that was made.
func (s *Server) remove() (err error) {
	if s.log != nil {
		err = s.log.Close()
	}
	if s.options.Directory != "" {
		err = errors.Join(err, os.RemoveAll(s.options.Directory))
	}
	return errors.Join(err, s.run.End())
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
func (s *Server) Files() Files {
	return Files{CA: s.authority.File(), Cert: s.client.CertificateFile, Key: s.client.KeyFile}
}

func (s *Server) access() implementation.StoreAccess {
	return implementation.StoreAccess{
		Endpoints: []string{s.Endpoint()}, CA: s.authority.PEM, Certificate: s.client.Certificate, Key: s.client.Key,
	}
}

// Restart starts it again with the data that it has, after Kill. It does nothing
// while it runs.
func (s *Server) Restart(ctx context.Context) error {
	if s.process != nil {
		return nil
	}
	if err := s.launch(ctx); err != nil {
		return fmt.Errorf("start %s: %w", s.options.Program.Name, err)
	}
	return nil
}

func (s *Server) launch(ctx context.Context) error {
	p := &process{done: make(chan struct{})}
	var err error
	if p.pipe, err = s.log.Pipe(); err != nil {
		return err
	}
	p.command = exec.Command(s.options.Binary, s.options.Program.flags(s)...)
	p.command.Dir = s.options.Directory
	p.command.Stdout, p.command.Stderr = p.pipe.Writer, p.pipe.Writer
	err = s.run.Start(p.command)
	// The process, if there is one, has the pipe open itself.
	if err = errors.Join(err, p.pipe.Writer.Close()); err != nil {
		p.pipe.Close()
		return err
	}
	crash.Go(func() {
		defer close(p.done)
		_ = p.command.Wait() // how it ended, its output tells better
		p.pipe.Drain()
	})
	err = s.serves(ctx, p.done)
	select {
	case <-p.done:
		p.pipe.Close()
		return fmt.Errorf("%s %s at once; %s", s.options.Binary, children.Exit(p.command.ProcessState), s.log.Last())
	default:
	}
	if err != nil {
		p.kill()
		return fmt.Errorf("%w; %s", err, s.log.Last())
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
	client, err := storehistory.Connect(s.access())
	if err != nil {
		return err
	}
	_, err = client.Get(ctx, "podchain")
	return errors.Join(err, client.Close())
}

func (p *process) kill() {
	_ = p.command.Process.Kill() // fails only if it has ended already
	<-p.done
	p.pipe.Close()
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
		return fmt.Errorf("%s %s; %s", s.options.Program.Name, children.Exit(running.command.ProcessState), s.log.Last())
	default:
		return nil
	}
}

// Stop kills it and removes its data. As the data is not needed any more, it gets no
// time to shut down.
func (s *Server) Stop() error {
	s.Kill()
	if err := s.remove(); err != nil {
		return fmt.Errorf("remove the data of %s: %w", s.options.Program.Name, err)
	}
	return nil
}
