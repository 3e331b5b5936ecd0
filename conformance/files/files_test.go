package files_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/files"
)

func text(content string) func(io.Writer) error {
	return func(out io.Writer) error {
		_, err := io.WriteString(out, content)
		return err
	}
}

// TestReplace: what a path leads to is replaced, and links stay links.
func TestReplace(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(t *testing.T)
		path    string
		// written is the file that has the content then.
		written string
		mode    os.FileMode
	}{
		"a new file":          {func(*testing.T) {}, "new", "new", 0o644},
		"a file":              {func(t *testing.T) { put(t, "old", 0o640) }, "old", "old", 0o640},
		"a link":              {func(t *testing.T) { put(t, "old", 0o600); link(t, "old", "l") }, "l", "old", 0o600},
		"a link to a link":    {func(t *testing.T) { put(t, "old", 0o600); link(t, "old", "k"); link(t, "k", "l") }, "l", "old", 0o600},
		"a link to nothing":   {func(t *testing.T) { link(t, "new", "l") }, "l", "new", 0o644},
		"within a linked one": {func(t *testing.T) { require.NoError(t, os.Mkdir("d", 0o755)); link(t, "d", "l") }, "l/new", "d/new", 0o644},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			test.prepare(t)
			links := linksHere(t)
			require.NoError(t, files.Check(test.path))
			require.NoError(t, files.Replace(test.path, 0o644, text("fresh")))
			content, err := os.ReadFile(test.written)
			require.NoError(t, err)
			assert.Equal(t, "fresh", string(content))
			info, err := os.Lstat(test.written)
			require.NoError(t, err)
			assert.Equal(t, test.mode, info.Mode(), "a regular file with its mode")
			assert.Equal(t, links, linksHere(t))
		})
	}
}

// TestReplaceFails: what was there stays, and nothing else is there.
func TestReplaceFails(t *testing.T) {
	full := errors.New("no space left on device")
	for name, write := range map[string]func(io.Writer) error{
		"at once":       func(io.Writer) error { return full },
		"in the middle": func(out io.Writer) error { return errors.Join(text("half")(out), full) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			put(t, "old", 0o600)
			require.ErrorIs(t, files.Replace("old", 0o644, write), full)
			require.ErrorIs(t, files.Replace("new", 0o644, write), full)
			content, err := os.ReadFile("old")
			require.NoError(t, err)
			assert.Equal(t, "old", string(content))
			left, err := os.ReadDir(".")
			require.NoError(t, err)
			assert.Len(t, left, 1)
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	link(t, "l", "k")
	link(t, "k", "l")
	require.NoError(t, os.Mkdir("d", 0o755))
	for _, path := range []string{"nowhere/a", "l", "d"} {
		assert.Error(t, files.Check(path), path)
	}
}

// TestLocked: one at a time.
func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	var inside atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			assert.NoError(t, files.Locked(path, func() error {
				assert.EqualValues(t, 1, inside.Add(1))
				inside.Add(-1)
				return nil
			}))
		})
	}
	all.Wait()
	failed := errors.New("failed")
	require.ErrorIs(t, files.Locked(path, func() error { return failed }), failed)
	require.ErrorIs(t, files.Locked(filepath.Join(path, "b"), func() error { return nil }), os.ErrNotExist)
}

func put(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte("old"), mode))
}

func link(t *testing.T, to, path string) {
	t.Helper()
	require.NoError(t, os.Symlink(to, path))
}

// linksHere are the symbolic links of the working directory.
func linksHere(t *testing.T) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	found := map[string]string{}
	for _, entry := range entries {
		if entry.Type() == os.ModeSymlink {
			found[entry.Name()], err = os.Readlink(entry.Name())
			require.NoError(t, err)
		}
	}
	return found
}
