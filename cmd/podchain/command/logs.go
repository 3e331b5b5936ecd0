package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// logExtension is that of the files in a directory of logs.
const logExtension = ".log"

// logs is the directory with what programs have printed.
type logs struct {
	path string
	// unnamed is one that no flag has named.
	unnamed bool
	// made is one that was not there before.
	made bool
}

// logsPath is the directory that a flag names, or one beside the first report that is a
// file; "" if there is none.
func logsPath(flag string, reports []string) string {
	path := flag
	for _, report := range reports {
		_, file, _ := strings.Cut(report, "=")
		if info, err := os.Stat(file); file == "" || file == dash || err == nil && !info.Mode().IsRegular() {
			continue // beside a device is no place
		}
		if path == "" {
			path = strings.TrimSuffix(file, filepath.Ext(file)) + "-logs"
		}
	}
	return path
}

// openLogs makes the directory of logsPath, or else one that stays if somebody may want
// to read what is in it.
func openLogs(flag string, reports []string) (logs, error) {
	path := logsPath(flag, reports)
	if path == "" {
		made, err := os.MkdirTemp("", "podchain-logs-")
		return logs{path: made, unnamed: true}, err
	}
	_, err := os.Stat(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return logs{}, fmt.Errorf("the programs' logs: %w", err)
	}
	return logs{path: path, made: missing}, nil
}

// close removes the directory, unless somebody has named it or it is of use.
func (l logs) close(use bool, told io.Writer) error {
	switch {
	case l.path == "":
	case !l.unnamed:
		if l.made && empty(l.path) {
			return os.Remove(l.path)
		}
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
