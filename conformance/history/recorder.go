package history

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// Source is one collection that a recorder watches.
type Source struct {
	Resource schema.GroupVersionResource
	// Namespace is empty for a cluster-scoped resource and for all namespaces.
	Namespace string
	// FieldSelector and LabelSelector narrow the collection; both may be empty.
	FieldSelector, LabelSelector string
}

func (s Source) String() string { return s.Resource.Resource }

// Recorder fills a history from watches.
type Recorder struct {
	history *History
	client  dynamic.Interface
	ctx     context.Context
	cancel  context.CancelFunc
	group   sync.WaitGroup
}

// NewRecorder returns a recorder that fills the history through the client.
func NewRecorder(client dynamic.Interface, history *History) *Recorder {
	ctx, cancel := context.WithCancel(context.Background())
	return &Recorder{history: history, client: client, ctx: ctx, cancel: cancel}
}

// Watch lists the sources, records what is there, and returns when a watch is
// open on each: whatever changes afterwards is recorded until Stop.
func (r *Recorder) Watch(ctx context.Context, sources ...Source) error {
	faults := make([]error, len(sources))
	var group sync.WaitGroup
	for i, source := range sources {
		group.Go(func() { faults[i] = r.open(ctx, source) })
	}
	group.Wait()
	return errors.Join(faults...)
}

func (r *Recorder) open(ctx context.Context, source Source) error {
	listed := listed{}
	version, err := r.list(ctx, source, listed)
	if err != nil {
		return err
	}
	stream, err := r.start(source, version)
	if err != nil {
		return fmt.Errorf("cannot watch %s: %w", source, err)
	}
	r.group.Go(func() { r.follow(source, stream, version, listed) })
	return nil
}

// listed is what a list has shown.
type listed map[types.UID]*unstructured.Unstructured

// list records what has changed since the last list, and returns as of which
// version.
func (r *Recorder) list(ctx context.Context, source Source, before listed) (version string, err error) {
	list, err := r.collection(source).List(ctx, metav1.ListOptions{
		FieldSelector: source.FieldSelector, LabelSelector: source.LabelSelector})
	if err != nil {
		return "", fmt.Errorf("cannot list %s: %w", source, err)
	}
	now := listed{}
	for i := range list.Items {
		object := &list.Items[i]
		now[object.GetUID()] = object
		switch old := before[object.GetUID()]; {
		case old == nil:
			r.history.Record(watch.Added, object)
		case old.GetResourceVersion() != object.GetResourceVersion():
			r.history.Record(watch.Modified, object)
		}
	}
	for uid, object := range before {
		if now[uid] == nil {
			r.history.Record(watch.Deleted, object)
		}
	}
	clear(before)
	maps.Copy(before, now)
	return list.GetResourceVersion(), nil
}

func (r *Recorder) collection(source Source) dynamic.ResourceInterface {
	if source.Namespace == "" {
		return r.client.Resource(source.Resource)
	}
	return r.client.Resource(source.Resource).Namespace(source.Namespace)
}

func (r *Recorder) start(source Source, version string) (watch.Interface, error) {
	return r.collection(source).Watch(r.ctx, metav1.ListOptions{
		ResourceVersion: version, AllowWatchBookmarks: true,
		FieldSelector: source.FieldSelector, LabelSelector: source.LabelSelector,
	})
}

// follow records a stream and resumes it from the last version whenever the
// server ends it, as every client of a watch has to (WATCH-11, WATCH-16).
func (r *Recorder) follow(source Source, stream watch.Interface, version string, listed listed) {
	since := version
	for {
		for event := range stream.ResultChan() {
			object, ok := event.Object.(*unstructured.Unstructured)
			if event.Type == watch.Error || !ok {
				stream.Stop()
				err := apierrors.FromObject(event.Object)
				if apierrors.IsResourceExpired(err) && version == since {
					// The store was compacted between the list and the watch.
					if version, err = r.list(r.ctx, source, listed); err == nil {
						since = version
						break
					}
				}
				r.fail(source, err)
				return
			}
			version = object.GetResourceVersion()
			if event.Type != watch.Bookmark {
				r.history.Record(event.Type, object)
			}
		}
		if r.ctx.Err() != nil {
			return
		}
		var err error
		if stream, err = r.resume(source, version); err != nil {
			r.fail(source, err)
			return
		}
	}
}

func (r *Recorder) fail(source Source, err error) {
	if r.ctx.Err() == nil {
		r.history.Break(fmt.Errorf("watching %s: %w", source, err))
	}
}

// Stop ends the watches and returns when nothing is recorded any more.
func (r *Recorder) Stop() {
	r.cancel()
	r.group.Wait()
}
