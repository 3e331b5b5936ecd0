package reference

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/reference/runtime"
	"github.com/podchain/podchain/reference/store"
)

// Cluster is a running reference cluster.
type Cluster struct {
	options Options
	store   store.Store
	// api is what answers now; nil while the API server is stopped.
	api atomic.Pointer[server]
	// external answers in its place, where another program is the API server.
	external *externalAPIServer
	admin    *connection
	crashes  *crashes

	// control is held by whoever starts or stops something.
	control     sync.Mutex
	connections map[*connection]struct{} // of everything that runs, admin's included
	links       map[chain.Link]*runningLink
	// replicas are the processes of links that run twice; one of them is in links.
	replicas map[chain.Link]*replicas
	nodes    map[string]*node
	subnets  int // given to nodes so far

	registry *runtime.Registry
	hooks    implementation.Hooks
}

var (
	_ implementation.Composite     = (*Cluster)(nil)
	_ implementation.Explainer     = (*Cluster)(nil)
	_ implementation.Links         = (*Cluster)(nil)
	_ implementation.CrashReporter = (*Cluster)(nil)
	_ implementation.Replicas      = (*Cluster)(nil)
	_ implementation.Nodes         = (*Cluster)(nil)
	_ implementation.Kubelets      = (*Cluster)(nil)
	_ implementation.Images        = (*Cluster)(nil)
)

// runningLink is a link that runs: its process and its connection.
type runningLink struct {
	*process
	*connection
}

// Start starts a cluster. It returns when the API server answers.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	return start(ctx, options, implementation.Hooks{})
}

func start(ctx context.Context, options Options, hooks implementation.Hooks) (*Cluster, error) {
	c := &Cluster{
		options:     options,
		store:       options.Store,
		crashes:     newCrashes(),
		connections: map[*connection]struct{}{},
		links:       map[chain.Link]*runningLink{},
		replicas:    map[chain.Link]*replicas{},
		nodes:       map[string]*node{},
		registry:    runtime.NewRegistry(runtime.RegistryOptions{Lenient: options.AnyImage}),
		hooks:       hooks,
	}
	if c.store == nil && options.API == nil {
		c.store = store.NewMemory()
	}
	if options.API != nil {
		var err error
		if c.external, err = newExternalAPIServer(options.API); err != nil {
			return nil, err
		}
	}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Stop(context.WithoutCancel(ctx)))
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	stopped := map[chain.Link]bool{chain.APIServer: c.external != nil}
	for _, link := range c.options.Without {
		if _, err := chain.ParseLink(string(link)); err != nil {
			return err
		}
		stopped[link] = true
	}
	c.control.Lock()
	c.admin = c.connect("podchain", "")
	var errs []error
	for i := range c.options.nodes() {
		name := fmt.Sprintf("node-%d", i+1)
		errs = append(errs, c.addNode(&corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Capacity: c.options.Capacity},
		}))
	}
	c.control.Unlock()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, link := range chain.AllLinks {
		if stopped[link] || !Has(link) {
			continue
		}
		if err := c.StartLink(ctx, link); err != nil {
			return err
		}
	}
	return nil
}

// Config implements implementation.Cluster.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.admin.config) }

// Parts implements implementation.Composite.
func (c *Cluster) Parts() []any { return c.options.Offers }

// WhyMissing implements implementation.Explainer: what is in memory nobody else can
// read, and it is never away.
func (c *Cluster) WhyMissing(capability string) string {
	if c.options.Store == nil && (capability == "store" || capability == "outage") {
		return "the reference keeps its objects in memory here: --store etcd has a store to look at"
	}
	return ""
}

// ServeHTTP answers as the cluster's API server, for whoever wants to offer it
// on a listener of its own.
func (c *Cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if api := c.api.Load(); api != nil {
		api.domain.Do(func() { api.ServeHTTP(w, r) })
		return
	}
	http.Error(w, "the API server is stopped", http.StatusServiceUnavailable)
}

// Stop implements implementation.Cluster. Links end before the API server does,
// so that none of them sees it go. It returns what the links reported when they
// ended, and does nothing the second time.
func (c *Cluster) Stop(ctx context.Context) error {
	var errs []error
	for _, link := range stoppingOrder() {
		errs = append(errs, c.StopLink(ctx, link))
	}
	c.control.Lock()
	defer c.control.Unlock()
	for _, n := range c.nodes {
		n.machine.Close()
	}
	return errors.Join(errs...)
}

// connect returns a new connection, of a link or of the administrator. The caller holds
// control.
func (c *Cluster) connect(name string, link chain.Link) *connection {
	l := newConnection(name, c.options.Token, func(next http.RoundTripper) http.RoundTripper {
		if link != "" && c.hooks.Tap != nil {
			next = c.hooks.Tap(link, next)
		}
		if c.options.Tap != nil { // before the other: what it makes of a request is what the link says
			next = c.options.Tap(cmp.Or(link, chain.APIServer), next)
		}
		return next
	})
	if link != "" {
		// The client whose objects a link works on has been warned already.
		l.config.WarningHandlerWithContext = rest.NoWarnings{}
	}
	c.connections[l] = struct{}{}
	switch {
	case c.external != nil:
		c.external.answer(l)
	case c.api.Load() != nil:
		l.answer(c)
	}
	return l
}

// disconnect cuts the connection for good. The caller holds control.
func (c *Cluster) disconnect(l *connection) {
	l.cut()
	delete(c.connections, l)
}

// run starts a process that is connected as the link. The caller holds control.
func (c *Cluster) run(link chain.Link, what string, run func(context.Context, *rest.Config) error) *runningLink {
	l := c.connect(string(link), link)
	return &runningLink{connection: l, process: spawn(func(ctx context.Context) error {
		err := run(ctx, rest.CopyConfig(l.config))
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("%s: %w", what, err)
		}
		return err
	}, func(err error) error { return c.crashes.note(link, what, err) })}
}

// end stops what run started. The caller holds control.
func (c *Cluster) end(ctx context.Context, s *runningLink) error {
	err := s.stop(ctx)
	c.disconnect(s.connection)
	return err
}

func cause(err error) error {
	if err == nil {
		return errors.New("without an error")
	}
	return err
}
