// Package store is the state behind the API server, in the shape of etcd: keys
// and opaque values under one revision counter, guarded writes, and a history
// that lists and watches can go back to until it is compacted.
package store

import (
	"context"
	"errors"
)

var (
	// ErrConflict says that a key is not at the revision that a write expected.
	ErrConflict = errors.New("store: the key is not at the expected revision")
	// ErrCompacted says that the wanted revision is no longer held.
	ErrCompacted = errors.New("store: the revision has been compacted")
	// ErrFuture says that the wanted revision has not come yet.
	ErrFuture = errors.New("store: the revision is in the future")
	// ErrClosed says that the store is closed.
	ErrClosed = errors.New("store: closed")
)

// KeyValue is a key as some write left it.
type KeyValue struct {
	Key   string
	Value []byte // not to be changed by anybody
	// CreateRevision and ModRevision are those of the first write since the
	// key was absent and of the last one.
	CreateRevision, ModRevision int64
}

// Event is one write. A removal has no Value, and ModRevision is its revision.
type Event struct {
	KeyValue
	Deleted bool
	// Previous is what the write replaced; nil for a key that was absent.
	Previous *KeyValue
}

// ListOptions narrow a List.
type ListOptions struct {
	// Revision is the revision to list at; 0 means the present one.
	Revision int64
	// From is the first key that is of interest; empty means all.
	From string
	// Limit is the most items wanted; 0 means all.
	Limit int64
}

// List is what a prefix held at one revision.
type List struct {
	// Items are sorted by key.
	Items    []KeyValue
	Revision int64
	// Remaining counts the items that Limit cut off.
	Remaining int64
}

// Store holds keys and values under one revision counter, which every write
// raises by one (STORE-02).
type Store interface {
	// Get returns the key's present value; nil if it is absent.
	Get(ctx context.Context, key string) (*KeyValue, error)
	// List returns the keys that start with prefix. It fails with ErrCompacted
	// or ErrFuture if the revision is not held.
	List(ctx context.Context, prefix string, options ListOptions) (*List, error)
	// Put stores value if the key's ModRevision is expected (0: if the key is
	// absent) and returns the revision of the write, else ErrConflict.
	Put(ctx context.Context, key string, value []byte, expected int64) (int64, error)
	// Delete removes the key if its ModRevision is expected, else ErrConflict.
	Delete(ctx context.Context, key string, expected int64) (int64, error)
	// Revision returns the present revision, and the one up to which history
	// has been compacted: a watch can start from there and not before.
	Revision(ctx context.Context) (current, compacted int64, err error)
	// Watch returns the writes below prefix that come after the revision.
	Watch(prefix string, after int64) Watcher
	// Compact forgets what was overwritten or deleted up to the revision.
	Compact(ctx context.Context, revision int64) error
}

// Batch is a stretch of history.
type Batch struct {
	Events []Event
	// Revision is where the stretch ends: no earlier write is missing.
	Revision int64
}

// Watcher yields writes in the order of their revisions, without a gap.
type Watcher interface {
	// Next returns at once when called first, with whatever history there is;
	// later it waits for the next writes, or for news that there were none up
	// to a later revision. It fails with ErrCompacted once the watcher lags
	// behind the history that the store holds.
	Next(ctx context.Context) (Batch, error)
	// Stop releases the watcher.
	Stop()
}
