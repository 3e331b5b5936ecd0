package kubernetes

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLockfiles: there is one cluster of each use, and what a killed one left is
// removed by the next.
func TestLockfiles(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())

	first, err := lockDirectory("up")
	require.NoError(t, err)
	_, err = lockDirectory("up")
	require.ErrorIs(t, err, ErrRunning)
	require.ErrorContains(t, err, first.Directory)
	other, err := lockDirectory("")
	require.NoError(t, err)
	clusters, err := Clusters()
	require.NoError(t, err)
	require.Len(t, clusters, 2)
	for _, cluster := range clusters {
		require.False(t, cluster.Dead)
	}
	require.NoError(t, other.release())
	require.NoDirExists(t, other.Directory)

	require.NoError(t, os.WriteFile(filepath.Join(first.Directory, "data"), nil, 0o600))
	require.NoError(t, first.file.Close()) // as the end of its program would
	clusters, err = Clusters()
	require.NoError(t, err)
	require.Len(t, clusters, 1)
	require.True(t, clusters[0].Dead)

	second, err := lockDirectory("up")
	require.NoError(t, err)
	require.NoDirExists(t, first.Directory)
	require.NoError(t, second.file.Close())
	clusters, err = Clusters()
	require.NoError(t, err)
	require.Len(t, clusters, 1)
	require.NoError(t, clusters[0].Remove(t.Context()))
	require.NoDirExists(t, second.Directory)
	clusters, err = Clusters()
	require.NoError(t, err)
	require.Empty(t, clusters)
}

// TestPrivateFolders: a cluster in a folder that its nodes hide would not start.
func TestPrivateFolders(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it takes root to make a folder there")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("TMPDIR", "/var/lib")
	_, err := lockDirectory("")
	require.ErrorContains(t, err, "set TMPDIR to a folder elsewhere")
}
