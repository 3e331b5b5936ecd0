// Package controllertest gives a controller's test an API server in the
// test's synctest bubble. When all is quiet there (synctest.Wait), what the
// controller does at once is done; what it does after a time comes with time.
package controllertest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/reference/apiserver"
	"github.com/podchain/podchain/reference/apiserver/kinds"
	"github.com/podchain/podchain/reference/inmemoryhttp"
	"github.com/podchain/podchain/reference/store"
)

// World is an API server and clients of it.
type World struct {
	*testing.T
	*clients.Clients
	config *rest.Config
}

// InBubble runs a test in a world of its own.
func InBubble(t *testing.T, test func(w *World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, err := apiserver.New(apiserver.Options{Store: store.NewMemory(), Kinds: kinds.All(), WithoutAdmission: []string{"ServiceAccount"}})
		require.NoError(t, err)
		transport := inmemoryhttp.NewTransport(server)
		t.Cleanup(func() {
			server.Close()
			transport.Close()
		})
		config := inmemoryhttp.Config(transport)
		all, err := clients.New(config)
		require.NoError(t, err)
		test(&World{T: t, Clients: all, config: config})
	})
}

// Tap is between a link and the API server.
type Tap func(request *http.Request, next http.RoundTripper) (*http.Response, error)

// roundTripper makes a function a transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Start runs a link until the test ends, or the returned function is called.
// The tap may be nil.
func (w *World) Start(run func(context.Context, *rest.Config) error, tap Tap) (stop func()) {
	w.Helper()
	config := rest.CopyConfig(w.config)
	if tap != nil {
		config.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) { return tap(r, next) })
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, config) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			assert.NoError(w, <-ended)
		}
	}
	w.Cleanup(stop)
	return stop
}

// Settle returns when nothing is going on, retries and batching included.
func (w *World) Settle() {
	synctest.Wait()
	time.Sleep(time.Second)
	synctest.Wait()
}

// Holding holds back what a watch of the resource delivers, from when hold is set until
// released is closed.
func Holding(resource string, hold *atomic.Bool, released <-chan struct{}) Tap {
	return func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err == nil && r.URL.Query().Get("watch") != "" && strings.HasSuffix(r.URL.Path, "/"+resource) {
			response.Body = heldBody{response.Body, hold, released}
		}
		return response, err
	}
}

// heldBody delivers nothing more once it is on hold, until it is released.
type heldBody struct {
	io.ReadCloser
	hold     *atomic.Bool
	released <-chan struct{}
}

func (b heldBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.hold.Load() {
		<-b.released
	}
	return n, err
}
