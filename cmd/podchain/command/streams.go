package command

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/podchain/podchain/conformance/events"
)

// eventsFormat is the report that is written while the run goes on: a run that is
// killed leaves what had happened by then.
const eventsFormat = "events"

// streams are the files of --report events=FILE.
type streams []*eventFile

type eventFile struct {
	*events.Stream
	file *os.File
}

// openStreams opens the files of the flags that are about events, and returns the
// other flags.
func openStreams(flags []string) (open streams, others []string, err error) {
	for _, flag := range flags {
		format, path, _ := strings.Cut(flag, "=")
		if format != eventsFormat || path == "" {
			others = append(others, flag)
			continue
		}
		file, err := os.Create(path)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("report %s cannot be written: %w", flag, err), open.close())
		}
		open = append(open, &eventFile{events.NewStream(file), file})
	}
	return open, others, nil
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
		if err := errors.Join(one.Err(), one.file.Close()); err != nil {
			errs = append(errs, fmt.Errorf("report %s: %w", one.file.Name(), err))
		}
	}
	return errors.Join(errs...)
}
