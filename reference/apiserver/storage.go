package apiserver

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"time"

	"github.com/podchain/podchain/reference/apiserver/kinds"
	"github.com/podchain/podchain/reference/store"
)

// Root is where all keys start (STORE-01).
const Root = "/registry/"

// resourcePrefix are the resources whose keys do not follow from their names.
var resourcePrefix = map[string]string{
	"nodes":     "minions",
	"services":  "services/specs",
	"endpoints": "services/endpoints",
}

// storage is where the objects of one kind are kept. Reads go to the store, so
// they are never stale; what is remembered here is only the decoded form.
type storage struct {
	kind   *kinds.Kind
	prefix string
	store  store.Store
	feed   *feed

	mu sync.Mutex
	// latest holds the newest known record of each key, and pending the one
	// that is being written, so that the first to see the write, its writer or
	// the feed, finds the object decoded.
	latest, pending map[string]*record
}

func newStorage(s store.Store, kind *kinds.Kind) *storage {
	place, ok := resourcePrefix[kind.Resource]
	if !ok || kind.Group != "" {
		place = kind.Resource
	}
	st := &storage{
		kind:    kind,
		prefix:  Root + place + "/",
		store:   s,
		latest:  map[string]*record{},
		pending: map[string]*record{},
	}
	st.feed = newFeed(st)
	return st
}

// key returns where an object is kept; with an empty name, the prefix of all
// objects in the namespace.
func (s *storage) key(namespace, name string) string {
	if s.kind.Namespaced && namespace != "" {
		return s.prefix + namespace + "/" + name
	}
	return s.prefix + name
}

// record returns the record of a stored value.
func (s *storage) record(kv *store.KeyValue) (*record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.latest[kv.Key]
	if known != nil && known.revision == kv.ModRevision {
		return known, nil
	}
	raw, err := decodeEnvelope(kv.Value)
	if err != nil {
		return nil, err
	}
	r := s.pending[kv.Key]
	if r != nil && bytes.Equal(r.raw, raw) {
		delete(s.pending, kv.Key)
		r.revision = kv.ModRevision
		setVersion(r.obj, r.revision)
	} else {
		r = &record{kind: s.kind, key: kv.Key, revision: kv.ModRevision, raw: raw}
	}
	if known == nil || known.revision < r.revision {
		s.latest[kv.Key] = r
	}
	return r, nil
}

// get returns the present version; nil if there is none.
func (s *storage) get(ctx context.Context, key string) (*record, error) {
	kv, err := s.store.Get(ctx, key)
	if kv == nil || err != nil {
		return nil, err
	}
	return s.record(kv)
}

// await returns the present version as soon as there is one; nil if there is still
// none after timeout.
func (s *storage) await(ctx context.Context, key string, timeout time.Duration) (*record, error) {
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	revision, _, err := s.store.Revision(waiting)
	if err != nil {
		return nil, err
	}
	watcher := s.store.Watch(key, revision)
	defer watcher.Stop()
	for {
		r, err := s.get(ctx, key)
		if r != nil || err != nil {
			return r, err
		}
		if _, err := watcher.Next(waiting); waiting.Err() != nil {
			return nil, ctx.Err()
		} else if err != nil {
			return nil, err
		}
	}
}

// put writes r, whose object is decoded and not shared, over the expected version
// (nil: none). It returns the record that all readers share.
func (s *storage) put(ctx context.Context, r, expected *record) (*record, error) {
	var revision int64
	if expected != nil {
		revision = expected.revision
	}
	value := encodeEnvelope(s.kind.GroupVersionKind, r.raw)
	s.mu.Lock()
	s.pending[r.key] = r
	s.mu.Unlock()
	written, err := s.store.Put(ctx, r.key, value, revision)
	if err != nil {
		s.mu.Lock()
		if s.pending[r.key] == r {
			delete(s.pending, r.key)
		}
		s.mu.Unlock()
		return nil, err
	}
	return s.record(&store.KeyValue{Key: r.key, Value: value, ModRevision: written})
}

// remove deletes the version expected and returns it as of its removal.
func (s *storage) remove(ctx context.Context, expected *record) (*record, error) {
	revision, err := s.store.Delete(ctx, expected.key, expected.revision)
	if err != nil {
		return nil, err
	}
	s.forget(expected.key, revision)
	return expected.at(revision), nil
}

// forget drops what is remembered of a key that was removed at the revision.
func (s *storage) forget(key string, revision int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.latest[key]; known != nil && known.revision < revision {
		delete(s.latest, key)
	}
}

// list is what a prefix held at a revision.
type list struct {
	records   []*record
	revision  int64
	remaining int64
}

func (s *storage) list(ctx context.Context, prefix string, options store.ListOptions) (*list, error) {
	stored, err := s.store.List(ctx, prefix, options)
	if err != nil {
		return nil, err
	}
	l := &list{
		records:   make([]*record, 0, len(stored.Items)),
		revision:  stored.Revision,
		remaining: stored.Remaining,
	}
	for i := range stored.Items {
		r, err := s.record(&stored.Items[i])
		if err != nil {
			return nil, err
		}
		l.records = append(l.records, r)
	}
	return l, nil
}

// change is one write as watchers see it.
type change struct {
	revision int64
	current  *record // nil: removed
	previous *record // nil: new

	once sync.Once
	gone *record
}

// last is the object of a DELETED event: the last content that the watcher could
// see, with the revision of the write (WATCH-02, WATCH-03).
func (c *change) last() *record {
	c.once.Do(func() { c.gone = c.previous.at(c.revision) })
	return c.gone
}

func (c *change) key() string {
	if c.current != nil {
		return c.current.key
	}
	return c.previous.key
}

// indexValues returns the values of the kind's index field that the object has or
// had: watchers of either are concerned.
func (c *change) indexValues(kind *kinds.Kind) ([]string, error) {
	values := make([]string, 0, 2)
	for _, r := range []*record{c.previous, c.current} {
		if r == nil {
			continue
		}
		obj, err := r.object()
		if err != nil {
			return nil, err
		}
		if value := kind.IndexValue(obj); len(values) == 0 || values[0] != value {
			values = append(values, value)
		}
	}
	return values, nil
}

func (s *storage) changes(events []store.Event) ([]*change, error) {
	changes := make([]*change, 0, len(events))
	for i := range events {
		e := &events[i]
		c := &change{revision: e.ModRevision}
		var err error
		if e.Previous != nil {
			if c.previous, err = s.record(e.Previous); err != nil {
				return nil, err
			}
		}
		if e.Deleted {
			s.forget(e.Key, e.ModRevision)
		} else if c.current, err = s.record(&e.KeyValue); err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// history reads the changes after the revision from the store, without waiting.
func (s *storage) history(ctx context.Context, after int64) ([]*change, int64, error) {
	w := s.store.Watch(s.prefix, after)
	defer w.Stop()
	batch, err := w.Next(ctx)
	if err != nil {
		return nil, 0, err
	}
	changes, err := s.changes(batch.Events)
	return changes, batch.Revision, err
}

// namespaceOf returns the namespace and name of a key.
func (s *storage) namespaceOf(key string) (namespace, name string) {
	path := strings.TrimPrefix(key, s.prefix)
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}
