package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/reference/runtime"
)

// Options say what cluster to bring up.
type Options struct {
	// Version of Kubernetes. Default: DefaultVersion.
	Version string
	// Nodes is how many nodes there are from the start. Default: 2.
	Nodes int
	// Progress is told what takes time. Default: nobody.
	Progress io.Writer
	// Logs is a folder for the logs of all programs, which is kept. Default: a
	// folder that ends with the cluster, unless it did not start.
	Logs string
	// Use is kept with the cluster, for Running. Only one of each use runs at a
	// time, unless it is empty.
	Use string
}

// Implementation brings up real Kubernetes.
type Implementation struct{ options Options }

// New returns an implementation that builds what it needs when it is started.
func New(options Options) *Implementation {
	if options.Version == "" {
		options.Version = DefaultVersion
	}
	if options.Nodes == 0 {
		options.Nodes = 2
	}
	if options.Progress == nil {
		options.Progress = io.Discard
	}
	return &Implementation{options}
}

// Describe implements implementation.Implementation.
func (i *Implementation) Describe() implementation.Description {
	return implementation.Description{Name: "kubernetes", Version: i.options.Version}
}

// Cluster is real Kubernetes on this machine.
type Cluster struct {
	directory string
	logs      string
	plugins   string // folder of the CNI plugins
	programs  programs
	journal   *runtime.Journal
	claim     *claim

	store  *store
	api    *apiServer
	images *images
	relays relays

	// control is held while links and nodes start and stop.
	control  sync.Mutex
	links    map[implementation.Link]*process
	kubelets bool // they run
	nodes    map[string]*node
	names    sets.Set[string] // of nodes, those that are being made included
	numbers  int              // of nodes so far
	stopped  bool
	making   sync.WaitGroup // nodes that are being made
}

var (
	_ implementation.Links     = (*Cluster)(nil)
	_ implementation.Nodes     = (*Cluster)(nil)
	_ implementation.Runtime   = (*Cluster)(nil)
	_ implementation.Images    = (*Cluster)(nil)
	_ implementation.Compactor = (*Cluster)(nil)
	_ implementation.Crashing  = (*Cluster)(nil)
)

// Start implements implementation.Implementation: it returns when the nodes are
// ready for Pods. The programs are built before, where they have not been yet.
func (i *Implementation) Start(ctx context.Context) (implementation.Cluster, error) {
	c, err := i.StartCluster(ctx)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// StartCluster is Start, for who needs to know more of the cluster than an
// implementation.Cluster tells.
func (i *Implementation) StartCluster(ctx context.Context) (*Cluster, error) {
	plugins, err := prepareMachine(ctx, i.options.Progress)
	if err != nil {
		return nil, err
	}
	built, err := build(ctx, i.options.Version, i.options.Progress)
	if err != nil {
		return nil, err
	}
	claim, err := claimDirectory(i.options.Use)
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		directory: claim.Directory, logs: i.options.Logs, plugins: plugins, programs: built,
		journal: runtime.NewJournal(), claim: claim,
		links: map[implementation.Link]*process{}, nodes: map[string]*node{}, names: sets.New[string](), kubelets: true,
	}
	if c.logs == "" {
		c.logs = filepath.Join(claim.Directory, "logs")
	}
	if err := c.start(ctx, i.options); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		kept, keepErr := c.keepLogs()
		return nil, errors.Join(err, c.Stop(ctx), keepErr, fmt.Errorf("the logs are kept in %s", kept))
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, options Options) (err error) {
	fmt.Fprintf(options.Progress, "starting Kubernetes %s with %d nodes in %s\n", options.Version, options.Nodes, c.directory)
	started := time.Now()
	if c.store, err = startStore(ctx, c.programs["etcd"], c.directory, c.logs); err != nil {
		return err
	}
	if c.api, err = newAPIServer(c.programs["kube-apiserver"], c.directory, c.logs, c.store); err != nil {
		return err
	}
	if c.images, err = startImages(c.programs["part"]); err != nil {
		return err
	}
	if err := c.relay(map[string]string{"api": c.api.address, "images": c.images.address}); err != nil {
		return err
	}
	if err := c.StartLink(ctx, implementation.APIServer); err != nil {
		return err
	}
	// Namespaces come first: all others wait for their accounts.
	for _, link := range append([]implementation.Link{aside}, implementation.AllLinks...) {
		if link == implementation.Kubelet || link == implementation.APIServer {
			continue
		}
		if err := c.StartLink(ctx, link); err != nil {
			return err
		}
	}
	var nodes errgroup.Group
	for n := range options.Nodes {
		nodes.Go(func() error {
			return c.AddNode(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", n+1)}})
		})
	}
	if err := nodes.Wait(); err != nil {
		return err
	}
	if err := c.awaitAccount(ctx); err != nil {
		return err
	}
	fmt.Fprintf(options.Progress, "Kubernetes %s is ready after %s\n", options.Version, time.Since(started).Round(100*time.Millisecond))
	return nil
}

// Config implements implementation.Cluster.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.api.config) }

// Kubeconfig is the file by which an administrator reaches the cluster.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.directory, "kubeconfig") }

// Control is where the kubeconfig says that the control socket is: what the
// cluster offers beyond the API can be had there, from whoever serves it.
func (c *Cluster) Control() string { return controlSocket(c.directory) }

func controlSocket(directory string) string { return filepath.Join(directory, "control.sock") }

// Logs is the folder with the logs of all programs. Stop removes it.
func (c *Cluster) Logs() string { return c.logs }

// Calls implements implementation.Runtime.
func (c *Cluster) Calls(context.Context) ([]implementation.Call, error) {
	return c.journal.Calls(), nil
}

// Crashed implements implementation.Crashing.
func (c *Cluster) Crashed() (implementation.Link, error) {
	c.control.Lock()
	defer c.control.Unlock()
	for _, link := range implementation.AllLinks {
		process := c.links[link]
		if link == implementation.APIServer {
			process = c.api.process
		}
		if err := process.crash(); err != nil {
			return link, err
		}
		if link != implementation.Kubelet {
			continue
		}
		for _, node := range c.nodes {
			if err := node.machine.crash(); err != nil {
				return link, err
			}
		}
	}
	return "", nil
}

// Compact implements implementation.Compactor. The watches that are open go on.
func (c *Cluster) Compact(ctx context.Context) error { return c.store.compact(ctx) }

// Stop implements implementation.Cluster: nothing that was started runs any
// more, and nothing that was made is left but logs that were asked for.
func (c *Cluster) Stop(ctx context.Context) error {
	c.control.Lock()
	c.stopped = true
	c.control.Unlock()
	c.making.Wait()
	c.control.Lock()
	defer c.control.Unlock()
	var mu sync.Mutex
	var errs []error
	keep := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		errs = append(errs, err)
	}
	var group sync.WaitGroup
	for _, node := range c.nodes {
		group.Go(func() { keep(node.stop()) })
	}
	group.Wait()
	order := append([]implementation.Link{aside}, implementation.AllLinks...)
	slices.Reverse(order)
	for _, link := range order {
		group.Go(func() { keep(c.links[link].stop(ctx)) })
	}
	group.Wait()
	clear(c.nodes)
	clear(c.links)
	keep(c.api.stop())
	keep(c.store.stop(ctx))
	c.relays.close()
	keep(c.images.stop())
	keep(c.claim.release())
	return errors.Join(errs...)
}

// keepLogs puts the logs aside, where Stop leaves them, and returns the folder:
// for when something went wrong.
func (c *Cluster) keepLogs() (string, error) {
	kept, err := os.MkdirTemp("", "podchain-logs-")
	if err != nil {
		return "", err
	}
	return kept, os.CopyFS(kept, os.DirFS(c.logs))
}
