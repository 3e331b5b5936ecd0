package command

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// logs is the directory with what programs have printed.
type logs struct {
	path string
	// ours is one that nobody has named.
	ours bool
}

// openLogs makes the directory that a flag names, or one beside the first report, or
// else one that stays if somebody may want to read what is in it.
func openLogs(flag string, reports []string) (logs, error) {
	path := flag
	for _, report := range reports {
		if _, file, _ := strings.Cut(report, "="); path == "" && file != "-" {
			path = strings.TrimSuffix(file, filepath.Ext(file)) + "-logs"
		}
	}
	if path == "" {
		made, err := os.MkdirTemp("", "podchain-logs-")
		return logs{made, true}, err
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return logs{}, fmt.Errorf("the programs' logs: %w", err)
	}
	return logs{path: path}, nil
}

// close removes the directory, unless somebody has named it or it is of use.
func (l logs) close(use bool, told io.Writer) error {
	switch {
	case l.path == "":
	case !l.ours:
		// If there is nothing in it, nobody misses it; an error says that there is.
		_ = os.Remove(l.path)
	case use && !empty(l.path):
		fmt.Fprintf(told, "what the programs have printed is in %s\n", l.path)
	default:
		return os.RemoveAll(l.path)
	}
	return nil
}

func empty(directory string) bool {
	entries, err := os.ReadDir(directory)
	return err == nil && len(entries) == 0
}
