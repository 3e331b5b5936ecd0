package garbagecollector

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// watch keeps the graph up to date with a resource until the collector ends;
// synced, if not nil, is called when its objects are known or never will be.
// Watching what is watched already does nothing.
func (c *collector) watch(r *resource, synced func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watched[r] || !r.watchable() || c.ctx.Err() != nil {
		if synced != nil {
			synced()
		}
		return
	}
	c.watched[r] = true
	feed := &feed{resource: r, collector: c, synced: sync.OnceFunc(func() {
		if synced != nil {
			synced()
		}
	})}
	client := c.objects.Resource(r.GroupVersionResource)
	source := cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return client.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (apiwatch.Interface, error) {
			events, err := client.Watch(ctx, options)
			if apierrors.IsNotFound(err) {
				feed.synced() // the API server has no such resource, yet
			}
			return events, err
		},
	}, c.objects)
	reflector := cache.NewReflectorWithOptions(source, &metav1.PartialObjectMetadata{}, feed, cache.ReflectorOptions{
		Name:            Name,
		TypeDescription: r.String(),
	})
	c.watches.Go(func() {
		defer feed.synced()
		reflector.RunWithContext(c.ctx)
	})
}

// feed is the store of a reflector: the graph itself is the cache, so that
// nothing is kept twice.
type feed struct {
	resource  *resource
	collector *collector
	synced    func()
}

var _ cache.ReflectorStore = (*feed)(nil)

// Add implements cache.ReflectorStore.
func (f *feed) Add(item any) error {
	o, err := f.object(item)
	if err != nil {
		return err
	}
	return f.queue(f.collector.graph.observe(o))
}

// Update implements cache.ReflectorStore.
func (f *feed) Update(item any) error { return f.Add(item) }

// Delete implements cache.ReflectorStore.
func (f *feed) Delete(item any) error {
	o, err := f.object(item)
	if err != nil {
		return err
	}
	return f.queue(f.collector.graph.forget(o.uid))
}

// Replace implements cache.ReflectorStore.
func (f *feed) Replace(items []any, _ string) error {
	objects := make([]*object, 0, len(items))
	for _, item := range items {
		o, err := f.object(item)
		if err != nil {
			return err
		}
		objects = append(objects, o)
	}
	defer f.synced()
	return f.queue(f.collector.graph.replace(f.resource, objects))
}

// Resync implements cache.ReflectorStore: nothing is ever dealt with twice
// without a reason.
func (f *feed) Resync() error { return nil }

func (f *feed) queue(uids []types.UID) error {
	for _, uid := range uids {
		f.collector.queue.Add(uid)
	}
	return nil
}

// object keeps of the metadata what the collector needs.
func (f *feed) object(item any) (*object, error) {
	m, ok := item.(*metav1.PartialObjectMetadata)
	if !ok {
		return nil, fmt.Errorf("%v: expected PartialObjectMetadata, got %T", f.resource, item)
	}
	return &object{
		resource:   f.resource,
		namespace:  m.Namespace,
		name:       m.Name,
		uid:        m.UID,
		version:    m.ResourceVersion,
		owners:     m.OwnerReferences,
		deleting:   m.DeletionTimestamp != nil,
		finalizers: m.Finalizers,
	}, nil
}
