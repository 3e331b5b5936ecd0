package history

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
)

// Feed fills many histories from one set of watches: each with the events of one
// namespace and with those of the objects common to all. For a run over a whole
// cluster that is cheaper than separate watches of each namespace.
type Feed struct {
	recorders []*Recorder
	sources   [][]Source

	mu sync.Mutex
	// common are the present objects of the sources common to all histories.
	common    map[types.UID]*unstructured.Unstructured
	histories map[string]*History // by namespace
}

// NewFeed returns a feed of what an HTTP client reads from the API server of the
// configuration. Objects of the sources namespaced go to the history of their
// namespace, as a Namespace itself does; those of the sources common to all.
func NewFeed(config *rest.Config, client *http.Client, namespaced, common []Source) (*Feed, error) {
	f := &Feed{common: map[types.UID]*unstructured.Unstructured{}, histories: map[string]*History{}}
	for _, into := range []struct {
		sink    sink
		sources []Source
	}{{owners{f}, namespaced}, {shared{f}, common}} {
		recorder, err := newRecorder(config, client, into.sink)
		if err != nil {
			return nil, err
		}
		recorder.reconnects = true
		f.recorders, f.sources = append(f.recorders, recorder), append(f.sources, into.sources)
	}
	return f, nil
}

// Open returns when a watch is open on each source. Stop must be called, also after
// an error.
func (f *Feed) Open(ctx context.Context) error {
	var faults []error
	for i, recorder := range f.recorders {
		faults = append(faults, recorder.Watch(ctx, f.sources[i]...))
	}
	return errors.Join(faults...)
}

// Stop ends the watches and returns when nothing is recorded any more.
func (f *Feed) Stop() {
	for _, recorder := range f.recorders {
		recorder.Stop()
	}
}

// Fill records into the history the namespace, which must not exist yet, and the
// objects common to all, beginning with the present ones, until end is called.
func (f *Feed) Fill(namespace string, history *History) (end func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, object := range f.common {
		history.Record(watch.Added, object)
	}
	f.histories[namespace] = history
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.histories, namespace)
	}
}

// Break marks a gap in all histories that are being filled. Histories that begin
// after the watches have been resumed are complete.
func (f *Feed) Break(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, history := range f.histories {
		history.Break(err)
	}
}

// owners hands objects to the history of their namespace.
type owners struct{ *Feed }

func (o owners) recordAt(kind watch.EventType, object *unstructured.Unstructured, received time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	namespace := object.GetNamespace()
	if namespace == "" {
		namespace = object.GetName() // it is the Namespace itself
	}
	if history := o.histories[namespace]; history != nil {
		history.recordAt(kind, object, received)
	}
}

// shared hands objects to all histories.
type shared struct{ *Feed }

func (s shared) recordAt(kind watch.EventType, object *unstructured.Unstructured, received time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	listed(s.common).take(kind, object)
	for _, history := range s.histories {
		history.recordAt(kind, object, received)
	}
}
