package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/report"
)

// formats are the report formats, by the name that --report uses.
var formats = map[string]func(io.Writer, *conformance.Result) error{
	"json": report.JSON,
}

// reportFile is one --report. It is written beside its place and moved there,
// so that nobody finds half a report.
type reportFile struct {
	path  string
	write func(io.Writer, *conformance.Result) error
	file  *os.File
}

type reportFiles []*reportFile

// openReports finds out before the run that a report could not be written.
func openReports(flags []string) (_ reportFiles, err error) {
	var all reportFiles
	defer func() {
		if err != nil {
			all.discard()
		}
	}()
	for _, flag := range flags {
		format, path, found := strings.Cut(flag, "=")
		write, known := formats[format]
		if !found || path == "" || !known {
			names := make([]string, 0, len(formats))
			for name := range formats {
				names = append(names, name)
			}
			slices.Sort(names)
			return nil, fmt.Errorf("--report %s: expected FORMAT=FILE with a format of %s", flag, strings.Join(names, ", "))
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return nil, fmt.Errorf("--report %s: %s is a directory", flag, path)
		}
		file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
		if err != nil {
			return nil, fmt.Errorf("--report %s cannot be written: %w", flag, err)
		}
		all = append(all, &reportFile{path: path, write: write, file: file})
	}
	return all, nil
}

func (r reportFiles) write(result *conformance.Result) error {
	for _, one := range r {
		if err := errors.Join(one.write(one.file, result), one.file.Chmod(0o644), one.file.Close()); err != nil {
			return fmt.Errorf("report %s: %w", one.path, err)
		}
		if err := os.Rename(one.file.Name(), one.path); err != nil {
			return fmt.Errorf("report %s: %w", one.path, err)
		}
		one.file = nil
	}
	return nil
}

// discard removes what was not written.
func (r reportFiles) discard() {
	for _, one := range r {
		if one.file != nil {
			_ = one.file.Close() // what was begun is thrown away
			_ = os.Remove(one.file.Name())
		}
	}
}
