// Package garbagecollector is the garbage collector: it deletes objects whose
// owners are gone, keeps an owner in foreground deletion until its dependents are
// gone, and orphans dependents that are to outlive their owner (GC-01..GC-11).
//
// It watches the metadata of every resource that takes part, keeps the owner
// references in a graph by uid, and acts on one object at a time:
//
//	graph.go     what is known: objects, owner references, dependents
//	decide.go    what is to be done with an object, as a pure function
//	patch.go     the three writes that are not deletions
//	resources.go which resources take part, and where they are found
//	watch.go     how the API server's watches feed the graph
//
// The graph may lag behind the API server, so nothing is done on its word
// alone: an owner it does not know is looked up live, and every write names the
// state it was decided on, so that it fails if that state has passed.
package garbagecollector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference/link"
)

// Name is what the link calls itself in requests and Events.
const Name = "garbage-collector"

// workers is how many objects are dealt with at a time. The work is remote
// calls, so it is not bound by the number of cores.
const workers = 16

// Run collects garbage until ctx is done, with the default Options.
func Run(ctx context.Context, config *rest.Config) error {
	return RunWithOptions(ctx, config, Options{})
}

// RunWithOptions collects garbage until ctx is done. All its goroutines have
// ended when it returns.
func RunWithOptions(ctx context.Context, config *rest.Config, options Options) error {
	l, err := link.New(Name, config)
	if err != nil {
		return err
	}
	config = rest.CopyConfig(l.Config)
	// Watching a deprecated resource is no mistake here.
	config.WarningHandlerWithContext = rest.NoWarnings{}
	discovery, err := l.Discovery(config)
	if err != nil {
		return fmt.Errorf("garbage collector: %w", err)
	}
	objects, err := metadata.NewForConfigAndClient(config, l.HTTP)
	if err != nil {
		return fmt.Errorf("garbage collector: %w", err)
	}
	catalogue := newCatalogue(discovery)
	resources, err := catalogue.selected(ctx, options)
	if err != nil {
		return nil //nolint:nilerr // the context is done: that is how it ends
	}
	c := &collector{
		catalogue: catalogue,
		objects:   objects,
		events:    l.Events,
		graph:     newGraph(),
		queue:     link.NewQueue[types.UID](),
		watched:   map[*resource]bool{},
	}
	c.run(ctx, resources)
	return nil
}

// collector acts on the graph. Its queue holds the uids of the objects that may
// need something done; what that is, is decided when it is their turn.
type collector struct {
	catalogue *catalogue
	objects   metadata.Interface
	events    *link.Recorder
	graph     *graph
	queue     *link.Queue[types.UID]

	// watches are the running reflectors; more may be added while it runs.
	watches crash.Group
	ctx     context.Context
	mu      sync.Mutex
	watched map[*resource]bool
}

func (c *collector) run(ctx context.Context, resources []*resource) {
	c.ctx = ctx
	// Nothing is collected before the whole picture is known: until then
	// almost every owner is missing (GC-10).
	var synced sync.WaitGroup
	for _, r := range resources {
		synced.Add(1)
		c.watch(r, synced.Done)
	}
	var working crash.Group
	working.Go(func() { c.events.Run(ctx) })
	// Watches that end count as synced, so this ends with ctx at the latest.
	synced.Wait()
	c.queue.Run(ctx, workers, c.process)
	working.Wait()
	c.watches.Wait()
}

// process brings one object to where its owners and finalizers want it.
func (c *collector) process(ctx context.Context, uid types.UID) error {
	view, ok := c.graph.view(uid)
	if !ok {
		return nil
	}
	if err := c.verify(ctx, &view); err != nil {
		return err
	}
	object := view.object
	switch step := decide(view); step.do {
	case nothing:
		return nil
	case orphanDependents:
		return c.orphan(ctx, object, view.dependents)
	case awaitDependents:
		for _, dependent := range view.blocking {
			c.queue.Add(dependent)
		}
		return nil
	case release:
		return c.patch(ctx, object, removeFinalizer(object, metav1.FinalizerDeleteDependents))
	case dropReferences:
		return c.patch(ctx, object, dropOwners(object, step.owners))
	case unblockAndDelete:
		if err := c.patch(ctx, object, unblockOwners(object)); err != nil {
			return err
		}
		// The patch has raised the object's version; the uid still guards.
		return c.delete(ctx, object, "", step.policy)
	case deleteObject:
		return c.delete(ctx, object, object.version, step.policy)
	default:
		return fmt.Errorf("no way to do %v", step.do)
	}
}

// verify settles the references the graph knows nothing about by asking the
// API server for the owner itself.
func (c *collector) verify(ctx context.Context, view *view) error {
	for i, standing := range view.standings {
		if standing != unknown {
			continue
		}
		verified, err := c.lookUp(ctx, view.object, view.object.owners[i])
		if err != nil {
			return err
		}
		view.standings[i] = verified
	}
	return nil
}

// lookUp says how an owner stands by reading it live, at the coordinates that
// the reference gives and in the dependent's own namespace (GC-07, GC-08).
func (c *collector) lookUp(ctx context.Context, dependent *object, ref metav1.OwnerReference) (standing, error) {
	r, err := c.catalogue.byKind(ctx, ref.APIVersion, ref.Kind)
	if err != nil {
		return unknown, err
	}
	namespace := ""
	if r.namespaced {
		if namespace = dependent.namespace; namespace == "" {
			// A cluster-scoped object cannot have an owner in a namespace. The owner
			// may exist, so the object stays; an Event reports it.
			c.reportNamespace(dependent, ref)
			return solid, nil
		}
		if c.graph.elsewhere(ref.UID, namespace) {
			c.reportNamespace(dependent, ref)
		}
	}
	owner, err := c.objects.Resource(r.GroupVersionResource).Namespace(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), err == nil && owner.UID != ref.UID:
		c.graph.markAbsent(ref, namespace)
		return dangling, nil
	case err != nil:
		return unknown, fmt.Errorf("owner %s %s/%s: %w", ref.Kind, namespace, ref.Name, err)
	}
	// From here on its deletion must not be missed.
	c.watch(r, nil)
	if owner.DeletionTimestamp != nil && slices.Contains(owner.Finalizers, metav1.FinalizerDeleteDependents) {
		return waiting, nil
	}
	return solid, nil
}

// orphan removes the owner from all its dependents, then lets it go (GC-04).
func (c *collector) orphan(ctx context.Context, owner *object, dependents []*object) error {
	group, groupCtx := crash.NewErrorGroup(ctx)
	group.SetLimit(workers)
	for _, dependent := range dependents {
		group.Go(func() error {
			return c.patch(groupCtx, dependent, dropOwners(dependent, []types.UID{owner.uid}))
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return c.patch(ctx, owner, removeFinalizer(owner, metav1.FinalizerOrphanDependents))
}

// delete removes exactly this object, in exactly this version if one is given: if it
// got an owner in the meantime it stays (GC-01).
func (c *collector) delete(ctx context.Context, o *object, version string, policy metav1.DeletionPropagation) error {
	client := c.objects.Resource(o.resource.GroupVersionResource).Namespace(o.namespace)
	preconditions := &metav1.Preconditions{UID: &o.uid}
	if version != "" {
		preconditions.ResourceVersion = &version
	}
	err := client.Delete(ctx, o.name, metav1.DeleteOptions{Preconditions: preconditions, PropagationPolicy: &policy})
	if apierrors.IsConflict(err) {
		// An object that is busily updated must not escape: its version does
		// not matter as long as its owners are the ones that were judged.
		live, getErr := client.Get(ctx, o.name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(getErr), getErr == nil && live.UID != o.uid:
			return nil // its removal is on its way to the graph
		case getErr != nil:
			return getErr
		case version != "" && sameOwners(live.OwnerReferences, o.owners):
			return c.delete(ctx, o, "", policy)
		}
		return errStale
	}
	if apierrors.IsNotFound(err) {
		return nil // its removal is on its way to the graph
	}
	return err
}

// patch applies a change to exactly this object; an object that is gone needs
// no change.
func (c *collector) patch(ctx context.Context, o *object, change jsonPatch) error {
	if len(change) == 0 {
		return nil
	}
	body, err := change.encode(o.uid)
	if err != nil {
		return err
	}
	_, err = c.objects.Resource(o.resource.GroupVersionResource).Namespace(o.namespace).
		Patch(ctx, o.name, types.JSONPatchType, body, metav1.PatchOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case apierrors.IsInvalid(err), apierrors.IsConflict(err):
		// The tests in the patch failed: the object has changed, and its new
		// state is on its way to the graph.
		return errStale
	}
	return err
}

// errStale is returned for a write that was refused because it was decided on
// a state that has passed.
var errStale = errors.New("the object has changed in the meantime")

// reportNamespace tells the author of an object about an owner that lives in
// another namespace, or in a namespace while the object lives in none (GC-07).
func (c *collector) reportNamespace(dependent *object, ref metav1.OwnerReference) {
	c.events.Eventf(&corev1.ObjectReference{
		APIVersion: dependent.resource.GroupVersion().String(),
		Kind:       dependent.resource.kind,
		Namespace:  dependent.namespace,
		Name:       dependent.name,
		UID:        dependent.uid,
	}, corev1.EventTypeWarning, "OwnerRefInvalidNamespace",
		"owner %s %s %q (uid %s) does not exist in namespace %q",
		ref.APIVersion, ref.Kind, ref.Name, ref.UID, dependent.namespace)
}
