package kubernetes

import (
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/podchain/podchain/conformance/children"
)

// logbook has the logs of all programs: one for each file, however many processes print
// into it, one after the other or at once.
type logbook struct {
	mu   sync.Mutex
	logs map[string]*children.Log
}

// open returns the log at the path, of the named program.
func (l *logbook) open(path, program string) (*children.Log, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if log := l.logs[path]; log != nil {
		return log, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	log, err := children.CreateLog(path, program)
	if err != nil {
		return nil, err
	}
	if l.logs == nil {
		l.logs = map[string]*children.Log{}
	}
	l.logs[path] = log
	return log, nil
}

func (l *logbook) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, log := range l.logs {
		errs = append(errs, log.Close())
	}
	clear(l.logs)
	return errors.Join(errs...)
}
