package assembly

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/tap"
)

// Options say what a cluster is assembled from.
type Options struct {
	// Base is the implementation whose cluster lacks the links that programs
	// play. Its cluster may offer what it can do without them.
	Base implementation.Implementation
	// Programs play links in its place.
	Programs map[implementation.Link]Command
	// Nodes are the names of the nodes where kubelets are programs.
	Nodes []string
	// Logs is the directory where the programs' logs stay. Empty: a temporary
	// one, removed at the end.
	Logs string
	// Patience bounds the wait for a program's first request; 0 means 30 s.
	Patience time.Duration
}

// Implementation assembles clusters.
type Implementation struct{ options Options }

// New returns an implementation; the error says what is wrong with a program.
func New(options Options) (*Implementation, error) {
	if options.Patience == 0 {
		options.Patience = 30 * time.Second
	}
	for _, link := range slices.Sorted(maps.Keys(options.Programs)) {
		if err := options.Programs[link].Check(link); err != nil {
			return nil, err
		}
	}
	return &Implementation{options}, nil
}

// Describe implements implementation.Implementation.
func (i *Implementation) Describe() implementation.Description {
	base := i.options.Base.Describe()
	for _, link := range slices.Sorted(maps.Keys(i.options.Programs)) {
		base.Name += fmt.Sprintf(", %s: %s", link, i.options.Programs[link])
	}
	return base
}

// Start implements implementation.Implementation. It returns when every program
// has asked the API server for something.
func (i *Implementation) Start(ctx context.Context) (implementation.Cluster, error) {
	c := &cluster{options: i.options, taps: tap.New(), seats: map[implementation.Link][]*seat{}}
	if err := c.start(ctx); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*stopPatience)
		defer cancel()
		return nil, errors.Join(err, c.Stop(ctx))
	}
	return c, nil
}

// cluster is an assembled cluster.
type cluster struct {
	options   Options
	taps      *tap.Taps
	base      implementation.Cluster
	directory string

	// control is held by whoever starts or stops something.
	control sync.Mutex
	seats   map[implementation.Link][]*seat
}

var (
	_ implementation.Composite = (*cluster)(nil)
	_ implementation.Crashing  = (*cluster)(nil)
)

// seat is the place of a link, or of one node's kubelet, that a program takes.
type seat struct {
	link       implementation.Link
	node       string
	directory  string
	log        string
	kubeconfig string
	door       *tap.Door
	running    *process        // nil while it is stopped
	asked      <-chan struct{} // closed when what runs has asked for something
}

func (s *seat) name() string {
	if s.node != "" {
		return fmt.Sprintf("the %s of %s", s.link, s.node)
	}
	return fmt.Sprintf("the %s", s.link)
}

func (c *cluster) start(ctx context.Context) (err error) {
	if c.directory, err = os.MkdirTemp("", "podchain-"); err != nil {
		return err
	}
	if c.options.Logs != "" {
		if err := os.MkdirAll(c.options.Logs, 0o755); err != nil {
			return fmt.Errorf("the programs' logs: %w", err)
		}
	}
	if c.base, err = c.options.Base.Start(ctx); err != nil {
		return err
	}
	for _, link := range slices.Sorted(maps.Keys(c.options.Programs)) {
		nodes := []string{""}
		if link == implementation.Kubelet {
			nodes = c.options.Nodes
		}
		for _, node := range nodes {
			if err := c.add(link, node); err != nil {
				return err
			}
		}
	}
	c.control.Lock()
	defer c.control.Unlock()
	for _, link := range implementation.AllLinks {
		if err := c.run(ctx, c.seats[link]...); err != nil {
			return err
		}
	}
	return nil
}

// add prepares a seat; its program is not started yet.
func (c *cluster) add(link implementation.Link, node string) error {
	name := string(link)
	if node != "" {
		name += "-" + node
	}
	s := &seat{link: link, node: node, directory: filepath.Join(c.directory, name)}
	s.kubeconfig = filepath.Join(s.directory, "kubeconfig")
	logs := c.options.Logs
	if logs == "" {
		logs = c.directory
	}
	var err error
	if s.log, err = filepath.Abs(filepath.Join(logs, name+".log")); err != nil {
		return err
	}
	if err := os.RemoveAll(s.log); err != nil { // of an earlier run
		return err
	}
	if err := os.Mkdir(s.directory, 0o700); err != nil {
		return err
	}
	if s.door, err = c.taps.Open(link, c.base.Config()); err != nil {
		return fmt.Errorf("%s: %w", s.name(), err)
	}
	c.control.Lock()
	c.seats[link] = append(c.seats[link], s)
	c.control.Unlock()
	return s.door.WriteKubeconfig(s.kubeconfig)
}

// run starts the programs of seats that are empty, and returns when each has
// asked for something. The caller holds control.
func (c *cluster) run(ctx context.Context, seats ...*seat) error {
	for _, s := range seats {
		if s.running != nil {
			continue
		}
		port, err := freePort()
		if err != nil {
			return err
		}
		line := c.options.Programs[s.link].fill(map[string]string{
			"kubeconfig": s.kubeconfig, "dir": s.directory, "node": s.node, "port": strconv.Itoa(port),
		})
		s.asked = s.door.Expect()
		if s.running, err = start(s.name(), line, s.directory, s.log); err != nil {
			return err
		}
	}
	patience := time.NewTimer(c.options.Patience)
	defer patience.Stop()
	for _, s := range seats {
		select {
		case <-s.asked:
		case <-s.running.done:
			return s.running.ended()
		case <-patience.C:
			return fmt.Errorf("%s has been running for %s and has not asked the API server for anything; %s",
				s.name(), c.options.Patience, s.running.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s: waiting for its first request: %w", s.name(), ctx.Err())
		}
	}
	return nil
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

// Config implements implementation.Cluster.
func (c *cluster) Config() *rest.Config { return c.base.Config() }

// Stop implements implementation.Cluster: the programs end before the base does.
func (c *cluster) Stop(ctx context.Context) error {
	c.control.Lock()
	defer c.control.Unlock()
	var errs []error
	for _, link := range slices.Backward(implementation.AllLinks) {
		for _, s := range c.seats[link] {
			errs = append(errs, s.stop(ctx), s.door.Close())
		}
	}
	clear(c.seats)
	if c.base != nil {
		errs = append(errs, c.base.Stop(ctx))
	}
	if c.directory != "" {
		errs = append(errs, os.RemoveAll(c.directory))
	}
	return errors.Join(errs...)
}

func (s *seat) stop(ctx context.Context) error {
	if s.running == nil {
		return nil
	}
	err := s.running.stop(ctx)
	s.running = nil
	return err
}

// Crashed implements implementation.Crashing.
func (c *cluster) Crashed() (implementation.Link, error) {
	c.control.Lock()
	defer c.control.Unlock()
	for _, link := range implementation.AllLinks {
		for _, s := range c.seats[link] {
			if s.running == nil {
				continue
			}
			select {
			case <-s.running.done:
				return link, s.running.ended()
			default:
			}
		}
	}
	return "", nil
}

// Parts implements implementation.Composite: what the base offers, except where
// programs have taken the place of what it is about.
func (c *cluster) Parts() []any {
	var parts []any
	if base, ok := implementation.Offered[implementation.Links](c.base); ok {
		parts = append(parts, links{c, base})
	}
	if base, ok := implementation.Offered[implementation.Compactor](c.base); ok {
		parts = append(parts, struct{ implementation.Compactor }{base})
	}
	if base, ok := implementation.Offered[implementation.Store](c.base); ok {
		parts = append(parts, struct{ implementation.Store }{base})
	}
	if base, ok := implementation.Offered[implementation.Outage](c.base); ok {
		parts = append(parts, struct{ implementation.Outage }{base})
	}
	if c.options.Programs[implementation.Kubelet] != "" {
		return parts // nobody knows what its nodes and their runtimes can do
	}
	if base, ok := implementation.Offered[implementation.Nodes](c.base); ok {
		parts = append(parts, struct{ implementation.Nodes }{base})
	}
	if base, ok := implementation.Offered[implementation.Runtime](c.base); ok {
		parts = append(parts, struct{ implementation.Runtime }{base})
	}
	if base, ok := implementation.Offered[implementation.Images](c.base); ok {
		parts = append(parts, struct{ implementation.Images }{base})
	}
	return parts
}

// links starts and stops programs, and leaves the rest to the base.
type links struct {
	*cluster
	base implementation.Links
}

// StopLink implements implementation.Links.
func (l links) StopLink(ctx context.Context, link implementation.Link) error {
	if l.options.Programs[link] == "" {
		return l.base.StopLink(ctx, link)
	}
	l.control.Lock()
	defer l.control.Unlock()
	var errs []error
	for _, s := range l.seats[link] {
		errs = append(errs, s.stop(ctx))
	}
	return errors.Join(errs...)
}

// StartLink implements implementation.Links.
func (l links) StartLink(ctx context.Context, link implementation.Link) error {
	if l.options.Programs[link] == "" {
		return l.base.StartLink(ctx, link)
	}
	l.control.Lock()
	defer l.control.Unlock()
	return l.run(ctx, l.seats[link]...)
}
