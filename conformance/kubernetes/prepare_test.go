package kubernetes

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// aptGet fails if another one runs, as the real one does while lists are updated,
// and installs all that nodes need.
const aptGet = `#!/bin/sh
mkdir "$MACHINE/busy" 2>/dev/null || { echo "could not get lock"; exit 100; }
[ "$1" = update ] && sleep 0.2
if [ "$1" = install ]; then
  echo install >>"$MACHINE/installs"
  for program in containerd runc ip; do cp "$MACHINE/apt-get" "$MACHINE/$program"; done
  mkdir -p "$MACHINE/cni" && touch "$MACHINE/cni/bridge"
fi
rmdir "$MACHINE/busy"
`

func TestClustersThatStartTogetherInstallOnce(t *testing.T) {
	machine := t.TempDir()
	for _, program := range []string{"sh", "mkdir", "rmdir", "sleep", "cp", "touch"} {
		path, err := exec.LookPath(program)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(machine, program)))
	}
	require.NoError(t, os.WriteFile(filepath.Join(machine, "apt-get"), []byte(aptGet), 0o755))
	t.Setenv("MACHINE", machine)
	t.Setenv("PATH", machine)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	folders := pluginFolders
	t.Cleanup(func() { pluginFolders = folders })
	pluginFolders = []string{filepath.Join(machine, "cni")}

	var clusters errgroup.Group
	for range 3 {
		clusters.Go(func() error {
			plugins, err := installMissing(t.Context(), io.Discard)
			assert.Equal(t, pluginFolders[0], plugins)
			return err
		})
	}
	require.NoError(t, clusters.Wait())
	installs, err := os.ReadFile(filepath.Join(machine, "installs"))
	require.NoError(t, err)
	assert.Equal(t, "install\n", string(installs))
}
