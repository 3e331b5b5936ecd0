package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/children"
	"github.com/podchain/podchain/conformance/printable"
)

// logExtension is that of the files in a directory of logs.
const logExtension = ".log"

// logs is the directory with what programs have printed.
type logs struct {
	path string
	// unnamed is the run whose folder it is in until the end, if no flag has named it: what
	// a killed podchain has left there goes with the rest of it.
	unnamed *children.Run
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

// checkLogs returns an error if programs of the links would write over a user's files
// in the directory of logsPath, or in those of a matrix below it.
func checkLogs(path string, links sources, below ...string) error {
	if path == "" {
		return nil
	}
	var patterns []string
	for _, link := range chain.AllLinks {
		if links[link] != fromReference && links[link] != fromNowhere {
			for _, pattern := range assembly.LogsOf(link) {
				patterns = append(patterns, filepath.Join(append(slices.Clone(below), pattern)...))
			}
		}
	}
	return children.CheckLogs(path, patterns...)
}

// openLogs makes the directory of logsPath, or else one that stays if somebody may want
// to read what is in it.
func openLogs(flag string, reports []string) (logs, error) {
	path := logsPath(flag, reports)
	if path == "" {
		run, err := children.Begin()
		if err != nil {
			return logs{}, fmt.Errorf("the programs' logs: %w", err)
		}
		path = filepath.Join(run.Directory, "logs")
		if err := os.Mkdir(path, 0o700); err != nil {
			return logs{}, errors.Join(fmt.Errorf("the programs' logs: %w", err), run.End())
		}
		return logs{path: path, unnamed: run}, nil
	}
	_, err := os.Stat(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return logs{}, fmt.Errorf("the programs' logs: %w", printable.File(err))
	}
	return logs{path: path, made: missing}, nil
}

// close removes the directory, unless somebody has named it or it is of use.
func (l logs) close(use bool, progress io.Writer) error {
	switch {
	case l.path == "":
	case l.unnamed == nil:
		if l.made && empty(l.path) {
			return os.Remove(l.path)
		}
	case use && !empty(l.path):
		// Where they cannot be moved, they stay where they are.
		if err := l.keep(progress); err != nil {
			return fmt.Errorf("what the programs have printed stays in %s: %w", l.path, err)
		}
		return l.unnamed.End()
	default:
		return l.unnamed.End()
	}
	return nil
}

// keep moves the directory to where it stays.
func (l logs) keep(progress io.Writer) error {
	kept, err := os.MkdirTemp("", "podchain-logs-")
	if err == nil {
		// Only the name is wanted: a directory is not renamed to one that is there.
		err = errors.Join(os.Remove(kept), os.Rename(l.path, kept))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "what the programs have printed is in %s\n", kept)
	return nil
}

func empty(directory string) bool {
	entries, err := os.ReadDir(directory)
	return err == nil && len(entries) == 0
}
