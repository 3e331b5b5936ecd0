package assembly

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/access"
)

// tap is what one program's requests go through on their way to the API server:
// a loopback port whose kubeconfig file only that program has.
type tap struct {
	server *http.Server
	url    string
	ended  chan error

	mu      sync.Mutex
	awaited chan struct{} // closed at the next request; nil: nobody waits for one
}

// expect returns what is closed at the next request.
func (t *tap) expect() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.awaited = make(chan struct{})
	return t.awaited
}

func (t *tap) asked() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.awaited != nil {
		close(t.awaited)
		t.awaited = nil
	}
}

// openTap listens for a program and passes on what it asks for to the API server
// that the configuration reaches.
func openTap(credentials *access.Access, config *rest.Config) (*tap, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, err
	}
	target, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &tap{url: "https://" + listener.Addr().String(), ended: make(chan error, 1)}
	quiet := log.New(io.Discard, "", 0) // a program that breaks off is no error of this one
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: target.Scheme, Host: target.Host})
			r.Out.Header.Del("Authorization") // the transport has its own
		},
		Transport:     transport,
		FlushInterval: -1, // watches
		ErrorLog:      quiet,
	}
	t.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer "+credentials.Token {
				http.Error(w, "Unauthorized", http.StatusUnauthorized)
				return
			}
			t.asked()
			proxy.ServeHTTP(w, r)
		}),
		TLSConfig:         credentials.TLS,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          quiet,
	}
	go func() { t.ended <- t.server.ServeTLS(listener, "", "") }()
	return t, nil
}

// close cuts the connections of the program.
func (t *tap) close() error {
	err := t.server.Close()
	if end := <-t.ended; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}
