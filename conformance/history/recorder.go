package history

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
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
	into       sink
	client     rest.Interface
	reconnects bool // it goes on after a gap
	ctx        context.Context
	cancel     context.CancelFunc
	group      sync.WaitGroup
}

// sink takes what a recorder reads.
type sink interface {
	recordAt(kind watch.EventType, object *unstructured.Unstructured, received time.Time)
	// Break marks a gap: from here on something is missing.
	Break(err error)
}

// NewRecorder returns a recorder that fills the history with what an HTTP client
// reads from the API server of the configuration.
func NewRecorder(config *rest.Config, client *http.Client, history *History) (*Recorder, error) {
	return newRecorder(config, client, history)
}

func newRecorder(config *rest.Config, client *http.Client, into sink) (*Recorder, error) {
	config = rest.CopyConfig(config)
	config.AcceptContentTypes, config.ContentType = "application/json", "application/json"
	config.QPS = -1
	reader, err := rest.UnversionedRESTClientForConfigAndClient(unversioned(config), client)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Recorder{into: into, client: reader, ctx: ctx, cancel: cancel}, nil
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

// listed is what a source is known to hold.
type listed map[types.UID]*unstructured.Unstructured

// take takes in an event.
func (l listed) take(event watch.EventType, object *unstructured.Unstructured) {
	if event == watch.Deleted {
		delete(l, object.GetUID())
		return
	}
	l[object.GetUID()] = object
}

// list records what has changed since the last list, and returns as of which
// version.
func (r *Recorder) list(ctx context.Context, source Source, before listed) (version string, err error) {
	list, err := r.get(ctx, source)
	if err != nil {
		return "", fmt.Errorf("cannot list %s: %w", source, err)
	}
	now := listed{}
	for i := range list.Items {
		object := &list.Items[i]
		now[object.GetUID()] = object
		switch old := before[object.GetUID()]; {
		case old == nil:
			r.into.recordAt(watch.Added, object, time.Now())
		case old.GetResourceVersion() != object.GetResourceVersion():
			r.into.recordAt(watch.Modified, object, time.Now())
		}
	}
	for uid, object := range before {
		if now[uid] == nil {
			r.into.recordAt(watch.Deleted, object, time.Now())
		}
	}
	clear(before)
	maps.Copy(before, now)
	return list.GetResourceVersion(), nil
}

// holds returns whether the server still holds exactly what was recorded last, and
// as of which version. It cannot know of objects created and removed meanwhile.
func (r *Recorder) holds(source Source, last listed, version *string) bool {
	list, err := r.get(r.ctx, source)
	if err != nil || len(list.Items) != len(last) {
		return false
	}
	for i := range list.Items {
		object := &list.Items[i]
		if was := last[object.GetUID()]; was == nil || was.GetResourceVersion() != object.GetResourceVersion() {
			return false
		}
	}
	*version = list.GetResourceVersion()
	return true
}

func (r *Recorder) get(ctx context.Context, source Source) (*unstructured.UnstructuredList, error) {
	body, err := r.request(source, metav1.ListOptions{}).DoRaw(ctx)
	list := &unstructured.UnstructuredList{}
	if err == nil {
		err = list.UnmarshalJSON(body)
	}
	return list, err
}

// request is a GET of the source's collection.
func (r *Recorder) request(source Source, options metav1.ListOptions) *rest.Request {
	options.FieldSelector, options.LabelSelector = source.FieldSelector, source.LabelSelector
	path := []string{"/apis", source.Resource.Group, source.Resource.Version}
	if source.Resource.Group == "" {
		path = []string{"/api", source.Resource.Version}
	}
	return r.client.Get().AbsPath(path...).
		NamespaceIfScoped(source.Namespace, source.Namespace != "").
		Resource(source.Resource.Resource).
		SpecificallyVersionedParams(&options, metav1.ParameterCodec, metav1.Unversioned)
}

func (r *Recorder) start(source Source, version string) (*stream, error) {
	body, err := r.request(source, metav1.ListOptions{Watch: true, ResourceVersion: version, AllowWatchBookmarks: true}).Stream(r.ctx)
	if err != nil {
		return nil, err
	}
	return newStream(body), nil
}

// follow records a stream and resumes it from the last version whenever the
// server ends it, as every client of a watch has to (WATCH-11, WATCH-16).
//
// The server may say that a version has expired where the record has not missed
// anything by it: right after a list, when the store was compacted in between, when
// the server comes back, since nothing could be written while it was away, and
// where it still holds what was recorded last.
func (r *Recorder) follow(source Source, stream *stream, version string, listed listed) {
	forgivable := version // may have expired
	for {
		last, err := r.record(stream, version, listed)
		stream.close()
		version = last
		if r.ctx.Err() != nil {
			return
		}
		for again := true; again; {
			if err == nil {
				var wasAway bool
				if stream, wasAway, err = r.resume(source, version); wasAway {
					forgivable = version
				}
			}
			expired := apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
			again = expired
			switch gap := err; {
			case expired && version == forgivable:
				version, err = r.list(r.ctx, source, listed)
				forgivable = version
			case expired && r.holds(source, listed, &version):
				forgivable, err = version, nil
			case gap != nil:
				if r.fail(source, gap); !r.reconnects {
					return
				}
				if version, err = r.reconnect(source, listed); err != nil {
					return
				}
				r.fail(source, gap) // for histories that have begun meanwhile
				forgivable, again = version, true
			}
		}
	}
}

// record records a stream to its end, and returns the last version in it. The
// error is the one that the server ended the stream with, if any.
func (r *Recorder) record(stream *stream, version string, listed listed) (last string, err error) {
	for {
		event, received, err := stream.next()
		switch {
		case err != nil || event == nil:
			return version, err
		case event.Type != watch.Bookmark:
			r.into.recordAt(event.Type, event.Object, received)
			listed.take(event.Type, event.Object)
		}
		version = event.Object.GetResourceVersion()
	}
}

func (r *Recorder) fail(source Source, err error) {
	if r.ctx.Err() == nil {
		r.into.Break(fmt.Errorf("watching %s: %w", source, err))
	}
}

// Stop ends the watches and returns when nothing is recorded any more.
func (r *Recorder) Stop() {
	r.cancel()
	r.group.Wait()
}
