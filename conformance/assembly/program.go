package assembly

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/children"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/conformance/tap"
)

// Program is the origin of a link that is a program, or for the kubelet one on
// each node.
type Program struct {
	link    chain.Link
	command Command
	// Timeout bounds the wait until the program is at work.
	Timeout time.Duration
}

var _ Origin = (*Program)(nil)

// NewProgram returns the origin of the link; the error says why the command line
// cannot be run in its place.
func NewProgram(link chain.Link, command Command) (*Program, error) {
	if err := command.Check(link); err != nil {
		return nil, err
	}
	return &Program{link: link, command: command, Timeout: 30 * time.Second}, nil
}

// Describe implements Origin.
func (p *Program) Describe() chain.Description {
	return chain.Description{Name: string(p.command)}
}

// Start implements Origin.
func (p *Program) Start(ctx context.Context, part Part) (implementation.Cluster, error) {
	if !slices.Equal(part.Links, []chain.Link{p.link}) {
		return nil, fmt.Errorf("%s is the %s and nothing else", p.command, p.link)
	}
	r := &running{Program: p, part: part}
	if err := r.start(ctx); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*endTimeout)
		defer cancel()
		return nil, errors.Join(err, r.Stop(ctx))
	}
	switch p.link {
	case chain.Kubelet:
		return kubelets{r}, nil
	default:
		return r, nil
	}
}

// running is a program in the place of its link.
type running struct {
	*Program
	part      Part
	run       *children.Run
	directory string
	api       *api             // nil unless it is the API server
	client    *clients.Clients // nil unless it is the kubelet

	// control is held by whoever starts or stops something.
	control   sync.Mutex
	stopped   bool // the link
	instances []*instance
}

var (
	_ implementation.Links         = (*running)(nil)
	_ implementation.CrashReporter = (*running)(nil)
)

// instance is one process of the program, and what it has to itself.
type instance struct {
	name       string // for people
	node       string
	directory  string
	log        *children.Log
	kubeconfig string
	port       int
	proxy      *tap.Proxy // nil for the API server
	running    *process   // nil while it is stopped
}

func (r *running) start(ctx context.Context) (err error) {
	if r.run, err = children.Begin(); err != nil {
		return err
	}
	r.directory = r.run.Directory
	if r.part.Logs != "" {
		if err := os.MkdirAll(r.part.Logs, 0o755); err != nil {
			return fmt.Errorf("the programs' logs: %w", err)
		}
	}
	nodes := []string{""}
	switch r.link {
	case chain.APIServer:
		r.api = &api{}
	case chain.Kubelet:
		if r.client, err = clients.New(r.part.API); err != nil {
			return err
		}
		nodes = nil
		for i := range r.part.Nodes {
			nodes = append(nodes, fmt.Sprintf("node-%d", i+1))
		}
	}
	r.control.Lock()
	for _, node := range nodes {
		if _, err := r.add(node); err != nil {
			r.control.Unlock()
			return err
		}
	}
	all, err := r.launch(r.instances...)
	r.control.Unlock()
	if err != nil {
		return err
	}
	return r.await(ctx, all...)
}

// add prepares an instance; its process is not started yet. The caller holds control.
func (r *running) add(node string) (_ *instance, err error) {
	file, s := string(r.link), &instance{name: "the " + string(r.link), node: node}
	if node != "" {
		file += "-" + node
		s.name += " of " + node
	}
	s.directory = filepath.Join(r.directory, file)
	s.kubeconfig = filepath.Join(s.directory, "kubeconfig")
	logs := r.part.Logs
	if logs == "" {
		logs = r.directory
	}
	log := filepath.Join(logs, file+".log")
	if err := os.Mkdir(s.directory, 0o700); err != nil {
		return nil, err
	}
	if s.log, err = children.CreateLog(log, s.name); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.log.Close())
		}
	}()
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	if r.api == nil {
		if s.proxy, err = r.part.Taps.OpenProxy(r.link, r.part.API); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		if err := s.proxy.WriteKubeconfig(s.kubeconfig); err != nil {
			return nil, errors.Join(err, s.proxy.Close())
		}
	}
	r.instances = append(r.instances, s)
	return s, nil
}

// freePort returns a port that nobody listened on a moment ago: the program
// opens it itself, so nobody can keep it for it.
func freePort() (int, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

// begun is a process that is on its way to work.
type begun struct {
	*process
	atWork func(context.Context) error
}

// launch starts the processes of instances that have none. The caller holds control.
func (r *running) launch(instances ...*instance) (all []begun, err error) {
	for _, s := range instances {
		if s.running != nil {
			if s.running.hasEnded() {
				return nil, s.running.ended()
			}
			continue
		}
		atWork, err := r.begin(s)
		if err != nil {
			return nil, err
		}
		all = append(all, begun{s.running, atWork})
	}
	return all, nil
}

// await returns when all are at work.
func (r *running) await(ctx context.Context, all ...begun) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.Timeout, errTimeout)
	defer cancel()
	for _, one := range all {
		if err := one.await(ctx, r.Timeout, one.atWork); err != nil {
			return err
		}
	}
	return nil
}

// begin starts the process of an instance, and returns what waits until it is at work.
func (r *running) begin(s *instance) (atWork func(context.Context) error, err error) {
	if r.api != nil {
		if err := r.api.forget(s.kubeconfig); err != nil {
			return nil, err
		}
		atWork = func(ctx context.Context) error { return r.api.find(ctx, s.kubeconfig) }
	} else {
		asked := s.proxy.NextRequest()
		atWork = func(ctx context.Context) error {
			select {
			case <-asked:
			case <-ctx.Done():
				return errors.New("it has not asked the API server for anything")
			}
			if s.node == "" {
				return nil
			}
			return awaitNode(ctx, r.client, s.node, isRegistered)
		}
	}
	line := r.command.fill(map[string]string{
		"kubeconfig": s.kubeconfig, "dir": s.directory, "node": s.node, "port": strconv.Itoa(s.port),
	})
	s.running, err = start(r.run, s.name, line, s.log)
	return atWork, err
}

// Config implements implementation.Cluster.
func (r *running) Config() *rest.Config {
	if r.api != nil {
		return r.api.config()
	}
	return rest.CopyConfig(r.part.API)
}

// Stop implements implementation.Cluster.
func (r *running) Stop(ctx context.Context) error {
	r.control.Lock()
	defer r.control.Unlock()
	var errs []error
	for _, s := range r.instances {
		errs = append(errs, s.remove(ctx))
	}
	r.instances = nil
	errs = append(errs, r.run.End())
	r.run = nil
	return errors.Join(errs...)
}

// StopLink implements implementation.Links.
func (r *running) StopLink(ctx context.Context, link chain.Link) error {
	if link != r.link {
		return Lacking(string(r.command), link)
	}
	r.control.Lock()
	defer r.control.Unlock()
	r.stopped = true
	var errs []error
	for _, s := range r.instances {
		errs = append(errs, s.stop(ctx))
	}
	return errors.Join(errs...)
}

// StartLink implements implementation.Links.
func (r *running) StartLink(ctx context.Context, link chain.Link) error {
	if link != r.link {
		return Lacking(string(r.command), link)
	}
	r.control.Lock()
	r.stopped = false
	all, err := r.launch(r.instances...)
	r.control.Unlock()
	if err != nil {
		return err
	}
	return r.await(ctx, all...)
}

// Crashed implements implementation.CrashReporter.
func (r *running) Crashed() (chain.Link, error) {
	r.control.Lock()
	defer r.control.Unlock()
	for _, s := range r.instances {
		if s.running != nil && s.running.hasEnded() {
			return r.link, s.running.ended()
		}
	}
	return "", nil
}

// stop ends the process of the instance.
func (s *instance) stop(ctx context.Context) error {
	if s.running == nil {
		return nil
	}
	err := s.running.stop(ctx)
	s.running = nil
	return err
}

// remove ends the instance.
func (s *instance) remove(ctx context.Context) error {
	err := s.stop(ctx)
	if s.proxy != nil {
		err = errors.Join(err, s.proxy.Close())
	}
	return errors.Join(err, s.log.Close())
}
