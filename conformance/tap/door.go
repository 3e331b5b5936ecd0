package tap

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

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/conformance/kubeconfig"
)

// Door is where one link that is a program reaches the API server: a loopback
// port, behind which the link's tap is. A kubeconfig file that only that program
// has lets it in (WriteKubeconfig).
type Door struct {
	// URL of the port.
	URL string

	credentials *kubeconfig.Access
	server      *http.Server
	ended       chan error

	mu      sync.Mutex
	awaited chan struct{} // closed at the next request; nil: nobody waits for one
}

// Open opens a door to the API server that config reaches. Whoever has the door's
// own token speaks as config does, so config may impersonate a user. A request
// that bears another token, such as one of a ServiceAccount, is passed on with
// just that.
func (t *Taps) Open(link chain.Link, config *rest.Config) (*Door, error) {
	credentials, err := kubeconfig.New()
	if err != nil {
		return nil, err
	}
	own, err := rest.TransportFor(config)
	if err != nil {
		return nil, err
	}
	others, err := rest.TransportFor(rest.AnonymousClientConfig(config))
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
	d := &Door{URL: "https://" + listener.Addr().String(), credentials: credentials, ended: make(chan error, 1)}
	pass := proxy(target, t.Through(link, t.Finish(link, own)), func(r *http.Request) { r.Header.Del("Authorization") })
	passAs := proxy(target, t.Through(link, t.Finish(link, others)), func(*http.Request) {})
	d.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.Header.Get("Authorization") {
			case "Bearer " + credentials.Token:
				d.asked()
				pass.ServeHTTP(w, r)
			case "":
				http.Error(w, "Unauthorized", http.StatusUnauthorized)
			default:
				d.asked()
				passAs.ServeHTTP(w, r)
			}
		}),
		TLSConfig:         credentials.TLS,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          quiet,
	}
	crash.Go(func() { d.ended <- d.server.ServeTLS(listener, "", "") })
	return d, nil
}

// quiet is for what is no error of this program: another one breaks off.
var quiet = log.New(io.Discard, "", 0)

// proxy passes requests on to the host of the target.
func proxy(target *url.URL, transport http.RoundTripper, change func(*http.Request)) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: target.Scheme, Host: target.Host})
			change(r.Out)
		},
		Transport:     transport,
		FlushInterval: -1, // watches
		ErrorLog:      quiet,
		// Where the API server does not answer, neither does the door: its client
		// sees what it would see without.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

// WriteKubeconfig writes the file that lets the program in.
func (d *Door) WriteKubeconfig(path string) error {
	return d.credentials.OverwriteKubeconfig(path, d.URL)
}

// Expect returns what is closed at the next request.
func (d *Door) Expect() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.awaited = make(chan struct{})
	return d.awaited
}

func (d *Door) asked() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.awaited != nil {
		close(d.awaited)
		d.awaited = nil
	}
}

// Close cuts the connections of the program.
func (d *Door) Close() error {
	err := d.server.Close()
	if end := <-d.ended; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}
