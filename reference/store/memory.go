package store

import (
	"context"
	"slices"
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
// The history is one log of writes, each of which remembers what it replaced:
// what the log does not hold is compacted. The state at an old revision is the
// present state with the later writes undone, which costs only those who ask for
// it.
type Memory struct {
	mu       sync.RWMutex
	current  btree.Map[string, *KeyValue]
	revision int64
	log      *Log
}

// NewMemory returns an empty store at revision 1, as etcd's is.
func NewMemory() *Memory { return &Memory{revision: 1, log: NewLog(1, historyKept)} }

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
	floor, _ := m.log.Span()
	return m.revision, floor, nil
}

// List implements Store.
func (m *Memory) List(_ context.Context, prefix string, options ListOptions) (*List, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	list := &List{Revision: options.Revision}
	if list.Revision == 0 {
		list.Revision = m.revision
	}
	switch floor, _ := m.log.Span(); {
	case list.Revision > m.revision:
		return nil, ErrFuture
	case list.Revision < floor:
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
	for _, e := range slices.Backward(m.log.After(revision)) {
		if strings.HasPrefix(e.Key, prefix) && e.Key >= from {
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
	m.log.Append(m.revision, e)
}

// Compact implements Store.
func (m *Memory) Compact(_ context.Context, revision int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch floor, _ := m.log.Span(); {
	case revision > m.revision:
		return ErrFuture
	case revision < floor:
		return ErrCompacted
	}
	m.log.Forget(revision)
	return nil
}

// Watch implements Store.
func (m *Memory) Watch(prefix string, after int64) Watcher { return m.log.Watch(prefix, after) }
