package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/reference/store"
)

func keys(l *store.List) (keys []string) {
	for _, kv := range l.Items {
		keys = append(keys, kv.Key+"="+string(kv.Value))
	}
	return keys
}

func TestHistory(t *testing.T) {
	ctx := t.Context()
	m := store.NewMemory()
	a, err := m.Put(ctx, "/a", []byte("1"), 0)
	require.NoError(t, err)
	b, err := m.Put(ctx, "/b", []byte("1"), 0)
	require.NoError(t, err)
	w := m.Watch("/a", a)
	defer w.Stop()

	_, err = m.Put(ctx, "/a", []byte("2"), 0)
	require.ErrorIs(t, err, store.ErrConflict)
	a2, err := m.Put(ctx, "/a", []byte("2"), a)
	require.NoError(t, err)
	gone, err := m.Delete(ctx, "/a", a2)
	require.NoError(t, err)

	tests := []struct {
		revision int64
		want     []string
	}{
		{a, []string{"/a=1"}},
		{b, []string{"/a=1", "/b=1"}},
		{a2, []string{"/a=2", "/b=1"}},
		{gone, []string{"/b=1"}},
		{0, []string{"/b=1"}},
	}
	for _, test := range tests {
		l, err := m.List(ctx, "/", store.ListOptions{Revision: test.revision})
		require.NoError(t, err)
		require.Equal(t, test.want, keys(l), "at %d", test.revision)
	}
	_, err = m.List(ctx, "/", store.ListOptions{Revision: gone + 1})
	require.ErrorIs(t, err, store.ErrFuture)

	batch, err := w.Next(ctx)
	require.NoError(t, err)
	require.Equal(t, gone, batch.Revision)
	require.Len(t, batch.Events, 2)
	require.Equal(t, "1", string(batch.Events[0].Previous.Value))
	require.True(t, batch.Events[1].Deleted)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = w.Next(ended)
	require.ErrorIs(t, err, context.Canceled)

	require.NoError(t, m.Compact(ctx, a2))
	_, err = m.List(ctx, "/", store.ListOptions{Revision: b})
	require.ErrorIs(t, err, store.ErrCompacted)
	late := m.Watch("/", b)
	defer late.Stop()
	_, err = late.Next(ctx)
	require.ErrorIs(t, err, store.ErrCompacted)
}

// A compaction is for those who come later: an idle watcher is told how far it
// has got (WATCH-08), one that has something to read still gets it.
func TestCompactionAndWatchers(t *testing.T) {
	ctx := t.Context()
	m := store.NewMemory()
	a, err := m.Put(ctx, "/a", []byte("1"), 0)
	require.NoError(t, err)
	idle, behind := m.Watch("/a", a), m.Watch("/b", a)
	defer idle.Stop()
	defer behind.Stop()
	for _, w := range []store.Watcher{idle, behind} {
		batch, err := w.Next(ctx)
		require.NoError(t, err)
		require.Empty(t, batch.Events)
	}
	b, err := m.Put(ctx, "/b", []byte("1"), 0)
	require.NoError(t, err)
	require.NoError(t, m.Compact(ctx, b))
	b2, err := m.Put(ctx, "/b", []byte("2"), b)
	require.NoError(t, err)

	batch, err := idle.Next(ctx)
	require.NoError(t, err)
	require.Empty(t, batch.Events)
	require.GreaterOrEqual(t, batch.Revision, b)
	batch, err = behind.Next(ctx)
	require.NoError(t, err)
	require.Equal(t, b2, batch.Revision)
	require.Len(t, batch.Events, 2)
	require.Equal(t, "1", string(batch.Events[0].Value))
	require.Equal(t, "2", string(batch.Events[1].Value))

	late := m.Watch("/b", a)
	defer late.Stop()
	_, err = late.Next(ctx)
	require.ErrorIs(t, err, store.ErrCompacted)

	a2, err := m.Put(ctx, "/a", []byte("2"), a)
	require.NoError(t, err)
	batch, err = idle.Next(ctx)
	require.NoError(t, err)
	require.Equal(t, a2, batch.Revision)
	require.Len(t, batch.Events, 1)
}
