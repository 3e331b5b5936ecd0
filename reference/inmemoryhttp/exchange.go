package inmemoryhttp

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// window is how much of a response that streams waits for its reader before the
// handler does: enough for a burst of watch events, small enough to push back
// on a handler whose client does not read.
const window = 64 << 10

// exchange is one request's response on its way: the handler's
// http.ResponseWriter and the client's body.
//
// A response that the handler does not flush is answered when it is complete,
// with its length.
type exchange struct {
	// abort tells the handler that its client has gone, or its server.
	abort context.CancelFunc
	// answered is closed when the client can have status and header.
	answered chan struct{}
	header   http.Header // the handler's

	mu      sync.Mutex
	changed sync.Cond
	status  int         // 0 until the header is written
	sent    http.Header // as it was then
	flushed bool
	ended   bool // by the handler
	failed  bool // it ended in the middle
	closed  bool // by the client
	cut     bool // one of the two has gone
	buf     []byte
	read    int // buf[read:] is still to be read
}

func newExchange(abort context.CancelFunc) *exchange {
	x := &exchange{abort: abort, answered: make(chan struct{}), header: http.Header{}}
	x.changed.L = &x.mu
	return x
}

// Header implements http.ResponseWriter.
func (x *exchange) Header() http.Header { return x.header }

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(status int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.writeHeader(status)
}

func (x *exchange) writeHeader(status int) {
	if x.status == 0 {
		x.status, x.sent = status, x.header.Clone()
	}
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.writeHeader(http.StatusOK)
	written := 0
	for {
		if x.closed || x.cut {
			return written, io.ErrClosedPipe
		}
		room := len(p)
		if x.flushed {
			room = min(room, window-(len(x.buf)-x.read))
		}
		if room > 0 {
			x.buf = append(x.buf, p[:room]...)
			p, written = p[room:], written+room
			x.changed.Broadcast()
		}
		if len(p) == 0 {
			return written, nil
		}
		x.changed.Wait()
	}
}

// FlushError implements what http.ResponseController looks for.
func (x *exchange) FlushError() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed || x.cut {
		return io.ErrClosedPipe
	}
	x.writeHeader(http.StatusOK)
	if !x.flushed {
		x.flushed = true
		close(x.answered)
	}
	return nil
}

// interrupt has the handler's writes fail.
func (x *exchange) interrupt() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.cut = true
	x.changed.Broadcast()
}

// end is called when the handler has ended; complete says that all of the
// response is there.
func (x *exchange) end(complete bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended, x.failed = true, !complete
	if complete {
		x.writeHeader(http.StatusOK)
	}
	if !x.flushed {
		close(x.answered)
	}
	x.changed.Broadcast()
}

// response is what the client gets once the exchange is answered.
func (x *exchange) response(r *http.Request) (*http.Response, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.failed && !x.flushed {
		return nil, errClosed
	}
	length := int64(-1)
	if given, err := strconv.ParseInt(x.sent.Get("Content-Length"), 10, 64); err == nil {
		length = given
	} else if x.ended && !x.flushed {
		length = int64(len(x.buf))
	}
	if len(x.sent["Content-Type"]) == 0 && len(x.buf) > 0 {
		x.sent.Set("Content-Type", http.DetectContentType(x.buf))
	}
	response := &http.Response{
		Status:     strconv.Itoa(x.status) + " " + http.StatusText(x.status),
		StatusCode: x.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        x.sent,
		ContentLength: length,
		Body:          body{x},
		Request:       r,
	}
	if r.Method == http.MethodHead {
		response.Body = http.NoBody
	}
	return response, nil
}

// body is the client's side of an exchange.
type body struct{ *exchange }

// Read implements io.Reader.
func (b body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		switch {
		case b.closed:
			return 0, http.ErrBodyReadAfterClose
		case b.read < len(b.buf):
			n := copy(p, b.buf[b.read:])
			if b.read += n; b.read == len(b.buf) {
				b.buf, b.read = b.buf[:0], 0
				if cap(b.buf) > window {
					b.buf = nil
				}
			}
			b.changed.Broadcast()
			return n, nil
		case b.failed:
			return 0, errClosed
		case b.ended:
			return 0, io.EOF
		case len(p) == 0:
			return 0, nil
		}
		b.changed.Wait()
	}
}

// Close implements io.Closer. It tells the handler that nobody reads any more.
func (b body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.buf = true, nil
	b.read = 0
	b.changed.Broadcast()
	b.abort()
	return nil
}
