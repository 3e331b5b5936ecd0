// Package files writes files so that nothing else is lost: what was there before stays
// until what replaces it is whole, links are followed rather than replaced, and of
// several processes one at a time replaces what a dead one has left.
package files

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// mostLinks is how many symbolic links are followed: as many as Linux does.
const mostLinks = 40

// Target is the absolute path of the file that a path leads to when all symbolic links
// are followed. The file need not be there; its directory has to be.
func Target(path string) (string, error) {
	at, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for range mostLinks {
		directory, err := filepath.EvalSymlinks(filepath.Dir(at))
		if err != nil {
			return "", err
		}
		at = filepath.Join(directory, filepath.Base(at))
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().Type() != fs.ModeSymlink {
			return at, nil
		}
		link, err := os.Readlink(at)
		if err != nil {
			return "", err
		}
		if at = link; !filepath.IsAbs(link) {
			at = filepath.Join(directory, link)
		}
	}
	return "", fmt.Errorf("%s: too many symbolic links", path)
}

// Check returns why Replace could not replace what is at the path, and leaves no trace.
func Check(path string) error {
	target, err := Target(path)
	if err != nil {
		return err
	}
	// A file that may not be written to is not to be replaced either.
	switch file, err := os.OpenFile(target, os.O_WRONLY, 0); {
	case err == nil:
		if err := file.Close(); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	file, err := beside(target, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// Replace puts what write writes at the path, whole or not at all: on an error, what was
// there stays. A file that is there keeps its mode; a new one gets the given one, as far
// as the umask allows.
func Replace(path string, mode fs.FileMode, write func(io.Writer) error) (err error) {
	target, err := Target(path)
	if err != nil {
		return err
	}
	file, err := beside(target, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	if err := errors.Join(fill(file, target, write), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), target)
}

// fill writes the file that is to replace the target.
func fill(file *os.File, target string, write func(io.Writer) error) error {
	if err := write(file); err != nil {
		return err
	}
	if old, err := os.Stat(target); err == nil {
		if err := file.Chmod(old.Mode().Perm()); err != nil {
			return err
		}
	}
	// A file system may say only now that it is full.
	return file.Sync()
}

// beside makes a file in the directory of the target.
func beside(target string, mode fs.FileMode) (*os.File, error) {
	name := fmt.Sprintf(".%.200s.%s", filepath.Base(target), rand.Text())
	return os.OpenFile(filepath.Join(filepath.Dir(target), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
}

// Locked does something about the file at a path while no other process does the like in
// its directory.
func Locked(path string, do func() error) (err error) {
	directory, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, directory.Close()) }()
	for {
		err = syscall.Flock(int(directory.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	// Some network file systems lock no directories: there it is done without.
	if err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EBADF) && !errors.Is(err, syscall.ENOLCK) {
		return fmt.Errorf("lock %s: %w", directory.Name(), err)
	}
	return do()
}
