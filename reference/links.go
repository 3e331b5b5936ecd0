package reference

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference/apiserver"
	"github.com/podchain/podchain/reference/controller/daemonset"
	"github.com/podchain/podchain/reference/controller/deployment"
	"github.com/podchain/podchain/reference/controller/garbagecollector"
	"github.com/podchain/podchain/reference/controller/namespace"
	"github.com/podchain/podchain/reference/controller/nodelifecycle"
	"github.com/podchain/podchain/reference/controller/replicaset"
	"github.com/podchain/podchain/reference/controller/statefulset"
	"github.com/podchain/podchain/reference/scheduler"
)

// programs are the links that are one process for the whole cluster. The other
// two are the API server, which holds the store, and the kubelet, which is one
// process on each node.
var programs = map[chain.Link]func(context.Context, *rest.Config) error{
	chain.DeploymentController:  deployment.Run,
	chain.ReplicaSetController:  replicaset.Run,
	chain.StatefulSetController: statefulset.Run,
	chain.DaemonSetController:   daemonset.Run,
	chain.Scheduler:             scheduler.Run,
	chain.GarbageCollector:      garbagecollector.Run,
	chain.NamespaceController:   namespace.Run,
	chain.NodeLifecycle:         nodelifecycle.Run,
}

// Has tells whether the reference has the link.
func Has(link chain.Link) bool {
	return link == chain.APIServer || link == chain.Kubelet || programs[link] != nil
}

// lacking is the error for a link that the reference does not have.
func lacking(link chain.Link) error { return fmt.Errorf("the reference has no %s", link) }

// Links returns the links that the reference has, in the order of the chain.
func Links() []chain.Link {
	return slices.DeleteFunc(slices.Clone(chain.AllLinks), func(link chain.Link) bool { return !Has(link) })
}

// stoppingOrder has every link before those it writes to.
func stoppingOrder() []chain.Link {
	order := slices.Clone(chain.AllLinks)
	slices.Reverse(order)
	return order
}

// StartLink implements implementation.Links. It does nothing if the link runs.
func (c *Cluster) StartLink(_ context.Context, link chain.Link) error {
	c.control.Lock()
	defer c.control.Unlock()
	switch {
	case !Has(link):
		return lacking(link)
	case link == chain.APIServer && c.external != nil:
		return errors.New("another program is the API server")
	case link == chain.APIServer:
		return c.startAPIServer()
	case c.links[link] != nil:
	case link == chain.Kubelet:
		c.crashes.forget(link)
		c.links[link] = &runningLink{} // each node has its own process
		for _, node := range c.nodes {
			c.startKubelet(node)
		}
	default:
		c.crashes.forget(link)
		c.links[link] = c.run(link, string(link), programs[link])
	}
	return nil
}

// StopLink implements implementation.Links. It does nothing if the link is
// stopped, or if the reference has none.
func (c *Cluster) StopLink(ctx context.Context, link chain.Link) error {
	c.control.Lock()
	defer c.control.Unlock()
	if link == chain.APIServer {
		return c.stopAPIServer()
	}
	running := c.links[link]
	if running == nil {
		return nil
	}
	delete(c.links, link)
	if pair := c.replicas[link]; pair != nil {
		delete(c.replicas, link)
		return c.endReplicas(ctx, pair)
	}
	if link != chain.Kubelet {
		return c.end(ctx, running)
	}
	var errs []error
	for _, node := range c.nodes {
		errs = append(errs, c.stopKubelet(ctx, node))
	}
	return errors.Join(errs...)
}

// startAPIServer puts a new API server in front of the store. Its predecessor
// left nothing but what is stored.
func (c *Cluster) startAPIServer() error {
	if c.api.Load() != nil {
		return nil
	}
	api, err := c.newServer()
	if err != nil {
		return err
	}
	c.crashes.forget(chain.APIServer)
	c.api.Store(api)
	for connection := range c.connections {
		connection.answer(c)
	}
	return nil
}

// stopAPIServer cuts every connection, as the end of the process would.
func (c *Cluster) stopAPIServer() error {
	api := c.api.Load()
	if api == nil {
		return nil
	}
	for connection := range c.connections {
		connection.cut()
	}
	c.api.Store(nil)
	api.Close()
	api.domain.Close()
	return nil
}

// server is an API server, which ends when it panics.
type server struct {
	*apiserver.Server
	domain *crash.Domain
}

func (c *Cluster) newServer() (s *server, err error) {
	s = &server{}
	ended := func(fault *crash.Panic) {
		_ = c.crashes.note(chain.APIServer, "api-server", fault) // Crashed tells
		// Its requests end with it, this one among them.
		crash.Go(func() {
			c.control.Lock()
			defer c.control.Unlock()
			if c.api.Load() == s {
				_ = c.stopAPIServer() // which cannot fail
			}
		})
	}
	s.domain = crash.NewDomain(ended)
	// Its store may have been opened before, and does a part of its work.
	if store, ok := c.store.(interface{ OnPanic(func(*crash.Panic)) }); ok {
		store.OnPanic(ended)
	}
	options := apiserver.Options{Store: c.store, Token: c.options.Token}
	if !c.options.Shared {
		// Also those that do not run: something else may well have taken their place.
		options.Links = Links()
	}
	s.domain.Do(func() { s.Server, err = apiserver.New(options) })
	if err == nil && s.Server == nil { // it has panicked
		_, err = c.Crashed()
	}
	return s, err
}
