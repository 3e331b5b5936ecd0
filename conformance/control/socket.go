package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/podchain/podchain/conformance/files"
	"github.com/podchain/podchain/conformance/printable"
)

// Socket is a unix socket that clients can connect to, and that Serve answers on.
type Socket struct {
	path     string
	listener *net.UnixListener
	made     fs.FileInfo
}

// Listen makes a unix socket at the path, which only its owner can open. The only thing
// that it replaces is a socket that nothing listens on any more.
func Listen(path string) (*Socket, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if longest := len(syscall.RawSockaddrUnix{}.Path) - 1; len(path) > longest {
		return nil, fmt.Errorf("control socket: %s is too long for a socket: name a path of at most %d bytes", path, longest)
	}
	s := &Socket{path: path}
	// Otherwise two processes could find the same dead socket, and the second one
	// would replace the new socket of the first.
	if err := files.Locked(path, s.listen); err != nil {
		return nil, fmt.Errorf("control socket: %w", printable.File(err))
	}
	return s, nil
}

func (s *Socket) listen() error {
	if err := vacate(s.path); err != nil {
		return err
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.path, Net: "unix"})
	if err != nil {
		return err
	}
	// By its name it would remove what another has put there meanwhile.
	listener.SetUnlinkOnClose(false)
	s.listener = listener
	if s.made, err = os.Lstat(s.path); err == nil {
		err = os.Chmod(s.path, 0o600)
	}
	if err != nil {
		return errors.Join(err, s.close())
	}
	return nil
}

// vacate removes a socket that nothing listens on any more.
func vacate(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there and is not a socket: remove it or name another path", path)
	}
	other, err := net.Dial("unix", path)
	switch {
	case err == nil:
		return errors.Join(fmt.Errorf("%s: address already in use: something listens on it: end that or name another path", path), other.Close())
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s is there, and it is not certain that nothing listens on it: %w", path, err)
	}
	return os.Remove(path)
}

// Close ends a socket that Serve has not been called for, and removes it.
func (s *Socket) Close() error { return errors.Join(s.remove(), s.close()) }

func (s *Socket) close() error { return s.listener.Close() }

// remove removes the socket, unless something else is in its place. As long as it is
// open, no other file can have its identity.
func (s *Socket) remove() error {
	err := files.Locked(s.path, func() error {
		if found, err := os.Lstat(s.path); err != nil || !os.SameFile(found, s.made) {
			return err
		}
		return os.Remove(s.path)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
