package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/podchain/podchain/conformance/files"
	"github.com/podchain/podchain/conformance/printable"
)

// formats write what came of a run, by the name that --report uses.
type formats[T any] map[string]func(io.Writer, T) error

// among are the formats whose lines may stand among others on stdout: GitHub finds the
// commands of annotations wherever they are.
var among = []string{"annotations"}

// output is one --report. A regular file is replaced as a whole, so that half a
// report is never seen, and a report that cannot be written leaves the earlier one.
type output[T any] struct {
	flag, format, path string
	write              func(io.Writer, T) error
	// straight is what is written to as it is: stdout, a device, a pipe; nil for what
	// is replaced.
	straight io.Writer
	stdout   bool
}

type outputs[T any] []*output[T]

// openOutputs finds out before the run that a report could not be written. The file
// - is stdout. Further formats are those that are written elsewhere.
func openOutputs[T any](formats formats[T], flags []string, stdout io.Writer, further ...string) (_ outputs[T], err error) {
	var all outputs[T]
	defer func() {
		if err != nil {
			err = errors.Join(err, all.close())
		}
	}()
	for _, flag := range flags {
		format, path, found := strings.Cut(flag, "=")
		write, known := formats[format]
		switch {
		case !known && !slices.Contains(further, format):
			names := slices.Sorted(slices.Values(slices.AppendSeq(slices.Clone(further), maps.Keys(formats))))
			return nil, fmt.Errorf("report %s: expected FORMAT=FILE with a format of %s", flag, strings.Join(names, ", "))
		case !found || path == "":
			return nil, fmt.Errorf("report %s: expected a file: %s=FILE", flag, format)
		}
		all = append(all, &output[T]{flag: flag, format: format, path: path, write: write})
	}
	for _, one := range all {
		if err := one.open(stdout); err != nil {
			return nil, fmt.Errorf("report %s cannot be written: %w", one.flag, printable.File(err))
		}
	}
	return all, nil
}

func (r *output[T]) open(stdout io.Writer) (err error) {
	r.stdout = isStdout(r.path, stdout)
	switch info, err := os.Stat(r.path); {
	case r.stdout:
		r.straight = stdout
		return nil
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a directory", r.path)
	case err == nil && !replaceable(info):
		r.straight, err = os.OpenFile(r.path, os.O_WRONLY|os.O_APPEND, 0)
		return err
	}
	return files.Check(r.path)
}

// isStdout tells whether a path is that of stdout, by whatever name.
func isStdout(path string, stdout io.Writer) bool {
	if path == dash {
		return true
	}
	file, ok := stdout.(*os.File)
	if !ok {
		return false
	}
	standard, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(standard, named) && !isNull(named)
}

// isNull tells whether it is the device that everything is lost in.
func isNull(info fs.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}

// replaceable tells whether a file can be replaced by another: a device or a pipe is
// written to, and so is what stderr goes to.
func replaceable(info fs.FileInfo) bool {
	stderr, err := os.Stderr.Stat()
	return info.Mode().IsRegular() && (err != nil || !os.SameFile(info, stderr))
}

// replace writes those that replace what was written before.
func (r outputs[T]) replace(result T) error {
	var errs []error
	for _, one := range r {
		if one.straight != nil {
			continue
		}
		if err := files.Replace(one.path, 0o666, func(out io.Writer) error { return one.write(out, result) }); err != nil {
			errs = append(errs, fmt.Errorf("report %s: %w", one.flag, printable.File(err)))
		}
	}
	return errors.Join(errs...)
}

// finish writes all of them, also if one cannot be written.
func (r outputs[T]) finish(result T) error {
	errs := []error{r.replace(result)}
	for _, one := range r {
		if one.straight == nil {
			continue
		}
		if err := one.write(one.straight, result); err != nil {
			errs = append(errs, fmt.Errorf("report %s: %w", one.flag, err))
		}
	}
	return errors.Join(errs...)
}

// people is where what people read is written: to stderr if stdout is a report's.
func (r outputs[T]) people(stdout, stderr io.Writer) io.Writer {
	if slices.ContainsFunc(r, func(one *output[T]) bool { return one.stdout && !slices.Contains(among, one.format) }) {
		return stderr
	}
	return stdout
}

func (r outputs[T]) close() error {
	var errs []error
	for _, one := range r {
		if file, ok := one.straight.(*os.File); ok && !one.stdout {
			errs = append(errs, file.Close())
		}
	}
	return errors.Join(errs...)
}
