package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/podchain/podchain/conformance/events"
)

// eventsFormat is the report that is written while the run goes on: a run that is
// killed leaves what had happened by then.
const eventsFormat = "events"

// streams are the files of --report events=FILE; the file - is stdout.
type streams []*eventFile

type eventFile struct {
	*events.Stream
	path string
	file *os.File // nil: it is stdout
}

// openStreams opens the files of the flags that are about events, and returns the
// other flags.
func openStreams(flags []string, stdout io.Writer) (open streams, others []string, err error) {
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
		case path == "-":
			open = append(open, &eventFile{events.NewStream(stdout), path, nil})
		default:
			file, err := os.Create(path)
			if err != nil {
				return open, nil, fmt.Errorf("report %s cannot be written: %w", flag, err)
			}
			open = append(open, &eventFile{events.NewStream(file), path, file})
		}
	}
	if taken := slices.IndexFunc(others, func(flag string) bool { return strings.HasSuffix(flag, "=-") }); taken >= 0 && open.onStdout() {
		return open, nil, fmt.Errorf("report %s: the events are on stdout, and nothing else can be", others[taken])
	}
	return open, others, nil
}

// onStdout says that stdout is one of them.
func (s streams) onStdout() bool {
	return slices.ContainsFunc(s, func(one *eventFile) bool { return one.file == nil })
}

// Take writes an event to all of them.
func (s streams) Take(event events.Event) {
	for _, one := range s {
		one.Take(event)
	}
}

func (s streams) close() error {
	var errs []error
	for _, one := range s {
		err := one.Err()
		if one.file != nil {
			err = errors.Join(err, one.file.Close())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("report events=%s: %w", one.path, err))
		}
	}
	return errors.Join(errs...)
}
