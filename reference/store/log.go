package store

import (
	"context"
	"sort"
	"strings"
	"sync"
)

// Log is the recent history of a store, in the order of revisions and without a
// gap, and those who watch it. Watchers are positions in it, and a write wakes only
// those whose prefix it is below.
type Log struct {
	kept int

	mu       sync.RWMutex
	floor    int64 // what was written up to this revision is not held
	head     int64
	events   []Event // those of revisions floor+1 .. head
	watchers map[*LogWatcher]struct{}
}

// NewLog returns a log that begins after the revision. Unless it is compacted it keeps
// at least the given number of events, and at most twice as many, so that it seldom
// has to drop any by itself.
func NewLog(revision int64, kept int) *Log {
	return &Log{kept: kept, floor: revision, head: revision, watchers: map[*LogWatcher]struct{}{}}
}

// Span returns the revision after which the log begins, and the last one.
func (l *Log) Span() (floor, head int64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.floor, l.head
}

// Append adds what was written from the last revision up to the given one.
func (l *Log) Append(revision int64, events ...Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.head = revision
	l.events = append(l.events, events...)
	if len(l.events) >= 2*l.kept {
		l.forget(l.events[len(l.events)-l.kept-1].ModRevision)
	}
	for w := range l.watchers {
		for i := range events {
			if strings.HasPrefix(events[i].Key, w.prefix) {
				w.wake()
				break
			}
		}
	}
}

// Forget drops what was written up to the revision, which is held. That is for
// those who come later: present watchers still get what they have not read.
func (l *Log) Forget(revision int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if revision > l.floor {
		l.forget(revision)
	}
}

func (l *Log) forget(revision int64) {
	for w := range l.watchers {
		w.keep(revision)
	}
	// A new array: the old one's events are garbage only when it is.
	l.events = append([]Event(nil), l.after(revision)...)
	l.floor = revision
}

// Restart drops everything and begins anew after a later revision, to which the
// history is not known. It says so to all who watch.
func (l *Log) Restart(revision int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events, l.floor, l.head = nil, revision, revision
	for w := range l.watchers {
		w.wake()
	}
}

// After returns the events after the revision, which is held. They do not change
// when the log does.
func (l *Log) After(revision int64) []Event {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.after(revision)
}

// after is After for those who hold the lock.
func (l *Log) after(revision int64) []Event {
	first := sort.Search(len(l.events), func(i int) bool { return l.events[i].ModRevision > revision })
	return l.events[first:len(l.events):len(l.events)]
}

// Watch returns a Watcher of what is written below prefix after the revision.
// It fails with ErrCompacted once it lags behind what the log holds.
func (l *Log) Watch(prefix string, after int64) *LogWatcher {
	w := &LogWatcher{log: l, prefix: prefix, position: after, woken: make(chan struct{}, 1)}
	w.wake()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watchers[w] = struct{}{}
	return w
}

// LogWatcher is a position in a log. Unless the log forgets meanwhile, it holds
// nothing for a slow reader.
type LogWatcher struct {
	log      *Log
	prefix   string
	position int64 // everything up to this revision is delivered
	woken    chan struct{}
	started  bool // the first batch has been read
	news     bool // the position has to be reported, although there are no events
	// unread holds what the log would have forgotten under the watcher.
	unread []Event
}

var _ Watcher = (*LogWatcher)(nil)

// keep takes out of the log what the watcher has not read up to the revision,
// which is about to be forgotten. Only a watcher that lags by more than the log
// keeps is lost. The caller holds the log's lock.
func (w *LogWatcher) keep(revision int64) {
	l := w.log
	if w.position < l.floor || w.position >= revision || len(w.unread) > l.kept {
		return
	}
	unread := l.after(w.position)
	w.unread = w.matching(w.unread, unread[:len(unread)-len(l.after(revision))])
	w.position, w.news = revision, true
	w.wake()
}

func (w *LogWatcher) matching(to, from []Event) []Event {
	for _, e := range from {
		if strings.HasPrefix(e.Key, w.prefix) {
			to = append(to, e)
		}
	}
	return to
}

func (w *LogWatcher) wake() {
	select {
	case w.woken <- struct{}{}:
	default: // it is awake already
	}
}

// Next implements Watcher.
func (w *LogWatcher) Next(ctx context.Context) (Batch, error) {
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

func (w *LogWatcher) read() (batch Batch, news bool, err error) {
	l := w.log
	l.mu.RLock()
	defer l.mu.RUnlock()
	if w.position < l.floor {
		w.wake() // the next call is to fail as well
		return Batch{}, true, ErrCompacted
	}
	news, w.news = w.news, false
	events := w.unread
	w.unread = nil
	if w.position < l.head {
		events = w.matching(events, l.after(w.position))
		w.position = l.head
	}
	return Batch{Events: events, Revision: w.position}, news || len(events) > 0, nil
}

// Stop implements Watcher.
func (w *LogWatcher) Stop() {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	delete(w.log.watchers, w)
}
