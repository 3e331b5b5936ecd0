package etcd

import (
	"context"
	"errors"
	"strings"

	"github.com/podchain/podchain/reference/store"
)

// Watch implements store.Store.
func (s *Store) Watch(prefix string, after int64) store.Watcher {
	return &watcher{store: s, prefix: prefix, position: after}
}

// watcher reads the log, and from etcd what the log no longer holds.
type watcher struct {
	store    *Store
	prefix   string
	position int64 // everything up to this revision is delivered
	tail     *store.LogWatcher
}

// Next implements store.Watcher.
func (w *watcher) Next(ctx context.Context) (store.Batch, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.store.ctx, cancel)()
	batch, err := w.next(ctx)
	if err != nil && w.store.ctx.Err() != nil {
		return batch, store.ErrClosed
	}
	if err == nil {
		w.position = batch.Revision
	}
	return batch, err
}

func (w *watcher) next(ctx context.Context) (store.Batch, error) {
	if w.tail == nil {
		if err := w.begin(ctx); err != nil {
			return store.Batch{}, err
		}
	}
	batch, err := w.tail.Next(ctx)
	if !errors.Is(err, store.ErrCompacted) {
		return batch, err
	}
	w.Stop()
	if batch, err = w.replay(ctx); err == nil {
		w.tail = w.store.log.Watch(w.prefix, batch.Revision)
	}
	return batch, err
}

// begin makes sure that the log holds whatever has been written by now, and that
// etcd has not forgotten what the watcher has to begin with.
func (w *watcher) begin(ctx context.Context) error {
	s := w.store
	current, compacted, err := s.Revision(ctx)
	if err != nil {
		return err
	}
	if w.position < compacted {
		return store.ErrCompacted
	}
	caughtUp, cancel := s.bounded(ctx)
	defer cancel()
	if err := s.follower.reach(caughtUp, current); err != nil {
		return s.failure(caughtUp, "follow", err)
	}
	w.tail = s.log.Watch(w.prefix, w.position)
	return nil
}

// replay reads from etcd what the log does not hold any more.
func (w *watcher) replay(ctx context.Context) (store.Batch, error) {
	s := w.store
	current, compacted, err := s.Revision(ctx)
	if err != nil {
		return store.Batch{}, err
	}
	if w.position < compacted {
		return store.Batch{}, store.ErrCompacted
	}
	batch := store.Batch{Revision: w.position}
	if current <= w.position {
		return batch, nil
	}
	err = s.events(ctx, w.position, func(events []store.Event) bool {
		for _, e := range events {
			batch.Revision = e.ModRevision
			if strings.HasPrefix(e.Key, w.prefix) {
				batch.Events = append(batch.Events, e)
			}
		}
		return batch.Revision < current
	})
	return batch, err
}

// Stop implements store.Watcher.
func (w *watcher) Stop() {
	if w.tail != nil {
		w.tail.Stop()
		w.tail = nil
	}
}
