// Package memory connects HTTP clients and servers of one process without
// sockets, so that a whole cluster can live inside a testing/synctest bubble:
// a goroutine that waits for such a connection waits durably.
package memory

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
)

// Listener is a net.Listener whose connections live in memory.
type Listener struct {
	incoming chan net.Conn
	done     chan struct{}

	mu    sync.Mutex
	open  map[net.Conn]struct{} // clients' ends
	ended bool
}

// Listen returns a listener that accepts what Dial offers.
func Listen() *Listener {
	return &Listener{
		incoming: make(chan net.Conn),
		done:     make(chan struct{}),
		open:     map[net.Conn]struct{}{},
	}
}

// Dial returns the client's end of a new connection once it is accepted.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	var client, server net.Conn
	client, server = pipe(func() { l.forget(client) })
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return nil, net.ErrClosed
	}
	l.open[client] = struct{}{}
	l.mu.Unlock()
	select {
	case l.incoming <- server:
		return client, nil
	case <-l.done:
		client.Close()
		return nil, net.ErrClosed
	case <-ctx.Done():
		client.Close()
		return nil, ctx.Err()
	}
}

func (l *Listener) forget(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Unlike a socket's it also closes the
// connections, idle ones included, so that no goroutine of a client outlives
// the server.
func (l *Listener) Close() error {
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return nil
	}
	l.ended = true
	close(l.done)
	open := l.open
	l.open = nil
	l.mu.Unlock()
	for c := range open {
		c.Close()
	}
	return nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return addr{} }

// Config returns a client configuration that reaches the server behind l. Every
// call returns one with a transport of its own: client-go keeps transports that
// it makes itself in a global cache, which a bubble could not leave.
func Config(l *Listener) *rest.Config {
	return &rest.Config{
		Host: "http://" + addr{}.String(),
		QPS:  -1,
		ContentConfig: rest.ContentConfig{
			ContentType:        runtime.ContentTypeProtobuf,
			AcceptContentTypes: runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON,
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return l.Dial(ctx)
			},
			// One connection per request in flight, kept for the next one.
			MaxIdleConnsPerHost: 1000,
			IdleConnTimeout:     90 * time.Second,
			// Nothing is gained by compressing a copy from memory to memory.
			DisableCompression: true,
		},
	}
}
