package apiserver

import (
	"context"
	"errors"
	"sort"
	"sync"

	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference/store"
)

// How many changes are kept decoded for watchers of all of a kind, and for those
// of one value of its index. Who lags further behind reads on from the store's history: slow
// watchers are neither skipped nor waited for (WATCH-05).
const (
	recent        = 1024
	recentOfValue = 32
)

// feed follows one kind's writes in the store, once for all watchers: each
// change is decoded once, and encoded once per media type.
//
// Where a kind names a field that watchers ask for by exact match, such as a
// Pod's node, those that ask for one value share an index entry: they are woken by its
// changes alone, so that a write costs the same however many nodes there are.
type feed struct {
	storage *storage

	mu      sync.Mutex
	running bool
	err     error
	// position is up to where the store has been followed.
	position int64
	all      channel
	index    map[string]*indexed
}

// channel holds the changes that came after floor, as far as they concern its
// watchers.
type channel struct {
	feed    *feed
	changes []*change
	floor   int64
	woken   chan struct{} // closed at the next change
}

// indexed is the channel of one value of the kind's index field. It exists as
// long as it has watchers.
type indexed struct {
	channel
	watchers int
}

func newFeed(s *storage) *feed {
	f := &feed{storage: s, index: map[string]*indexed{}}
	f.all = f.newChannel()
	return f
}

func (f *feed) newChannel() channel {
	return channel{feed: f, floor: f.position, woken: make(chan struct{})}
}

// start makes the feed follow the store until ctx is done. It returns when the
// feed has caught up with what was written before the call.
func (f *feed) start(ctx context.Context, background *crash.Group) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running {
		return f.err
	}
	revision, _, err := f.storage.store.Revision(ctx)
	if err != nil {
		return err
	}
	f.running, f.position = true, revision
	for _, c := range f.channels() {
		c.changes, c.floor = nil, revision
	}
	// From here on the store keeps for the feed what it would forget.
	watcher := f.storage.store.Watch(f.storage.prefix, revision)
	background.Go(func() { f.follow(ctx, watcher) })
	return nil
}

// join returns the channel on which a selection's changes come; leave says that
// it is no longer needed.
func (f *feed) join(sel *selection) (c *channel, leave func()) {
	value, ok := sel.indexValue()
	if !ok {
		return &f.all, func() {}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.index[value]
	if t == nil {
		t = &indexed{channel: f.newChannel()}
		f.index[value] = t
	}
	t.watchers++
	return &t.channel, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if t.watchers--; t.watchers == 0 {
			delete(f.index, value)
		}
	}
}

func (f *feed) channels() []*channel {
	channels := []*channel{&f.all}
	for _, t := range f.index {
		channels = append(channels, &t.channel)
	}
	return channels
}

func (f *feed) follow(ctx context.Context, watcher store.Watcher) {
	defer watcher.Stop()
	for {
		batch, err := watcher.Next(ctx)
		if err == nil {
			err = f.publish(batch)
		}
		if err != nil {
			f.fail(err, ctx.Err() != nil)
			return
		}
	}
}

// publish adds changes to the index that their watchers read, and wakes them.
func (f *feed) publish(batch store.Batch) error {
	changes, err := f.storage.changes(batch.Events)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.position = batch.Revision
	f.all.add(changes, recent)
	if len(f.index) == 0 {
		return nil
	}
	for i, c := range changes {
		values, err := c.indexValues(f.storage.kind)
		if err != nil {
			return err
		}
		for _, value := range values {
			if t := f.index[value]; t != nil {
				t.add(changes[i:i+1], recentOfValue)
			}
		}
	}
	return nil
}

// fail ends the feed. Unless the server ends, the next watch starts it again;
// present watches continue from the store, and end with an error if that fails too.
func (f *feed) fail(err error, forGood bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running = false
	if forGood {
		f.err = err
	}
	for _, c := range f.channels() {
		c.changes = nil
		c.wake()
	}
}

// add keeps changes, and at least the last few of those before.
func (c *channel) add(changes []*change, few int) {
	if len(changes) == 0 {
		return
	}
	c.changes = append(c.changes, changes...)
	if surplus := len(c.changes) - few; surplus > few {
		c.floor = c.changes[surplus-1].revision
		c.changes = append([]*change(nil), c.changes[surplus:]...)
	}
	c.wake()
}

func (c *channel) wake() {
	close(c.woken)
	c.woken = make(chan struct{})
}

// errBehind says that a watcher has to read on from the store.
var errBehind = errors.New("behind the feed")

// after returns the changes after the revision, up to where they go, and what is
// closed when there are more.
func (c *channel) after(revision int64) (changes []*change, through int64, woken <-chan struct{}, err error) {
	f := c.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.err != nil:
		return nil, revision, nil, f.err
	case !f.running || revision < c.floor:
		return nil, revision, c.woken, errBehind
	}
	first := sort.Search(len(c.changes), func(i int) bool { return c.changes[i].revision > revision })
	return c.changes[first:len(c.changes):len(c.changes)], max(revision, f.position), c.woken, nil
}
