package reference

import (
	"errors"
	"net/http"
	"sync"

	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/reference/inmemoryhttp"
)

// line is one user's connection to the API server. Every link and every node
// has a line of its own, so one can be cut without the others, and when it has
// been cut nothing that its user wrote is still on the way to the store.
type line struct {
	config *rest.Config

	mu     sync.Mutex
	remote remote // nil while nobody answers
}

// remote is the far end of a line.
type remote interface {
	http.RoundTripper
	// Close returns when no request is under way that it could have ended.
	Close()
}

// newLine returns a line that nobody answers yet. Requests go through what tap returns
// before they are sent.
func newLine(name, token string, tap func(http.RoundTripper) http.RoundTripper) *line {
	l := &line{}
	l.config = inmemoryhttp.Config(tap(l))
	l.config.Host = "http://" + name
	l.config.UserAgent = name
	l.config.BearerToken = token
	return l
}

var errStopped = errors.New("the API server is stopped")

// RoundTrip implements http.RoundTripper.
func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	remote := l.remote
	l.mu.Unlock()
	if remote == nil {
		return nil, errStopped
	}
	return remote.RoundTrip(r)
}

// answer has the handler serve the line's requests.
func (l *line) answer(handler http.Handler) { l.reach(inmemoryhttp.NewTransport(handler)) }

func (l *line) reach(remote remote) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remote = remote
}

// cut ends all requests of the line and returns when the last one has been
// dealt with. The next answer opens the line again.
func (l *line) cut() {
	l.mu.Lock()
	remote := l.remote
	l.remote = nil
	l.mu.Unlock()
	if remote != nil {
		remote.Close()
	}
}
