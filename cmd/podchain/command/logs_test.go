package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Logs that no flag names stay if they are of use and there are any, and nothing else does.
func TestLogsThatNoFlagNames(t *testing.T) {
	for name, test := range map[string]struct {
		use, printed bool
		kept         int
	}{
		"of use": {true, true, 1}, "of no use": {false, true, 0}, "empty": {true, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			temporary := t.TempDir()
			t.Setenv("TMPDIR", temporary)
			opened, err := openLogs("", nil)
			require.NoError(t, err)
			if test.printed {
				require.NoError(t, os.WriteFile(filepath.Join(opened.path, "x.log"), []byte("a word\n"), 0o600))
			}
			var told strings.Builder
			require.NoError(t, opened.close(test.use, &told))
			left, err := os.ReadDir(temporary)
			require.NoError(t, err)
			require.Len(t, left, test.kept)
			for _, entry := range left {
				kept := filepath.Join(temporary, entry.Name())
				assert.FileExists(t, filepath.Join(kept, "x.log"))
				assert.Equal(t, "what the programs have printed is in "+kept+"\n", told.String())
			}
		})
	}
}
