package reference

import (
	"errors"
	"net/http"
	"sync"

	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/reference/inmemoryhttp"
)

// connection is one user's connection to the API server. Every link and every node
// has one of its own, so one can be cut without the others, and when it has
// been cut nothing that its user wrote is still on the way to the store.
type connection struct {
	config *rest.Config

	mu     sync.Mutex
	remote remote // nil while nobody answers
}

// remote is the far end of a connection.
type remote interface {
	http.RoundTripper
	// Close returns when no request is under way that it could have ended.
	Close()
}

// newConnection returns a connection that is not answered yet. Requests go through what tap returns
// before they are sent.
func newConnection(name, token string, tap func(http.RoundTripper) http.RoundTripper) *connection {
	l := &connection{}
	l.config = inmemoryhttp.Config(tap(l))
	l.config.Host = "http://" + name
	l.config.UserAgent = name
	l.config.BearerToken = token
	return l
}

var errStopped = errors.New("the API server is stopped")

// RoundTrip implements http.RoundTripper.
func (l *connection) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	remote := l.remote
	l.mu.Unlock()
	if remote == nil {
		return nil, errStopped
	}
	return remote.RoundTrip(r)
}

// answer has the handler serve the connection's requests.
func (l *connection) answer(handler http.Handler) { l.reach(inmemoryhttp.NewTransport(handler)) }

func (l *connection) reach(remote remote) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remote = remote
}

// cut ends all requests of the connection and returns when the last one has been
// dealt with. The next answer opens it again.
func (l *connection) cut() {
	l.mu.Lock()
	remote := l.remote
	l.remote = nil
	l.mu.Unlock()
	if remote != nil {
		remote.Close()
	}
}
