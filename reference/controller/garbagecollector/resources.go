package garbagecollector

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/klog/v2"
)

// Options say how much of the API takes part in garbage collection.
type Options struct {
	// Resources are watched from the start; nil means DefaultResources. The
	// resource of an owner that turns up beyond them is watched from then on.
	Resources []schema.GroupResource
	// All watches every resource that can be listed, watched and deleted, as
	// a production cluster does, instead of Resources.
	All bool
}

// usual are the resources that are owners or dependents in practice. A watch
// costs the same for an empty resource as for a full one, about a third of a
// millisecond, and there are some sixty: a cluster that lives for one test has
// no time for those that never have owners. As the usual ones are known beforehand,
// the API server is not even asked what it has, which would cost as much as
// eight watches. Events are never collected: they name the object they are
// about, but have no owner.
var usual = sync.OnceValue(func() []*resource {
	core := func(name, kind string) *resource {
		return &resource{corev1.SchemeGroupVersion.WithResource(name), kind, true, true}
	}
	named := func(gv schema.GroupVersion, name, kind string) *resource {
		return &resource{gv.WithResource(name), kind, true, true}
	}
	nodes := core("nodes", "Node")
	nodes.namespaced = false
	return []*resource{
		core("pods", "Pod"),
		core("replicationcontrollers", "ReplicationController"),
		core("services", "Service"),
		core("configmaps", "ConfigMap"),
		core("secrets", "Secret"),
		core("serviceaccounts", "ServiceAccount"),
		core("persistentvolumeclaims", "PersistentVolumeClaim"),
		nodes,
		named(appsv1.SchemeGroupVersion, "deployments", "Deployment"),
		named(appsv1.SchemeGroupVersion, "replicasets", "ReplicaSet"),
		named(appsv1.SchemeGroupVersion, "statefulsets", "StatefulSet"),
		named(appsv1.SchemeGroupVersion, "daemonsets", "DaemonSet"),
		named(appsv1.SchemeGroupVersion, "controllerrevisions", "ControllerRevision"),
		named(batchv1.SchemeGroupVersion, "jobs", "Job"),
		named(batchv1.SchemeGroupVersion, "cronjobs", "CronJob"),
		named(coordinationv1.SchemeGroupVersion, "leases", "Lease"),
		named(discoveryv1.SchemeGroupVersion, "endpointslices", "EndpointSlice"),
		named(policyv1.SchemeGroupVersion, "poddisruptionbudgets", "PodDisruptionBudget"),
	}
})

// DefaultResources are watched if Options do not say otherwise.
func DefaultResources() []schema.GroupResource {
	all := make([]schema.GroupResource, 0, len(usual()))
	for _, r := range usual() {
		all = append(all, r.GroupResource())
	}
	return all
}

// ignored are never watched: they have neither dependents nor owners, and are very
// many.
var ignored = []schema.GroupResource{{Resource: "events"}, {Group: "events.k8s.io", Resource: "events"}}

// resource is one resource of the API. There is one value of it per resource in
// a catalogue, so it is compared by its address.
type resource struct {
	schema.GroupVersionResource
	kind       string
	namespaced bool
	// collectable: it can be listed, watched and deleted.
	collectable bool
}

// catalogue knows the resources that the API server has.
type catalogue struct {
	discovery *discovery.DiscoveryClient
	mu        sync.Mutex
	kinds     map[schema.GroupKind]*resource
}

func newCatalogue(client *discovery.DiscoveryClient) *catalogue {
	known := make(map[schema.GroupKind]*resource, len(usual()))
	for _, r := range usual() {
		known[schema.GroupKind{Group: r.Group, Kind: r.kind}] = r
	}
	return &catalogue{discovery: client, kinds: known}
}

// await asks the API server for its resources until it answers; the error is
// that of ctx.
func (c *catalogue) await(ctx context.Context) error {
	backoff := wait.Backoff{Duration: 50 * time.Millisecond, Factor: 2, Steps: math.MaxInt, Cap: 10 * time.Second}
	return backoff.DelayFunc().Until(ctx, true, true, func(ctx context.Context) (bool, error) {
		err := c.refresh(ctx)
		if err != nil {
			klog.FromContext(ctx).V(1).Info("The API server's resources are not known yet", "err", err)
		}
		return err == nil, nil
	})
}

// refresh asks the API server for its resources. Known ones stay as they are.
func (c *catalogue) refresh(ctx context.Context) error {
	lists, err := c.discovery.ServerPreferredResourcesWithContext(ctx)
	if len(lists) == 0 && err != nil {
		return err
	}
	// Groups that cannot be read now are asked for again when they are needed.
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return err
		}
		for _, r := range list.APIResources {
			gk := schema.GroupKind{Group: gv.Group, Kind: r.Kind}
			if c.kinds[gk] != nil || !slices.Contains(r.Verbs, "get") {
				continue
			}
			c.kinds[gk] = &resource{
				GroupVersionResource: gv.WithResource(r.Name),
				kind:                 r.Kind,
				namespaced:           r.Namespaced,
				collectable:          containsAll(r.Verbs, "list", "watch", "delete"),
			}
		}
	}
	return nil
}

// byKind returns the resource of a kind. A kind that is not known may have been
// added since: then the API server is asked again.
func (c *catalogue) byKind(ctx context.Context, apiVersion, kind string) (*resource, error) {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return nil, err
	}
	gk := schema.GroupKind{Group: gv.Group, Kind: kind}
	if r := c.known(gk); r != nil {
		return r, nil
	}
	if err := c.refresh(ctx); err != nil {
		return nil, err
	}
	if r := c.known(gk); r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("the API server has no kind %s in %s", kind, apiVersion)
}

func (c *catalogue) known(gk schema.GroupKind) *resource {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kinds[gk]
}

// selected returns the resources to watch from the start; the error is that of
// ctx.
func (c *catalogue) selected(ctx context.Context, options Options) ([]*resource, error) {
	if options.Resources == nil && !options.All {
		return usual(), nil
	}
	if err := c.await(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var selected []*resource
	for _, r := range c.kinds {
		if r.watchable() && (options.All || slices.Contains(options.Resources, r.GroupResource())) {
			selected = append(selected, r)
		}
	}
	return selected, nil
}

func (r *resource) watchable() bool {
	return r.collectable && !slices.Contains(ignored, r.GroupResource())
}

func containsAll(verbs []string, wanted ...string) bool {
	for _, verb := range wanted {
		if !slices.Contains(verbs, verb) {
			return false
		}
	}
	return true
}
