package store

import (
	"context"
	"sort"
	"strings"
	"sync"

	"github.com/tidwall/btree"
)

// historyKept is how many revisions a Memory holds by default before it
// compacts; it waits until there are twice as many, so that it is rarely done.
const historyKept = 10000

// Memory is a Store in memory. The zero value is not usable: see NewMemory.
//
// The history is one log of writes, each of which remembers what it replaced.
// Watchers are positions in it. The state at an old revision is the present
// state with the later writes undone, which costs only those who ask for it.
type Memory struct {
	mu        sync.RWMutex
	current   btree.Map[string, *KeyValue]
	revision  int64
	compacted int64
	log       []Event // those of revisions compacted+1 .. revision
	watchers  map[*memoryWatcher]struct{}
	kept      int
}

// NewMemory returns an empty store at revision 1, as etcd's is.
func NewMemory() *Memory {
	return &Memory{
		revision:  1,
		compacted: 1,
		watchers:  map[*memoryWatcher]struct{}{},
		kept:      historyKept,
	}
}

// Get implements Store.
func (m *Memory) Get(_ context.Context, key string) (*KeyValue, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	kv, _ := m.current.Get(key)
	return kv, nil
}

// Revision implements Store.
func (m *Memory) Revision(context.Context) (current, compacted int64, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.revision, m.compacted, nil
}

// List implements Store.
func (m *Memory) List(_ context.Context, prefix string, options ListOptions) (*List, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	list := &List{Revision: options.Revision}
	if list.Revision == 0 {
		list.Revision = m.revision
	}
	switch {
	case list.Revision > m.revision:
		return nil, ErrFuture
	case list.Revision < m.compacted:
		return nil, ErrCompacted
	}
	add := func(kv *KeyValue) {
		if options.Limit > 0 && int64(len(list.Items)) >= options.Limit {
			list.Remaining++
			return
		}
		list.Items = append(list.Items, *kv)
	}
	from := max(prefix, options.From)
	if list.Revision < m.revision {
		for _, kv := range m.stateAt(list.Revision, prefix, from) {
			add(kv)
		}
		return list, nil
	}
	m.current.Ascend(from, func(key string, kv *KeyValue) bool {
		if !strings.HasPrefix(key, prefix) {
			return false
		}
		add(kv)
		return true
	})
	return list, nil
}

// stateAt undoes what was written after the revision.
func (m *Memory) stateAt(revision int64, prefix, from string) []*KeyValue {
	state := map[string]*KeyValue{}
	m.current.Ascend(from, func(key string, kv *KeyValue) bool {
		if !strings.HasPrefix(key, prefix) {
			return false
		}
		state[key] = kv
		return true
	})
	for i := len(m.log) - 1; i >= 0 && m.log[i].ModRevision > revision; i-- {
		if e := m.log[i]; strings.HasPrefix(e.Key, prefix) && e.Key >= from {
			state[e.Key] = e.Previous
		}
	}
	items := make([]*KeyValue, 0, len(state))
	for _, kv := range state {
		if kv != nil {
			items = append(items, kv)
		}
	}
	sort.Slice(items, func(i, j int) bool { return items[i].Key < items[j].Key })
	return items
}

// Put implements Store.
func (m *Memory) Put(_ context.Context, key string, value []byte, expected int64) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	previous, err := m.expect(key, expected)
	if err != nil {
		return 0, err
	}
	kv := &KeyValue{Key: key, Value: value, CreateRevision: m.revision + 1, ModRevision: m.revision + 1}
	if previous != nil {
		kv.CreateRevision = previous.CreateRevision
	}
	m.current.Set(key, kv)
	m.commit(Event{KeyValue: *kv, Previous: previous})
	return m.revision, nil
}

// Delete implements Store.
func (m *Memory) Delete(_ context.Context, key string, expected int64) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	previous, err := m.expect(key, expected)
	if err != nil {
		return 0, err
	}
	if previous == nil {
		return 0, ErrConflict
	}
	m.current.Delete(key)
	m.commit(Event{
		KeyValue: KeyValue{Key: key, ModRevision: m.revision + 1},
		Deleted:  true,
		Previous: previous,
	})
	return m.revision, nil
}

func (m *Memory) expect(key string, revision int64) (*KeyValue, error) {
	kv, _ := m.current.Get(key)
	var present int64
	if kv != nil {
		present = kv.ModRevision
	}
	if present != revision {
		return nil, ErrConflict
	}
	return kv, nil
}

func (m *Memory) commit(e Event) {
	m.revision = e.ModRevision
	m.log = append(m.log, e)
	if len(m.log) >= 2*m.kept {
		m.compact(m.revision - int64(m.kept))
	}
	for w := range m.watchers {
		if strings.HasPrefix(e.Key, w.prefix) {
			w.wake()
		}
	}
}

// Compact implements Store.
func (m *Memory) Compact(_ context.Context, revision int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case revision > m.revision:
		return ErrFuture
	case revision < m.compacted:
		return ErrCompacted
	}
	m.compact(revision)
	return nil
}

func (m *Memory) compact(revision int64) {
	for w := range m.watchers {
		w.keep(revision)
	}
	// A new array: the old one's events are garbage only when it is.
	m.log = append([]Event(nil), m.log[revision-m.compacted:]...)
	m.compacted = revision
}

// Watch implements Store.
func (m *Memory) Watch(prefix string, after int64) Watcher {
	w := &memoryWatcher{store: m, prefix: prefix, position: after, woken: make(chan struct{}, 1)}
	w.wake()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watchers[w] = struct{}{}
	return w
}

// memoryWatcher is a position in the log. Unless the log is compacted meanwhile,
// it holds nothing for a slow reader.
type memoryWatcher struct {
	store    *Memory
	prefix   string
	position int64 // everything up to this revision is delivered
	woken    chan struct{}
	started  bool // the first batch has been read
	news     bool // the position is to be told, although there are no events
	// unread holds what a compaction would have taken from under the watcher.
	unread []Event
}

// keep takes out of the log what the watcher has not read up to the revision,
// which is about to be compacted: a compaction is for those who come later. Only
// a watcher that lags by more than the store keeps is lost. The caller holds the
// store's lock.
func (w *memoryWatcher) keep(revision int64) {
	m := w.store
	if w.position < m.compacted || w.position >= revision || len(w.unread) > m.kept {
		return
	}
	w.unread = append(w.unread, w.matching(m.log[w.position-m.compacted:revision-m.compacted])...)
	w.position, w.news = revision, true
	w.wake()
}

func (w *memoryWatcher) matching(log []Event) []Event {
	var events []Event
	for _, e := range log {
		if strings.HasPrefix(e.Key, w.prefix) {
			events = append(events, e)
		}
	}
	return events
}

func (w *memoryWatcher) wake() {
	select {
	case w.woken <- struct{}{}:
	default: // it is awake already
	}
}

func (w *memoryWatcher) Next(ctx context.Context) (Batch, error) {
	for {
		select {
		case <-w.woken:
		case <-ctx.Done():
			return Batch{}, ctx.Err()
		}
		first := !w.started
		w.started = true
		batch, news, err := w.read()
		if news || first || err != nil {
			return batch, err
		}
	}
}

func (w *memoryWatcher) read() (batch Batch, news bool, err error) {
	m := w.store
	m.mu.RLock()
	defer m.mu.RUnlock()
	if w.position < m.compacted {
		w.wake() // the next call is to fail as well
		return Batch{}, true, ErrCompacted
	}
	news, w.news = w.news, false
	events := w.unread
	w.unread = nil
	if w.position < m.revision {
		events = append(events, w.matching(m.log[w.position-m.compacted:])...)
		w.position = m.revision
	}
	return Batch{Events: events, Revision: w.position}, news || len(events) > 0, nil
}

func (w *memoryWatcher) Stop() {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	delete(w.store.watchers, w)
}
