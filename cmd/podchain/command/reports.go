package command

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// formats write what came of a run, by the name that --report uses.
type formats[T any] map[string]func(io.Writer, T) error

// reportFile is one --report. It is written beside its place and moved there,
// so that nobody finds half a report.
type reportFile[T any] struct {
	path   string
	write  func(io.Writer, T) error
	file   *os.File  // nil once it is written
	stdout io.Writer // nil: it is a file
}

type reportFiles[T any] []*reportFile[T]

// openReports finds out before the run that a report could not be written. The file
// - is stdout.
func openReports[T any](formats formats[T], flags []string, stdout io.Writer) (_ reportFiles[T], err error) {
	var all reportFiles[T]
	defer func() {
		if err != nil {
			all.discard()
		}
	}()
	for _, flag := range flags {
		format, path, found := strings.Cut(flag, "=")
		write, known := formats[format]
		if !found || path == "" || !known {
			names := slices.Sorted(maps.Keys(formats))
			return nil, fmt.Errorf("report %s: expected FORMAT=FILE with a format of %s", flag, strings.Join(names, ", "))
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return nil, fmt.Errorf("report %s: %s is a directory", flag, path)
		}
		if path == "-" {
			all = append(all, &reportFile[T]{path: "on stdout", write: write, stdout: stdout})
			continue
		}
		one := &reportFile[T]{path: path, write: write}
		if err := one.open(); err != nil {
			return nil, fmt.Errorf("report %s cannot be written: %w", flag, err)
		}
		all = append(all, one)
	}
	return all, nil
}

func (r *reportFile[T]) open() (err error) {
	r.file, err = os.CreateTemp(filepath.Dir(r.path), "."+filepath.Base(r.path)+".*")
	return err
}

// write writes all of them; what was written before is replaced.
func (r reportFiles[T]) write(result T) error {
	for _, one := range r {
		if one.stdout != nil {
			if err := one.write(one.stdout, result); err != nil {
				return fmt.Errorf("report %s: %w", one.path, err)
			}
			continue
		}
		if one.file == nil {
			if err := one.open(); err != nil {
				return fmt.Errorf("report %s: %w", one.path, err)
			}
		}
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
func (r reportFiles[T]) discard() {
	for _, one := range r {
		if one.file != nil {
			_ = one.file.Close() // what was begun is thrown away
			_ = os.Remove(one.file.Name())
		}
	}
}
