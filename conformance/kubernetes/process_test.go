package kubernetes

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/children"
)

// TestProcesses: a program is stopped with what it started, and an error about it
// shows what it said.
func TestProcesses(t *testing.T) {
	log, err := children.CreateLog(filepath.Join(t.TempDir(), "log"), "the test")
	require.NoError(t, err)
	defer func() { require.NoError(t, log.Close()) }()
	spawned := func(script string) *process {
		p, err := spawn("the test", log, exec.Command("sh", "-c", script))
		require.NoError(t, err)
		return p
	}
	never := func(context.Context) error { return errors.New("not yet") }

	p := spawned("echo one; exec sleep 60")
	require.NoError(t, p.crash())
	err = p.ready(t.Context(), "it to be fine", 200*time.Millisecond, never)
	require.ErrorContains(t, err, "the test: waited 200ms for it to be fine: not yet; it printed last:\n  | one")
	require.NoError(t, p.stop(t.Context()))

	p = spawned("echo two; exit 3")
	err = p.ready(t.Context(), "it was fine", time.Minute, never)
	require.ErrorContains(t, err, "the test exited with status 3 before it was fine")
	require.ErrorContains(t, err, "two")
	require.ErrorContains(t, p.crash(), "the test exited with status 3")
	require.NoError(t, p.stop(t.Context())) // it has ended, which is what is wanted

	require.NoError(t, (*process)(nil).stop(t.Context()))
}
