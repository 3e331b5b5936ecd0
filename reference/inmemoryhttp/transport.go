// Package inmemoryhttp carries HTTP requests to a handler of the same process. What
// a connection does between a client and a server it does without the bytes of
// the protocol: the handler works beside the client, its response streams, and
// either side notices when the other goes. Whoever waits here waits durably in
// the sense of testing/synctest, so a whole cluster can live inside a bubble.
package inmemoryhttp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/implementation/crash"
)

// Transport is a http.RoundTripper whose server is a handler.
type Transport struct {
	handler http.Handler

	// mu guards closed, and requests against being waited for too early.
	mu       sync.Mutex
	closed   bool
	requests sync.WaitGroup
	ctx      context.Context
	close    context.CancelFunc
}

// NewTransport returns a transport that hands requests to the handler until it
// is closed.
func NewTransport(handler http.Handler) *Transport {
	t := &Transport{handler: handler}
	t.ctx, t.close = context.WithCancel(context.Background())
	return t
}

// errClosed is what a client gets whose server has gone before it has answered,
// as from a connection that is cut.
var errClosed = io.ErrUnexpectedEOF

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		closeBody(r)
		return nil, errClosed
	}
	t.requests.Add(1)
	t.mu.Unlock()

	ctx, cancel := context.WithCancel(r.Context())
	x := newExchange(cancel)
	server := context.AfterFunc(t.ctx, cancel)
	either := context.AfterFunc(ctx, x.interrupt)
	crash.Go(func() {
		defer t.requests.Done()
		defer cancel()
		defer either()
		defer server()
		defer closeBody(r)
		x.serve(t.handler, arrived(r.WithContext(ctx)))
	})
	select {
	case <-x.answered:
	case <-ctx.Done():
		// The handler may have answered at the same time, or because of this.
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		<-x.answered // the line is cut or the handler has ended: it answers, or fails
	}
	return x.response(r)
}

// Close cuts every request short and returns when no handler works any more.
// Requests that come later fail.
func (t *Transport) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.close()
	t.requests.Wait()
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close() // it has been read, or nobody will
	}
}

// arrived is the request as a server sees it.
func arrived(r *http.Request) *http.Request {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	r.Host, r.RemoteAddr, r.RequestURI = host, "memory", r.URL.RequestURI()
	r.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	r.Header = r.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	return r
}

// serve has the handler answer, and ends the exchange.
func (x *exchange) serve(handler http.Handler, r *http.Request) {
	complete := false
	defer func() {
		if fault := recover(); fault != nil {
			if err, ok := fault.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(fault)
			}
		}
		x.end(complete && r.Context().Err() == nil)
	}()
	handler.ServeHTTP(x, r)
	complete = true
}

// Config returns a client configuration that goes through the transport.
func Config(transport http.RoundTripper) *rest.Config {
	return &rest.Config{
		Host: "http://memory",
		QPS:  -1,
		ContentConfig: rest.ContentConfig{
			ContentType:        runtime.ContentTypeProtobuf,
			AcceptContentTypes: runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON,
		},
		Transport: transport,
	}
}
