package storehistory_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/goleak"

	"github.com/podchain/podchain/conformance/etcdserver"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/storehistory"
	"github.com/podchain/podchain/reference/store/etcd/etcdtest"
)

// open records a store of the test's own.
func open(t *testing.T) (*etcdserver.Server, implementation.StoreAccess, *storehistory.Recorder, *clientv3.Client) {
	t.Helper()
	server := etcdtest.Start(t)
	access, err := etcdserver.Offer{Server: server, Prefix: "/registry/"}.StoreAccess(t.Context())
	require.NoError(t, err)
	client, err := storehistory.Connect(access)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	_, err = client.Put(t.Context(), "/registry/pods/a", "before the record")
	require.NoError(t, err)
	recorded, err := storehistory.Watch(t.Context(), access)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, recorded.Close()) })
	return server, access, recorded, client
}

func TestRecord(t *testing.T) {
	_, _, recorded, client := open(t)
	from := recorded.Since()
	granted, err := client.Grant(t.Context(), 100)
	require.NoError(t, err)
	for _, op := range []clientv3.Op{
		clientv3.OpPut("/registry/pods/a", "2"),
		clientv3.OpPut("/registry/pods/ab", "1"),
		clientv3.OpPut("/registry/events/a", "1", clientv3.WithLease(granted.ID)),
		clientv3.OpPut("compact_rev_key", "1"),
		clientv3.OpDelete("/registry/pods/a"),
	} {
		_, err := client.Do(t.Context(), op)
		require.NoError(t, err)
	}
	_, err = client.Revoke(t.Context(), granted.ID)
	require.NoError(t, err)
	revision, err := recorded.Revision(t.Context())
	require.NoError(t, err)
	record, err := recorded.Reach(t.Context(), revision)
	require.NoError(t, err)

	lease := int64(granted.ID)
	changes := storehistory.Record{
		{Key: "pods/a", Revision: from + 1, CreateRevision: from},
		{Key: "pods/ab", Revision: from + 2, CreateRevision: from + 2},
		{Key: "events/a", Revision: from + 3, CreateRevision: from + 3, Leased: true, Lease: lease},
		{Key: "compact_rev_key", Foreign: true, Revision: from + 4, CreateRevision: from + 4},
		{Key: "pods/a", Revision: from + 5, Deleted: true},
		{Key: "events/a", Revision: from + 6, Deleted: true, Leased: true},
	}
	require.Empty(t, cmp.Diff(changes, record))
	require.Equal(t, []bool{false, true, true, true, false, false}, created(record))
	require.Empty(t, cmp.Diff(storehistory.Record{changes[0], changes[4]}, record.Of("pods/a")))
	require.Empty(t, cmp.Diff(storehistory.Record{changes[0], changes[1], changes[4]}, record.Under("pods/")))
	require.Empty(t, cmp.Diff(changes[4:5], record.After(from+3).Written()))
}

func created(record storehistory.Record) []bool {
	var all []bool
	for _, c := range record {
		all = append(all, c.Created())
	}
	return all
}

func TestAwaitTellsWhatItHasSeen(t *testing.T) {
	_, _, recorded, client := open(t)
	granted, err := client.Grant(t.Context(), 100)
	require.NoError(t, err)
	live, left, err := recorded.TimeToLive(t.Context(), int64(granted.ID))
	require.NoError(t, err)
	require.Equal(t, 100*time.Second, live)
	require.Positive(t, left)

	soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = recorded.Reach(soon, recorded.Since()+1)
	require.ErrorContains(t, err, "for the watch of the store to bring revision")
	require.ErrorContains(t, err, "last seen: it has brought revision")
}

// The record has no gap where the store was away.
func TestAway(t *testing.T) {
	server, access, recorded, client := open(t)
	server.Kill()
	require.Error(t, storehistory.Ask(t.Context(), access))
	require.NoError(t, server.Restart(t.Context()))
	written, err := client.Put(t.Context(), "/registry/pods/b", "1")
	require.NoError(t, err)
	record, err := recorded.Reach(t.Context(), written.Header.Revision)
	require.NoError(t, err)
	require.Len(t, record, 1)
}

func TestAsk(t *testing.T) {
	_, access, _, _ := open(t)
	require.NoError(t, storehistory.Ask(t.Context(), access))
	stranger := access
	stranger.Certificate, stranger.Key = nil, nil
	require.Error(t, storehistory.Ask(t.Context(), stranger))
	stranger.CA = []byte("none")
	require.ErrorContains(t, storehistory.Ask(t.Context(), stranger), "the CA is not a certificate in PEM")
}

func TestCloseLeavesNothing(t *testing.T) {
	_, access, _, _ := open(t)
	present := goleak.IgnoreCurrent()
	recorded, err := storehistory.Watch(t.Context(), access)
	require.NoError(t, err)
	require.NoError(t, recorded.Close())
	goleak.VerifyNone(t, present)
}
