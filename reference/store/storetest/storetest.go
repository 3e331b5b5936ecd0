// Package storetest is what every store.Store has to do, as a table of tests.
package storetest

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/podchain/podchain/reference/store"
)

// Test runs the table. Each case gets the store that open returns. It may have keys of
// other cases, but no other writer; what open starts ends with the test that it is
// given.
func Test(t *testing.T, open func(t *testing.T) store.Store) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			// Cleanups run last in, first out: this one after the store's own.
			present := goleak.IgnoreCurrent()
			t.Cleanup(func() { goleak.VerifyNone(t, present) })
			c.run(&subject{T: t, Store: open(t), root: "/" + t.Name() + "/"})
		})
	}
}

var cases = []struct {
	name string
	run  func(*subject)
}{
	{"guards", guards},
	{"revisions", revisions},
	{"lists of the past", past},
	{"chunks", chunks},
	{"prefixes", prefixes},
	{"a watch from the past", watchPast},
	{"a watch from now", watchNow},
	{"a watch that is stopped", watchStopped},
	{"an idle watch is up to date", watchIdle},
	{"a watch of a long past", watchLong},
	{"compaction", compaction},
	{"compaction and present watches", compactionAndWatches},
	{"many compactions", manyCompactions},
	{"many writers", manyWriters},
	{"contexts that have ended", ended},
}

// subject is a store with a place for the case's keys.
type subject struct {
	*testing.T
	store.Store
	root string
}

func (s *subject) put(key, value string, expected int64) int64 {
	s.Helper()
	revision, err := s.Put(s.Context(), s.root+key, []byte(value), expected)
	require.NoError(s, err)
	return revision
}

func (s *subject) delete(key string, expected int64) int64 {
	s.Helper()
	revision, err := s.Delete(s.Context(), s.root+key, expected)
	require.NoError(s, err)
	return revision
}

// at returns what there is below the root, as key=value.
func (s *subject) at(revision int64) []string {
	s.Helper()
	l, err := s.List(s.Context(), s.root, store.ListOptions{Revision: revision})
	require.NoError(s, err)
	return s.items(l)
}

func (s *subject) items(l *store.List) []string {
	items := []string{}
	for _, kv := range l.Items {
		items = append(items, kv.Key[len(s.root):]+"="+string(kv.Value))
	}
	return items
}

func (s *subject) watch(prefix string, after int64) store.Watcher {
	w := s.Watch(s.root+prefix, after)
	s.Cleanup(w.Stop)
	return w
}

// through reads events until the watcher has got to the revision.
func (s *subject) through(w store.Watcher, revision int64) []string {
	s.Helper()
	events := []string{}
	for {
		batch, err := w.Next(s.Context())
		require.NoError(s, err)
		for _, e := range batch.Events {
			events = append(events, s.event(e))
		}
		if batch.Revision >= revision {
			return events
		}
	}
}

// event says what happened, as key: before → after.
func (s *subject) event(e store.Event) string {
	before, after := "none", "none"
	if e.Previous != nil {
		before = string(e.Previous.Value)
		require.Less(s, e.Previous.ModRevision, e.ModRevision)
		require.Equal(s, e.Key, e.Previous.Key)
	}
	if e.Deleted {
		require.Empty(s, e.Value)
	} else {
		after = string(e.Value)
	}
	return fmt.Sprintf("%s: %s → %s", e.Key[len(s.root):], before, after)
}

func guards(s *subject) {
	ctx := s.Context()
	for _, write := range []func(expected int64) error{
		func(expected int64) error { _, err := s.Put(ctx, s.root+"a", []byte("new"), expected); return err },
		func(expected int64) error { _, err := s.Delete(ctx, s.root+"a", expected); return err },
	} {
		require.ErrorIs(s, write(17), store.ErrConflict, "absent, but expected")
	}
	_, err := s.Delete(ctx, s.root+"a", 0)
	require.ErrorIs(s, err, store.ErrConflict, "absent, and to be deleted")

	first := s.put("a", "1", 0)
	for _, expected := range []int64{0, first - 1, first + 1} {
		_, err := s.Put(ctx, s.root+"a", []byte("new"), expected)
		require.ErrorIs(s, err, store.ErrConflict)
		_, err = s.Delete(ctx, s.root+"a", expected)
		require.ErrorIs(s, err, store.ErrConflict)
	}
	current, _, err := s.Revision(ctx)
	require.NoError(s, err)
	require.Equal(s, first, current, "a refused write makes no revision (STORE-04)")
	require.Equal(s, []string{"a=1"}, s.at(0))
}

func revisions(s *subject) {
	kv, err := s.Get(s.Context(), s.root+"a")
	require.NoError(s, err)
	require.Nil(s, kv)
	before, _, err := s.Revision(s.Context())
	require.NoError(s, err)

	created := s.put("a", "1", 0)
	require.Equal(s, before+1, created, "every write raises the revision by one (STORE-02)")
	modified := s.put("a", "2", created)
	require.Equal(s, created+1, modified)
	kv, err = s.Get(s.Context(), s.root+"a")
	require.NoError(s, err)
	require.Equal(s, &store.KeyValue{Key: s.root + "a", Value: []byte("2"), CreateRevision: created, ModRevision: modified}, kv)

	gone := s.delete("a", modified)
	require.Equal(s, modified+1, gone)
	again := s.put("a", "3", 0)
	kv, err = s.Get(s.Context(), s.root+"a")
	require.NoError(s, err)
	require.Equal(s, again, kv.CreateRevision)
	current, _, err := s.Revision(s.Context())
	require.NoError(s, err)
	require.Equal(s, again, current)
}

func past(s *subject) {
	a := s.put("a", "1", 0)
	b := s.put("b", "1", 0)
	a2 := s.put("a", "2", a)
	gone := s.delete("a", a2)
	for _, c := range []struct {
		revision int64
		want     []string
	}{
		{a - 1, []string{}},
		{a, []string{"a=1"}},
		{b, []string{"a=1", "b=1"}},
		{a2, []string{"a=2", "b=1"}},
		{gone, []string{"b=1"}},
		{0, []string{"b=1"}},
	} {
		require.Equal(s, c.want, s.at(c.revision), "at %d", c.revision)
	}
	_, err := s.List(s.Context(), s.root, store.ListOptions{Revision: gone + 1})
	require.ErrorIs(s, err, store.ErrFuture)
}

func chunks(s *subject) {
	var last int64
	for _, key := range []string{"c", "a", "e", "b", "d"} {
		last = s.put(key, "1", 0)
	}
	s.put("b", "2", last-1)
	s.put("aa", "1", 0) // comes too late
	for _, c := range []struct {
		name      string
		options   store.ListOptions
		want      []string
		remaining int64
	}{
		{"first", store.ListOptions{Limit: 2}, []string{"a=1", "b=1"}, 3},
		{"second", store.ListOptions{Limit: 2, From: s.root + "b\x00"}, []string{"c=1", "d=1"}, 1},
		{"last", store.ListOptions{Limit: 2, From: s.root + "d\x00"}, []string{"e=1"}, 0},
		{"just all", store.ListOptions{Limit: 5}, []string{"a=1", "b=1", "c=1", "d=1", "e=1"}, 0},
		{"behind the last", store.ListOptions{Limit: 2, From: s.root + "e\x00"}, []string{}, 0},
		{"before the first", store.ListOptions{Limit: 1, From: "/"}, []string{"a=1"}, 4},
		{"behind the prefix", store.ListOptions{From: "0"}, []string{}, 0},
	} {
		c.options.Revision = last
		l, err := s.List(s.Context(), s.root, c.options)
		require.NoError(s, err, c.name)
		require.Equal(s, c.want, s.items(l), c.name)
		require.Equal(s, c.remaining, l.Remaining, c.name)
		require.Equal(s, last, l.Revision, c.name)
	}
	l, err := s.List(s.Context(), s.root, store.ListOptions{Limit: 3})
	require.NoError(s, err)
	require.Equal(s, []string{"a=1", "aa=1", "b=2"}, s.items(l))
	require.Equal(s, last+2, l.Revision)
	require.Equal(s, int64(3), l.Remaining)
}

func prefixes(s *subject) {
	start, _, err := s.Revision(s.Context())
	require.NoError(s, err)
	s.put("a/1", "1", 0)
	s.put("ab/1", "1", 0)
	last := s.put("b", "1", 0)
	l, err := s.List(s.Context(), s.root+"a/", store.ListOptions{})
	require.NoError(s, err)
	require.Equal(s, []string{"a/1=1"}, s.items(l))
	require.Equal(s, []string{"a/1: none → 1"}, s.through(s.watch("a/", start), last))
	require.Equal(s, []string{"a/1: none → 1", "ab/1: none → 1"}, s.through(s.watch("a", start), last))
	all, err := s.List(s.Context(), "", store.ListOptions{})
	require.NoError(s, err)
	require.GreaterOrEqual(s, len(all.Items), 3)
}

func watchPast(s *subject) {
	a := s.put("a", "1", 0)
	s.put("b", "1", 0)
	a2 := s.put("a", "2", a)
	gone := s.delete("a", a2)
	again := s.put("a", "3", 0)
	history := []string{"a: none → 1", "a: 1 → 2", "a: 2 → none", "a: none → 3"}
	for i, after := range []int64{a - 1, a, a2, gone, again} {
		require.Equal(s, history[i:], s.through(s.watch("a", after), again), "after %d", after)
	}
	batch, err := s.watch("a", a2).Next(s.Context())
	require.NoError(s, err)
	require.Equal(s, again, batch.Revision)
	require.Equal(s, gone, batch.Events[0].ModRevision)
	require.True(s, batch.Events[0].Deleted)
	require.Equal(s, &store.KeyValue{Key: s.root + "a", Value: []byte("2"), CreateRevision: a, ModRevision: a2}, batch.Events[0].Previous)
}

func watchNow(s *subject) {
	a := s.put("a", "1", 0)
	w := s.watch("", a)
	batch, err := w.Next(s.Context())
	require.NoError(s, err)
	require.Equal(s, store.Batch{Revision: a}, batch, "the first call does not wait")
	written := make(chan error, 1)
	go func() {
		_, err := s.Put(s.Context(), s.root+"a", []byte("2"), a)
		written <- err
	}()
	require.Equal(s, []string{"a: 1 → 2"}, s.through(w, a+1))
	require.NoError(s, <-written)
}

func watchStopped(s *subject) {
	a := s.put("a", "1", 0)
	for i := range 20 {
		w := s.Watch(s.root, a-1)
		if i%2 == 0 {
			_, err := w.Next(s.Context())
			require.NoError(s, err)
		}
		w.Stop()
		w.Stop() // again does nothing
	}
	w := s.watch("", a)
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	_, err := w.Next(ctx)
	require.NoError(s, err)
	ended := make(chan error)
	go func() {
		_, err := w.Next(ctx)
		ended <- err
	}()
	cancel()
	require.ErrorIs(s, <-ended, context.Canceled)
	// It has lost nothing by that.
	require.Equal(s, []string{"a: 1 → 2"}, s.through(w, s.put("a", "2", a)))
}

func watchIdle(s *subject) {
	a := s.put("a", "1", 0)
	b := s.put("b", "1", 0)
	batch, err := s.watch("a", a).Next(s.Context())
	require.NoError(s, err)
	require.Equal(s, store.Batch{Revision: b}, batch, "that nothing has happened is news (WATCH-08)")
}

// long is more than an etcd sends at once.
const long = 1200

func watchLong(s *subject) {
	start := s.put("a", "0", 0)
	last := start
	want := make([]string, 0, long)
	for i := range long {
		last = s.put("a", strconv.Itoa(i+1), last)
		want = append(want, fmt.Sprintf("a: %d → %d", i, i+1))
	}
	batch, err := s.watch("a", start).Next(s.Context())
	require.NoError(s, err)
	require.Equal(s, last, batch.Revision, "the first call returns all the history there is")
	require.Len(s, batch.Events, long)
	for i, e := range batch.Events {
		require.Equal(s, want[i], s.event(e))
		require.Equal(s, start+int64(i)+1, e.ModRevision)
	}
}

func compaction(s *subject) {
	ctx := s.Context()
	a := s.put("a", "1", 0)
	b := s.put("b", "1", 0)
	a2 := s.put("a", "2", a)
	b2 := s.delete("b", b)
	require.ErrorIs(s, s.Compact(ctx, b2+1), store.ErrFuture)
	require.NoError(s, s.Compact(ctx, a2))
	require.NoError(s, s.Compact(ctx, a2), "again")
	require.ErrorIs(s, s.Compact(ctx, b), store.ErrCompacted)
	current, compacted, err := s.Revision(ctx)
	require.NoError(s, err)
	require.Equal(s, b2, current)
	require.Equal(s, a2, compacted)

	_, err = s.List(ctx, s.root, store.ListOptions{Revision: b})
	require.ErrorIs(s, err, store.ErrCompacted)
	require.Equal(s, []string{"a=2", "b=1"}, s.at(a2), "the compacted revision itself is held")
	require.Equal(s, []string{"a=2"}, s.at(0))
	for _, after := range []int64{1, a, b} {
		w := s.watch("", after)
		for range 2 {
			_, err = w.Next(ctx)
			require.ErrorIs(s, err, store.ErrCompacted, "after %d", after)
		}
	}
	require.Equal(s, []string{"b: 1 → none"}, s.through(s.watch("", a2), b2))
	kv, err := s.Get(ctx, s.root+"a")
	require.NoError(s, err)
	require.Equal(s, a, kv.CreateRevision, "what is present stays as it was")
}

// A compaction affects later watchers only: an idle watcher gets its position
// (WATCH-08), one that has something to read still gets it.
func compactionAndWatches(s *subject) {
	a := s.put("a", "1", 0)
	idle, behind := s.watch("a", a), s.watch("b", a)
	for _, w := range []store.Watcher{idle, behind} {
		batch, err := w.Next(s.Context())
		require.NoError(s, err)
		require.Empty(s, batch.Events)
	}
	b := s.put("b", "1", 0)
	require.NoError(s, s.Compact(s.Context(), b))
	b2 := s.put("b", "2", b)

	batch, err := idle.Next(s.Context())
	require.NoError(s, err)
	require.Empty(s, batch.Events)
	require.GreaterOrEqual(s, batch.Revision, b)
	require.Equal(s, []string{"b: none → 1", "b: 1 → 2"}, s.through(behind, b2))
	_, err = s.watch("b", a).Next(s.Context())
	require.ErrorIs(s, err, store.ErrCompacted, "one that comes later")
	a2 := s.put("a", "2", a)
	require.Equal(s, []string{"a: 1 → 2"}, s.through(idle, a2))
}

func manyCompactions(s *subject) {
	last := s.put("a", "0", 0)
	for i := range 50 {
		for range i % 7 {
			last = s.put("a", "x", last)
		}
		require.NoError(s, s.Compact(s.Context(), last))
		current, compacted, err := s.Revision(s.Context())
		require.NoError(s, err)
		require.Equal(s, last, current)
		require.Equal(s, last, compacted)
	}
}

// manyWriters count one key up together, under the guard of its revision: no
// step is lost, and a watcher sees each once, in order, with what it replaced.
func manyWriters(s *subject) {
	const writers, steps = 8, 25
	start := s.put("n", "0", 0)
	var group errgroup.Group
	watched := make(chan []string, 1)
	group.Go(func() error {
		w := s.Watch(s.root, start)
		defer w.Stop()
		var events []string
		for len(events) < writers*steps {
			batch, err := w.Next(s.Context())
			if err != nil {
				return err
			}
			for _, e := range batch.Events {
				events = append(events, string(e.Previous.Value)+"→"+string(e.Value))
			}
		}
		watched <- events
		return nil
	})
	for range writers {
		group.Go(func() error {
			for step := 0; step < steps; {
				kv, err := s.Get(s.Context(), s.root+"n")
				if err != nil {
					return err
				}
				n, err := strconv.Atoi(string(kv.Value))
				if err != nil {
					return err
				}
				switch _, err := s.Put(s.Context(), kv.Key, []byte(strconv.Itoa(n+1)), kv.ModRevision); err {
				case nil:
					step++
				case store.ErrConflict: //nolint:errorlint // it is returned as it is
				default:
					return err
				}
			}
			return nil
		})
	}
	require.NoError(s, group.Wait())
	want := make([]string, writers*steps)
	for i := range want {
		want[i] = fmt.Sprintf("%d→%d", i, i+1)
	}
	require.Equal(s, want, <-watched)
}

func ended(s *subject) {
	ctx, cancel := context.WithCancel(s.Context())
	a := s.put("a", "1", 0)
	w := s.watch("", a)
	_, err := w.Next(ctx)
	require.NoError(s, err)
	cancel()
	_, err = w.Next(ctx)
	require.ErrorIs(s, err, context.Canceled)
	require.Equal(s, []string{"a=1"}, s.at(0), "the store goes on")
}
