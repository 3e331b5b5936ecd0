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

// Feed fills many histories from one set of watches: each with what happens in a
// namespace of its own, and with what is everybody's. Whoever watches a whole
// cluster for a time has it cheaper than by watches of each namespace.
type Feed struct {
	recorders []*Recorder
	sources   [][]Source

	mu sync.Mutex
	// common are the objects that are everybody's, as they are now.
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
	}{{owners{f}, namespaced}, {everybody{f}, common}} {
		recorder, err := newRecorder(config, client, into.sink)
		if err != nil {
			return nil, err
		}
		recorder.mends = true
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

// Fill has the history record the namespace, which is not there yet, and what is
// everybody's, beginning with what there is. It ends with a call of what it returns.
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

// Break says that something is missing from here on, in all histories that are
// being filled. Those that begin when the watches go on have all of theirs.
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

// everybody hands objects to all histories.
type everybody struct{ *Feed }

func (e everybody) recordAt(kind watch.EventType, object *unstructured.Unstructured, received time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	listed(e.common).take(kind, object)
	for _, history := range e.histories {
		history.recordAt(kind, object, received)
	}
}
