package printable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFile(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("file", nil, 0o600))
	for path, want := range map[string]string{
		"none":   "read: none does not exist",
		"file/a": "read: file/a: not a directory",
		".":      "read: .: is a directory",
	} {
		_, err := os.ReadFile(path)
		require.EqualError(t, File(fmt.Errorf("read: %w", err)), want)
	}
	_, err := os.Stat("none")
	require.ErrorIs(t, File(err), fs.ErrNotExist)
	for _, other := range []error{errors.New("other"), errors.Join(err, errors.New("and more")), fmt.Errorf("%w: in vain", err)} {
		assert.Equal(t, other, File(other), "nothing is lost")
	}
	assert.NoError(t, File(nil))
}
