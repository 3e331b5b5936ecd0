// Package etcdtest gives tests an etcd.
package etcdtest

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/etcdserver"
	"github.com/podchain/podchain/reference/store/etcd"
)

// Wanted is the environment variable without which tests that need an etcd are
// skipped: where none is installed, it has to be built first, which takes a
// minute and the network.
const Wanted = "PODCHAIN_TEST_ETCD"

// Start starts an etcd for the time of the test, or skips it.
func Start(t testing.TB) *etcdserver.Server {
	t.Helper()
	Need(t)
	binary, err := etcdserver.Etcd.Binary(t.Context(), func(path string) { t.Log("building", path) })
	require.NoError(t, err)
	server, err := etcdserver.Start(t.Context(), etcdserver.Options{Binary: binary})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

// Need skips a test that needs an etcd, unless that is wanted.
func Need(t testing.TB) {
	t.Helper()
	if os.Getenv(Wanted) == "" {
		t.Skipf("it needs an etcd: set %s=1 to run it", Wanted)
	}
}

// Open opens the store of a server for the time of the test.
func Open(t testing.TB, server *etcdserver.Server) *etcd.Store {
	t.Helper()
	certificates, err := etcd.Files(server.Files()).TLS()
	require.NoError(t, err)
	s, err := etcd.Open(t.Context(), etcd.Options{Endpoints: []string{server.Endpoint()}, TLS: certificates})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
