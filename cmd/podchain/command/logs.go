package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/podchain/podchain/conformance/children"
)

// logExtension is that of the files in a directory of logs.
const logExtension = ".log"

// logs is the directory with what programs have printed.
type logs struct {
	path string
	// run is what one that no flag has named is in: it goes with what else a killed run
	// has left.
	run *children.Run
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
		run, err := children.Begin()
		if err != nil {
			return logs{}, fmt.Errorf("the programs' logs: %w", err)
		}
		l := logs{path: filepath.Join(run.Directory, "logs"), run: run}
		if err := os.Mkdir(l.path, 0o700); err != nil {
			return logs{}, errors.Join(fmt.Errorf("the programs' logs: %w", err), run.End())
		}
		return l, nil
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
	case l.run == nil:
		if l.made && empty(l.path) {
			return os.Remove(l.path)
		}
	case use && !empty(l.path):
		return errors.Join(l.keep(told), l.run.End())
	default:
		return l.run.End()
	}
	return nil
}

// keep puts the directory where it stays.
func (l logs) keep(told io.Writer) error {
	kept, err := os.MkdirTemp("", "podchain-logs-")
	if err != nil {
		return err
	}
	if err := os.Rename(l.path, kept); err != nil {
		return err
	}
	fmt.Fprintf(told, "what the programs have printed is in %s\n", kept)
	return nil
}

func empty(directory string) bool {
	entries, err := os.ReadDir(directory)
	return err == nil && len(entries) == 0
}
