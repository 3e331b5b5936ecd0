package children

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// title is how the first line of a log begins, which says whose file it is.
const title = "# podchain: what "

// ErrNotOurs says that the file to be replaced by a log is not one of podchain's logs.
var ErrNotOurs = errors.New("it is not a log of podchain: move it away, or name another directory for the logs")

// errInUse says that another run is writing the log.
var errInUse = errors.New("another run of podchain is writing it: name another directory for the logs")

// CreateLog makes the file anew, for what a program prints; the program's name is in its
// title. The log of an earlier run it replaces; any other file, and one that another run
// is writing, is left as it is.
func CreateLog(path, program string) (*Log, error) { return createLog(path, program, LogBound) }

func createLog(path, program string, bound int64) (*Log, error) {
	if err := replaceable(path); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	l := &Log{bound: bound, file: file}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(&fs.PathError{Op: "lock", Path: path, Err: err}, file.Close())
	}
	n, err := fmt.Fprintf(file, "%s%s prints\n", title, program)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	l.begin, l.size = int64(n), int64(n)
	return l, nil
}

// CheckLogs returns an error for the files of a directory that match a pattern of
// filepath.Match and that CreateLog would refuse.
func CheckLogs(directory string, patterns ...string) error {
	var errs []error
	for _, pattern := range patterns {
		found, err := fs.Glob(os.DirFS(directory), pattern)
		if err != nil {
			return fmt.Errorf("%s: %w", pattern, err)
		}
		for _, file := range found {
			errs = append(errs, replaceable(filepath.Join(directory, file)))
		}
	}
	return errors.Join(errs...)
}

// replaceable returns nil if the file at the path may be overwritten.
func replaceable(path string) error {
	refused := func(err error) error { return &fs.PathError{Op: "write the log", Path: path, Err: err} }
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return refused(ErrNotOurs)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // nothing is lost by it
	begin := make([]byte, len(title))
	n, err := io.ReadFull(file, begin)
	switch {
	case errors.Is(err, io.EOF): // it is empty
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case !bytes.Equal(begin[:n], []byte(title)):
		return refused(ErrNotOurs)
	}
	if syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil {
		return refused(errInUse)
	}
	return nil
}
