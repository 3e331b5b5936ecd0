package memory

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// window is how much one direction of a connection holds before the writer
// waits: enough for a burst of watch events, small enough to push back on a
// server whose client does not read.
const window = 64 << 10

// half is one direction of a connection.
type half struct {
	mu       sync.Mutex
	changed  sync.Cond
	buf      []byte // unread bytes are buf[read:]
	read     int
	closed   bool // by the writer: the reader drains, then gets EOF
	broken   bool // by the reader: the writer gets an error
	deadline [2]deadline
}

const (
	reading = iota
	writing
)

// deadline is the reader's or the writer's.
type deadline struct {
	timer   *time.Timer
	expired bool
}

func newHalf() *half {
	h := &half{}
	h.changed.L = &h.mu
	return h
}

func (h *half) Read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.broken:
			return 0, net.ErrClosed
		case h.deadline[reading].expired:
			return 0, os.ErrDeadlineExceeded
		case h.read < len(h.buf):
			n := copy(p, h.buf[h.read:])
			h.read += n
			if h.read == len(h.buf) {
				h.buf, h.read = h.buf[:0], 0
				if cap(h.buf) > window {
					h.buf = nil
				}
			}
			h.changed.Broadcast()
			return n, nil
		case h.closed:
			return 0, io.EOF
		case len(p) == 0:
			return 0, nil
		}
		h.changed.Wait()
	}
}

func (h *half) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	written := 0
	for {
		switch {
		case h.closed, h.broken:
			return written, io.ErrClosedPipe
		case h.deadline[writing].expired:
			return written, os.ErrDeadlineExceeded
		}
		if room := window - (len(h.buf) - h.read); room > 0 {
			n := min(room, len(p))
			h.buf = append(h.buf, p[:n]...)
			p, written = p[n:], written+n
			h.changed.Broadcast()
		}
		if len(p) == 0 {
			return written, nil
		}
		h.changed.Wait()
	}
}

// setDeadline wakes whoever waits when t has come. A zero t means never.
func (h *half) setDeadline(side int, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := &h.deadline[side]
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.expired = false
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		d.expired = true
		h.changed.Broadcast()
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if d.timer == timer { // not replaced meanwhile
			d.expired = true
			h.changed.Broadcast()
		}
	})
	d.timer = timer
}

func (h *half) close(side int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if side == writing {
		h.closed = true
	} else {
		h.broken, h.buf, h.read = true, nil, 0
	}
	if t := h.deadline[side].timer; t != nil {
		t.Stop()
	}
	h.changed.Broadcast()
}

// conn is one end of a connection.
type conn struct {
	in, out *half
	closing func()
}

// pipe returns the two ends of a new connection. onClose is called once, when
// either end is closed.
func pipe(onClose func()) (client, server net.Conn) {
	a, b := newHalf(), newHalf()
	once := sync.OnceFunc(onClose)
	return &conn{in: a, out: b, closing: once}, &conn{in: b, out: a, closing: once}
}

func (c *conn) Read(p []byte) (int, error)  { return c.in.Read(p) }
func (c *conn) Write(p []byte) (int, error) { return c.out.Write(p) }

func (c *conn) Close() error {
	c.in.close(reading)
	c.out.close(writing)
	c.closing()
	return nil
}

func (c *conn) LocalAddr() net.Addr  { return addr{} }
func (c *conn) RemoteAddr() net.Addr { return addr{} }

func (c *conn) SetDeadline(t time.Time) error {
	c.in.setDeadline(reading, t)
	c.out.setDeadline(writing, t)
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(reading, t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(writing, t)
	return nil
}

type addr struct{}

func (addr) Network() string { return "memory" }
func (addr) String() string  { return "memory" }
