package etcd_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/podchain/podchain/reference/store"
	"github.com/podchain/podchain/reference/store/etcd"
	"github.com/podchain/podchain/reference/store/etcd/etcdtest"
	"github.com/podchain/podchain/reference/store/storetest"
)

func TestEtcd(t *testing.T) {
	server := etcdtest.Start(t)
	storetest.Test(t, func(t *testing.T) store.Store { return etcdtest.Open(t, server) })
}

// What has a time to live is gone when that is over, and whoever watches is told
// (STORE-09). Another write begins it anew.
func TestTimeToLive(t *testing.T) {
	server := etcdtest.Start(t)
	certificates, err := etcd.Files(server.Files()).TLS()
	require.NoError(t, err)
	s, err := etcd.Open(t.Context(), etcd.Options{Endpoints: []string{server.Endpoint()}, TLS: certificates,
		TimeToLive: func(key string) time.Duration {
			if strings.HasPrefix(key, "/events/") {
				return 2 * time.Second
			}
			return 0
		}})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	kept, err := s.Put(t.Context(), "/pods/a", []byte("1"), 0)
	require.NoError(t, err)
	_, err = s.Put(t.Context(), "/events/a", []byte("1"), 0)
	require.NoError(t, err)
	written := time.Now()
	w := s.Watch("/", kept)
	defer w.Stop()
	var events []store.Event
	for len(events) < 2 {
		batch, err := w.Next(t.Context())
		require.NoError(t, err)
		events = append(events, batch.Events...)
	}
	require.True(t, events[1].Deleted)
	require.Equal(t, "/events/a", events[1].Key)
	require.Equal(t, "1", string(events[1].Previous.Value))
	require.GreaterOrEqual(t, time.Since(written), 2*time.Second-tolerance)
	kv, err := s.Get(t.Context(), "/pods/a")
	require.NoError(t, err)
	require.NotNil(t, kv)
}

// tolerance is how exactly etcd's leases end.
const tolerance = time.Second

// Whoever comes to an etcd later, or has been away, reads the same history.
func TestNewcomer(t *testing.T) {
	server := etcdtest.Start(t)
	one := etcdtest.Open(t, server)
	start, _, err := one.Revision(t.Context())
	require.NoError(t, err)
	for i := range 3 {
		_, err = one.Put(t.Context(), fmt.Sprintf("/a/%d", i), []byte("1"), 0)
		require.NoError(t, err)
	}
	last, err := one.Put(t.Context(), "/b", []byte("1"), 0)
	require.NoError(t, err)

	two := etcdtest.Open(t, server)
	w := two.Watch("/a/", start)
	defer w.Stop()
	batch, err := w.Next(t.Context())
	require.NoError(t, err)
	require.Len(t, batch.Events, 3)
	require.Equal(t, last, batch.Revision)

	// The other's writes and compactions are known at once.
	last, err = one.Put(t.Context(), "/a/0", []byte("2"), batch.Events[0].ModRevision)
	require.NoError(t, err)
	require.NoError(t, one.Compact(t.Context(), last))
	current, compacted, err := two.Revision(t.Context())
	require.NoError(t, err)
	require.Equal(t, last, current)
	require.Equal(t, last, compacted)
	kv, err := two.Get(t.Context(), "/a/0")
	require.NoError(t, err)
	require.Equal(t, "2", string(kv.Value))
	for batch.Revision < last {
		batch, err = w.Next(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, "1", string(batch.Events[0].Previous.Value))
	three := etcdtest.Open(t, server)
	_, compacted, err = three.Revision(t.Context())
	require.NoError(t, err)
	require.Equal(t, last, compacted)
	late := three.Watch("/a/", start)
	defer late.Stop()
	_, err = late.Next(t.Context())
	require.ErrorIs(t, err, store.ErrCompacted)
}

// While etcd is away requests fail, none of them succeeds by mistake; when it is
// back all goes on, watches included (STORE-08), and nothing is lost (STORE-07).
func TestAway(t *testing.T) {
	server := etcdtest.Start(t)
	s := etcdtest.Open(t, server)
	a, err := s.Put(t.Context(), "/a", []byte("1"), 0)
	require.NoError(t, err)
	w := s.Watch("/", a)
	defer w.Stop()
	_, err = w.Next(t.Context())
	require.NoError(t, err)

	server.Kill()
	soon, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = s.Put(soon, "/b", []byte("1"), 0)
	require.Error(t, err)
	require.NotErrorIs(t, err, store.ErrConflict)
	_, _, err = s.Revision(soon)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	require.NoError(t, server.Restart(t.Context()))
	kv, err := s.Get(t.Context(), "/a")
	require.NoError(t, err)
	require.Equal(t, a, kv.ModRevision)
	kv, err = s.Get(t.Context(), "/b")
	require.NoError(t, err)
	require.Nil(t, kv)
	a2, err := s.Put(t.Context(), "/a", []byte("2"), a)
	require.NoError(t, err)
	batch, err := w.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, a2, batch.Revision)
	require.Len(t, batch.Events, 1)
}

func TestClosed(t *testing.T) {
	server := etcdtest.Start(t)
	present := goleak.IgnoreCurrent()
	certificates, err := etcd.Files(server.Files()).TLS()
	require.NoError(t, err)
	s, err := etcd.Open(t.Context(), etcd.Options{Endpoints: []string{server.Endpoint()}, TLS: certificates})
	require.NoError(t, err)
	w := s.Watch("/", 1)
	_, err = w.Next(t.Context())
	require.NoError(t, err)
	waiting := make(chan error)
	go func() {
		_, err := w.Next(t.Context())
		waiting <- err
	}()
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-waiting, store.ErrClosed)
	_, err = s.Get(t.Context(), "/a")
	require.ErrorIs(t, err, store.ErrClosed)
	_, err = s.Put(t.Context(), "/a", nil, 0)
	require.ErrorIs(t, err, store.ErrClosed)
	goleak.VerifyNone(t, present)
}
