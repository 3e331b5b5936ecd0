package etcd

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/podchain/podchain/reference/store"
)

// followAgain is how long to wait before following an etcd again that refused.
const followAgain = time.Second

// follower knows how far the log has got.
type follower struct {
	mu       sync.Mutex
	position int64
	moved    chan struct{} // closed when position changes
}

func newFollower(position int64) *follower {
	return &follower{position: position, moved: make(chan struct{})}
}

func (f *follower) move(position int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.position = position
	close(f.moved)
	f.moved = make(chan struct{})
}

// reach returns when everything up to the revision is in the log.
func (f *follower) reach(ctx context.Context, revision int64) error {
	for {
		f.mu.Lock()
		position, moved := f.position, f.moved
		f.mu.Unlock()
		if position >= revision {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// follow keeps the log up to date until the store is closed, with one watch of
// every key. Each revision has an event of some key, so the watch shows its position
// without being asked, and an idle watcher is as up to date as any other. The client
// resumes the watch where it broke off.
func (s *Store) follow() {
	for s.ctx.Err() == nil {
		_, position := s.log.Span()
		err := s.events(s.ctx, position, func(events []store.Event) bool {
			revision := events[len(events)-1].ModRevision
			s.log.Append(revision, events...)
			s.follower.move(revision)
			return true
		})
		if errors.Is(err, store.ErrCompacted) {
			// Away for longer than history is kept: watchers have to learn it.
			if current, _, asked := s.Revision(s.ctx); asked == nil {
				s.log.Restart(current)
				s.follower.move(current)
				continue
			}
		}
		select {
		case <-time.After(followAgain):
		case <-s.ctx.Done():
		}
	}
}

// events passes on what is written after the revision, to any key, until the
// receiver has enough or the context is done. It fails with ErrCompacted if
// something has been missed.
func (s *Store) events(ctx context.Context, after int64, receive func([]store.Event) bool) error {
	// Without a leader a member has no news, but does not say so unless required.
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	responses := s.client.Watch(ctx, all, clientv3.WithFromKey(), clientv3.WithRev(after+1), clientv3.WithPrevKV())
	for response := range responses {
		if err := response.Err(); err != nil {
			return s.failure(ctx, "watch", err)
		}
		if len(response.Events) == 0 {
			continue
		}
		events := make([]store.Event, 0, len(response.Events))
		for _, e := range response.Events {
			event, err := convert(e)
			if err != nil {
				return err
			}
			events = append(events, event)
		}
		if !receive(events) {
			return nil
		}
	}
	return s.failure(ctx, "watch", errEnded)
}

var errEnded = errors.New("the watch has ended")

func convert(e *clientv3.Event) (store.Event, error) {
	event := store.Event{KeyValue: *keyValue(e.Kv), Deleted: e.Type == clientv3.EventTypeDelete}
	switch {
	case e.PrevKv != nil:
		event.Previous = keyValue(e.PrevKv)
	case !e.IsCreate():
		// etcd leaves it out when the previous version is compacted meanwhile;
		// without it a change looks like a new object (WATCH-02).
		return event, store.ErrCompacted
	}
	return event, nil
}

func keyValue(kv *mvccpb.KeyValue) *store.KeyValue {
	return &store.KeyValue{
		Key: string(kv.Key), Value: kv.Value,
		CreateRevision: kv.CreateRevision, ModRevision: kv.ModRevision,
	}
}
