package apiserver

import (
	"context"
	"errors"
	"sort"
	"sync"
)

// recent is how many changes a feed keeps decoded for its watchers. Who lags
// further behind reads on from the store's history: slow watchers are neither
// skipped nor waited for (WATCH-05).
const recent = 1024

// feed follows one kind's writes in the store, once for all watchers: each
// change is decoded once, and encoded once per media type.
type feed struct {
	storage *storage

	mu sync.Mutex
	// changes holds what came after floor, up to and including position.
	changes         []*change
	floor, position int64
	running         bool
	err             error
	woken           chan struct{} // closed at the next change
}

// start makes the feed follow the store until ctx is done. It returns when the
// feed has caught up with what was written before the call.
func (f *feed) start(ctx context.Context, background *sync.WaitGroup) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running {
		return f.err
	}
	revision, _, err := f.storage.store.Revision(ctx)
	if err != nil {
		return err
	}
	f.running, f.floor, f.position = true, revision, revision
	f.woken = make(chan struct{})
	background.Go(func() { f.follow(ctx, revision) })
	return nil
}

func (f *feed) follow(ctx context.Context, after int64) {
	watcher := f.storage.store.Watch(f.storage.prefix, after)
	defer watcher.Stop()
	for {
		batch, err := watcher.Next(ctx)
		var changes []*change
		if err == nil {
			changes, err = f.storage.changes(batch.Events)
		}
		f.mu.Lock()
		if err != nil {
			f.err = err
			// Without a feed, the next watch starts another one.
			f.running = false
			f.changes = nil
			if ctx.Err() == nil {
				f.err = nil
			}
		} else {
			f.changes = append(f.changes, changes...)
			f.position = batch.Revision
			if surplus := len(f.changes) - recent; surplus > recent {
				f.floor = f.changes[surplus-1].revision
				f.changes = append([]*change(nil), f.changes[surplus:]...)
			}
		}
		close(f.woken)
		f.woken = make(chan struct{})
		f.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// errBehind says that a watcher has to read on from the store.
var errBehind = errors.New("behind the feed")

// after returns the changes after the revision, and a channel that is closed
// when there are more.
func (f *feed) after(revision int64) ([]*change, <-chan struct{}, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.err != nil:
		return nil, nil, f.err
	case !f.running || revision < f.floor:
		return nil, f.woken, errBehind
	}
	first := sort.Search(len(f.changes), func(i int) bool { return f.changes[i].revision > revision })
	return f.changes[first:len(f.changes):len(f.changes)], f.woken, nil
}
