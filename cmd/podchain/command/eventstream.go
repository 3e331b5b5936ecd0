package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/files"
	"github.com/podchain/podchain/conformance/printable"
)

// eventsFormat is the report that is written while the run goes on: a run that is
// killed leaves what had happened by then.
const eventsFormat = "events"

// eventStreams are the files of --report events=FILE; the file - is stdout.
type eventStreams []*eventFile

type eventFile struct {
	*events.Stream
	flag string
	file *lazyFile // nil: it is stdout
}

// lazyFile is a file that is emptied when it is first written to: a run that never begins
// leaves what was in it.
type lazyFile struct {
	*os.File
	// fresh is a file that was not there before.
	fresh, written bool
}

// Write implements io.Writer.
func (b *lazyFile) Write(text []byte) (int, error) {
	if !b.written {
		b.written = true
		// A device or a pipe has no length.
		if info, err := b.Stat(); err != nil || info.Mode().IsRegular() {
			if err := errors.Join(err, b.Truncate(0)); err != nil {
				return 0, err
			}
		}
	}
	return b.File.Write(text)
}

// Close closes the file, which is gone if there is nothing in it.
func (b *lazyFile) Close() error {
	if b.fresh && !b.written {
		return errors.Join(b.File.Close(), os.Remove(b.Name()))
	}
	return b.File.Close()
}

// openEventStreams opens the files of the flags that are about events, and returns the
// other flags.
func openEventStreams(flags []string, stdout io.Writer) (open eventStreams, others []string, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, open.close())
		}
	}()
	for _, flag := range flags {
		format, path, _ := strings.Cut(flag, "=")
		switch {
		case format != eventsFormat || path == "":
			others = append(others, flag)
		case isStdout(path, stdout):
			open = append(open, &eventFile{events.NewStream(stdout), flag, nil})
		default:
			_, missing := os.Stat(path)
			var file *os.File
			_, err := files.Target(path) // whether its directory is there
			if err == nil {
				file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
			}
			if err != nil {
				return open, nil, fmt.Errorf("report %s cannot be written: %w", flag, printable.File(err))
			}
			one := &lazyFile{File: file, fresh: errors.Is(missing, fs.ErrNotExist)}
			open = append(open, &eventFile{events.NewStream(one), flag, one})
		}
	}
	return open, others, nil
}

// onStdout says that stdout is one of them.
func (s eventStreams) onStdout() bool {
	return slices.ContainsFunc(s, func(one *eventFile) bool { return one.file == nil })
}

// Add writes an event to all of them.
func (s eventStreams) Add(event events.Event) {
	for _, one := range s {
		one.Add(event)
	}
}

func (s eventStreams) close() error {
	var errs []error
	for _, one := range s {
		err := one.Err()
		if one.file != nil {
			err = errors.Join(err, one.file.Close())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("report %s: what happened in the run is not all in it: %w", one.flag, err))
		}
	}
	return errors.Join(errs...)
}
