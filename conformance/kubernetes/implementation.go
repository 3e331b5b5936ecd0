package kubernetes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/crijournal"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/pki"
	"github.com/podchain/podchain/conformance/tap"
)

// Options say what cluster to bring up.
type Options struct {
	// Version of Kubernetes. Default: DefaultVersion.
	Version string
	// Store of the API server. Default: DefaultStore.
	Store string
	// Progress gets a line for each step that takes time. Default: discarded.
	Progress io.Writer
	// Nodes is how many nodes a whole cluster has from the start. Default: 2.
	Nodes int
	// Logs is a folder for the logs of all programs, which is kept. Default: a
	// folder that ends with the cluster, unless it did not start.
	Logs string
	// Kubelet is a podchain program (see podchain run kubelet) that is the kubelet
	// of the nodes. Empty: Kubernetes' own.
	Kubelet string
	// Audited is a user whose requests the API server writes down, into the file
	// audit.jsonl of the logs. Default: no user.
	Audited string
	// Use is kept with the cluster, for Running. Only one of each use runs at a
	// time, unless it is empty.
	Use string
}

func (o Options) withDefaults() Options {
	o.Version = cmp.Or(o.Version, DefaultVersion)
	o.Nodes = cmp.Or(o.Nodes, 2)
	o.Store = cmp.Or(o.Store, DefaultStore)
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	return o
}

// Implementation brings up all of real Kubernetes.
type Implementation struct{ options Options }

// New returns an implementation that builds what it needs when it is started.
func New(options Options) *Implementation { return &Implementation{options.withDefaults()} }

// Describe implements implementation.Implementation.
func (i *Implementation) Describe() chain.Description {
	return chain.Description{Name: "kubernetes", Version: i.options.Version}
}

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
	return launch(ctx, i.options, assembly.Part{
		Share: implementation.Share{Links: chain.AllLinks, Nodes: i.options.Nodes}, Taps: tap.New(), Logs: i.options.Logs,
	})
}

// Cluster is real Kubernetes on this machine: all of it, or those links that
// have been asked for.
type Cluster struct {
	// Faults are those of the taps that all links reach the API server through.
	implementation.Faults

	version   string
	audited   string
	storeName string // of etcdserver.Programs
	part      assembly.Part
	kubelet   string // program of the reference's kubelet; empty: Kubernetes' own
	directory string
	logs      string
	book      logbook // of the logs
	plugins   string  // folder of the CNI plugins
	programs  programs
	journal   *crijournal.Journal
	lockfile  *lockfile

	config *rest.Config // of an administrator
	// identifies says that the API server tells its clients apart, and gives
	// tokens to ServiceAccounts.
	identifies bool
	store      *store        // nil if the API server is another's
	api        *apiServer    // likewise
	images     *loopback     // nil if the kubelets are another's
	serving    *pki.Identity // of all kubelets: each would have to find large primes itself
	relays     relays

	// control is held while links and nodes start and stop.
	control  sync.Mutex
	links    map[chain.Link]*process
	waiting  map[chain.Link]*process // second processes of links that run twice
	proxies  map[chain.Link]*proxy
	kubelets bool // they run
	nodes    map[string]*node
	names    sets.Set[string] // of nodes, those that are being made included
	numbers  int              // of nodes so far
	stopped  bool
	making   sync.WaitGroup // nodes that are being made
}

var (
	_ implementation.Links         = (*Cluster)(nil)
	_ implementation.Replicas      = (*Cluster)(nil)
	_ implementation.Nodes         = (*Cluster)(nil)
	_ implementation.Kubelets      = (*Cluster)(nil)
	_ implementation.Runtime       = (*Cluster)(nil)
	_ implementation.Images        = (*Cluster)(nil)
	_ implementation.Compactor     = (*Cluster)(nil)
	_ implementation.Store         = (*Cluster)(nil)
	_ implementation.Outage        = (*Cluster)(nil)
	_ implementation.CrashReporter = (*Cluster)(nil)
	_ implementation.Faults        = (*Cluster)(nil)
	_ implementation.Versioned     = (*Cluster)(nil)
)

// launch starts the links of the part.
func launch(ctx context.Context, options Options, part assembly.Part) (*Cluster, error) {
	c := &Cluster{
		Faults: part.Taps, version: options.Version, audited: options.Audited, storeName: options.Store, part: part, kubelet: options.Kubelet, logs: part.Logs, journal: crijournal.New(),
		links: map[chain.Link]*process{}, waiting: map[chain.Link]*process{}, proxies: map[chain.Link]*proxy{},
		nodes: map[string]*node{}, names: sets.New[string](), kubelets: part.Has(chain.Kubelet),
	}
	err := checkStore(options.Store)
	if err != nil {
		return nil, err
	}
	if part.Has(chain.Kubelet) {
		if c.plugins, err = prepareMachine(ctx, options.Progress); err != nil {
			return nil, err
		}
	}
	needed := programsOf(part.Links)
	if c.kubelet != "" {
		needed = slices.DeleteFunc(needed, func(name string) bool { return name == kubeletProgram })
	}
	if c.programs, err = build(ctx, options.Version, options.Progress, needed); err != nil {
		return nil, err
	}
	if part.Has(chain.APIServer) {
		if c.programs["store"], err = buildStore(ctx, options.Store, c.programs, options.Progress); err != nil {
			return nil, err
		}
	}
	if c.lockfile, err = lockDirectory(options.Use); err != nil {
		return nil, err
	}
	c.directory = c.lockfile.Directory
	if c.logs == "" {
		c.logs = filepath.Join(c.directory, "logs")
	}
	fmt.Fprintf(options.Progress, "starting %s of Kubernetes %s in %s\n", c.says(), options.Version, c.directory)
	started := time.Now()
	if err := c.start(ctx); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		kept, keepErr := c.keepLogs()
		return nil, errors.Join(err, c.Stop(ctx), keepErr, fmt.Errorf("the logs are kept in %s", kept))
	}
	fmt.Fprintf(options.Progress, "Kubernetes %s is ready after %s\n", options.Version, time.Since(started).Round(100*time.Millisecond))
	return c, nil
}

// says names what of Kubernetes runs here.
func (c *Cluster) says() string {
	var what []string
	for _, link := range c.part.Links {
		switch {
		case link == chain.Kubelet:
			what = append(what, fmt.Sprintf("%d nodes", c.part.Nodes))
		case len(c.part.Links) < len(chain.AllLinks):
			what = append(what, string(link))
		}
	}
	return strings.Join(what, ", ")
}

func (c *Cluster) start(ctx context.Context) (err error) {
	if c.part.Has(chain.APIServer) {
		err = c.startAPI(ctx)
	} else {
		c.config = c.part.API
		c.identifies, err = identifies(ctx, c.config)
	}
	if err != nil {
		return err
	}
	if err := c.startProcesses(ctx); err != nil {
		return err
	}
	if c.part.Has(chain.Kubelet) {
		if err := c.startNodes(ctx); err != nil {
			return err
		}
	}
	if c.part.Has(chain.NamespaceController) {
		return c.awaitAccount(ctx)
	}
	return nil
}

func (c *Cluster) startAPI(ctx context.Context) (err error) {
	if c.store, err = startStore(ctx, c.storeName, c.programs["store"], c.directory, c.logs); err != nil {
		return err
	}
	if c.api, err = newAPIServer(c.programs["kube-apiserver"], c.directory, c.logs, &c.book, c.store, c.audited); err != nil {
		return err
	}
	c.config, c.identifies = c.api.config, true
	return c.api.start(ctx)
}

func (c *Cluster) startNodes(ctx context.Context) (err error) {
	if c.images, err = startRegistry(ctx, c.programs["container"]); err != nil {
		return err
	}
	if err := c.relays.carry(c.imagesSocket(), c.images.address); err != nil {
		return err
	}
	if c.api != nil {
		if err := c.relays.carry(c.apiSocket(), c.api.address); err != nil {
			return err
		}
	}
	authority, err := pki.NewAuthority(filepath.Join(c.directory, "nodes", "pki"), "podchain-nodes")
	if err != nil {
		return err
	}
	if c.serving, err = authority.Issue("kubelet", "kubelet"); err != nil {
		return err
	}
	var nodes errgroup.Group
	for n := range c.part.Nodes {
		nodes.Go(func() error {
			return c.AddNode(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", n+1)}})
		})
	}
	return nodes.Wait()
}

// Config implements implementation.Cluster.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Kubeconfig is the file by which an administrator reaches a whole cluster.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.directory, "kubeconfig") }

// Control is the path of the control socket in the kubeconfig: the process that serves
// the cluster offers there what the cluster can do beyond the API.
func (c *Cluster) Control() string { return controlSocket(c.directory) }

func controlSocket(directory string) string { return filepath.Join(directory, "control.sock") }

// Logs is the folder with the logs of all programs. Stop removes it.
func (c *Cluster) Logs() string { return c.logs }

// Calls implements implementation.Runtime.
func (c *Cluster) Calls(ctx context.Context) ([]implementation.Call, error) {
	return c.journal.Calls(ctx)
}

// Crashed implements implementation.CrashReporter.
func (c *Cluster) Crashed() (chain.Link, error) {
	c.control.Lock()
	defer c.control.Unlock()
	for _, link := range chain.AllLinks {
		process := c.links[link]
		if link == chain.APIServer && c.api != nil {
			process = c.api.process
		}
		if err := cmp.Or(process.crash(), c.waiting[link].crash()); err != nil {
			return link, err
		}
		if link == chain.APIServer && c.store != nil {
			// Without its store it answers nothing any more.
			if err := c.store.Server.Crashed(); err != nil {
				return link, err
			}
		}
		if link != chain.Kubelet {
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

// Version implements implementation.Versioned: all links are of one.
func (c *Cluster) Version(chain.Link) string { return c.version }

// Compact implements implementation.Compactor. Open watches continue.
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
	order := append([]chain.Link{aside}, chain.AllLinks...)
	slices.Reverse(order)
	for _, link := range order {
		group.Go(func() { keep(c.waiting[link].stop(ctx)) })
		group.Go(func() { keep(c.links[link].stop(ctx)) })
	}
	group.Wait()
	for _, proxy := range c.proxies {
		keep(proxy.Close())
	}
	clear(c.nodes)
	clear(c.links)
	clear(c.waiting)
	clear(c.proxies)
	keep(c.api.stop())
	keep(c.store.stop())
	c.relays.close()
	keep(c.images.stop())
	keep(c.book.close())
	keep(c.lockfile.release())
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
