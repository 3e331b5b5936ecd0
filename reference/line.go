package reference

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/reference/memory"
)

// line is one user's connection to the API server: a listener in memory, an
// HTTP server behind it, and the transport that dials it. Every link and every
// node has a line of its own, so one can be cut without the others, and when it
// has been cut nothing that its user wrote is still on the way to the store.
type line struct {
	config  *rest.Config
	dialing *http.Transport

	mu     sync.Mutex
	remote *remote // nil while nobody answers
}

// remote is the API server's end of a line, from one start of the API server
// to its stop.
type remote struct {
	listener    *memory.Listener
	server      *http.Server
	accepting   chan struct{}
	connections sync.WaitGroup
}

// newLine returns a line that nobody answers yet. Requests go through tap, where
// there is one, before they are sent.
func newLine(name, token string, tap func(http.RoundTripper) http.RoundTripper) *line {
	l := &line{}
	l.dialing = &http.Transport{
		DialContext: l.dial,
		// A controller's workers write side by side. With the default of 2, all
		// but two of them would dial anew for every request.
		MaxIdleConnsPerHost: 64,
		// Nothing is gained by compressing a copy from memory to memory.
		DisableCompression: true,
	}
	var transport http.RoundTripper = l.dialing
	if tap != nil {
		transport = tap(transport)
	}
	l.config = &rest.Config{
		Host:        "http://" + name,
		UserAgent:   name,
		BearerToken: token,
		Transport:   transport,
		QPS:         -1,
		ContentConfig: rest.ContentConfig{
			ContentType:        runtime.ContentTypeProtobuf,
			AcceptContentTypes: runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON,
		},
	}
	return l
}

func (l *line) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	l.mu.Lock()
	remote := l.remote
	l.mu.Unlock()
	if remote == nil {
		return nil, errors.New("the API server is stopped")
	}
	return remote.listener.Dial(ctx)
}

// answer has the handler serve the line's requests.
func (l *line) answer(handler http.Handler) {
	r := &remote{listener: memory.Listen(), accepting: make(chan struct{})}
	r.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				r.connections.Add(1)
			case http.StateClosed, http.StateHijacked:
				r.connections.Done()
			}
		},
	}
	go func() {
		defer close(r.accepting)
		if err := r.server.Serve(r.listener); !errors.Is(err, http.ErrServerClosed) {
			// A listener in memory fails only when it is closed, and only the
			// server closes it.
			panic(fmt.Sprintf("API server: %v", err))
		}
	}()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remote = r
}

// cut ends all connections of the line and returns when the last request that
// came over it has been dealt with. The next answer opens it again.
func (l *line) cut() {
	l.mu.Lock()
	remote := l.remote
	l.remote = nil
	l.mu.Unlock()
	if remote == nil {
		return
	}
	// The listener closes the connections that it accepted as well, those that
	// the server has yet to learn of included, and never fails to.
	_ = remote.server.Close()
	<-remote.accepting
	remote.connections.Wait()
	l.dialing.CloseIdleConnections()
}
