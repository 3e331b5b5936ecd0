package children

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/podchain/podchain/conformance/printable"
)

// LogBound is how large a log becomes at most.
const LogBound = 64 << 20

// Log is a file with what a program prints. When it is full, its middle goes: it keeps
// its first quarter and its last, and says where how much is missing. It is one file in
// the order of what was printed at any time.
type Log struct {
	bound int64
	begin int64 // where what was printed begins: behind the title

	mu      sync.Mutex
	file    *os.File
	size    int64
	cut     int64 // where the middle was; 0 while nothing is missing
	tail    int64 // where what follows it begins
	missing int64
	err     error // the first
}

// Write implements io.Writer. It never fails, as the program is not to notice: what
// cannot be written is lost, and Tail says so.
func (l *Log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for rest := text; len(rest) > 0 && l.err == nil; {
		piece := rest[:min(int64(len(rest)), l.bound/8)]
		if l.size+int64(len(piece)) > l.bound {
			l.err = l.shorten()
		}
		if l.err == nil {
			var n int
			n, l.err = l.file.WriteAt(piece, l.size)
			l.size += int64(n)
		}
		rest = rest[len(piece):]
	}
	return len(text), nil
}

// shorten leaves the middle out.
func (l *Log) shorten() error {
	if l.cut == 0 {
		end, err := l.lineBefore(l.bound / 4)
		if err != nil {
			return err
		}
		l.cut, l.tail = end, end
	}
	keep, err := l.lineBefore(l.size - l.bound/4)
	if err != nil {
		return err
	}
	keep = max(keep, l.tail)
	l.missing += keep - l.tail
	note := fmt.Sprintf("[podchain: %d bytes are missing here: a log is cut at %d bytes]\n", l.missing, l.bound)
	if _, err := l.file.WriteAt([]byte(note), l.cut); err != nil {
		return err
	}
	l.tail = l.cut + int64(len(note))
	if keep < l.tail {
		return errors.New("it is too small to be cut")
	}
	// What is copied lies behind where it goes.
	copied, err := io.Copy(io.NewOffsetWriter(l.file, l.tail), io.NewSectionReader(l.file, keep, l.size-keep))
	if err != nil {
		return err
	}
	l.size = l.tail + copied
	return l.file.Truncate(l.size)
}

// lineBefore returns where the last line that begins before an offset does, unless it is
// very long.
func (l *Log) lineBefore(offset int64) (int64, error) {
	const longest = 4 << 10
	from := max(0, offset-longest)
	text := make([]byte, offset-from)
	if _, err := l.file.ReadAt(text, from); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if end := bytes.LastIndexByte(text, '\n'); end >= 0 {
		return from + int64(end) + 1, nil
	}
	return offset, nil
}

// Tail returns the last bytes, and the error that kept later ones from being there.
func (l *Log) Tail(length int64) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := make([]byte, min(length, l.size-l.begin))
	_, err := l.file.ReadAt(text, l.size-int64(len(text)))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if l.err != nil {
		err = fmt.Errorf("its log is not complete: %w", l.err)
	}
	return text, err
}

const (
	// lastLines and lastBytes bound what an error shows of a log.
	lastLines = 15
	lastBytes = 8 << 10
)

// Last describes the end of the log, for an error.
func (l *Log) Last() string {
	content, err := l.Tail(lastBytes)
	switch {
	case err != nil:
		return err.Error()
	case len(bytes.TrimSpace(content)) == 0:
		return "it printed nothing"
	}
	lines := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	lines = lines[max(0, len(lines)-lastLines):]
	for i, line := range lines {
		lines[i] = "  | " + printable.Line(line)
	}
	return "it printed last:\n" + strings.Join(lines, "\n")
}

// Close closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}

// Pipe has the log take what is written into a pipe, by any process that has it open.
type Pipe struct {
	// Writer is what a command gets as its output: to be closed here when it has it.
	Writer *os.File
	reader *os.File
	done   chan struct{}
	once   sync.Once
	sofar  chan struct{} // closed when all that was there is in the log
}

// Pipe opens one.
func (l *Log) Pipe() (*Pipe, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &Pipe{Writer: writer, reader: reader, done: make(chan struct{}), sofar: make(chan struct{})}
	go func() {
		defer close(p.done)
		defer p.once.Do(func() { close(p.sofar) })
		for {
			_, err := io.Copy(l, onlyReader{reader})
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				return // it is at its end, or was closed
			}
			if err := p.readAll(l); err != nil {
				return
			}
			p.once.Do(func() { close(p.sofar) })
		}
	}()
	return p, nil
}

// onlyReader keeps io.Copy from moving the bytes in the kernel: they are counted here.
type onlyReader struct{ io.Reader }

// readAll takes what is in the pipe, without waiting for more.
func (p *Pipe) readAll(l *Log) error {
	if err := p.reader.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	connection, err := p.reader.SyscallConn()
	if err != nil {
		return err
	}
	buffer := make([]byte, 64<<10)
	return connection.Read(func(descriptor uintptr) bool {
		for {
			n, err := syscall.Read(int(descriptor), buffer)
			if n <= 0 || err != nil && !errors.Is(err, syscall.EINTR) {
				return true
			}
			_, _ = l.Write(buffer[:n]) // which never fails
		}
	})
}

// Drain returns when all that was written so far is in the log. Others may still have
// the pipe open.
func (p *Pipe) Drain() {
	if p.reader.SetReadDeadline(time.Unix(1, 0)) == nil {
		<-p.sofar
	}
}

// Close takes nothing more.
func (p *Pipe) Close() {
	_ = p.reader.Close() // nothing is lost by it
	<-p.done
}
