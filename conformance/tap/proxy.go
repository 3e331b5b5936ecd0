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

// Proxy is where one link that is a program reaches the API server: a loopback
// port, behind which the link's tap is. A kubeconfig file that only that program
// has lets it in (WriteKubeconfig).
type Proxy struct {
	// URL of the port.
	URL string

	credentials *kubeconfig.Credentials
	server      *http.Server
	ended       chan error

	mu      sync.Mutex
	awaited chan struct{} // closed at the next request; nil while none is awaited
}

// OpenProxy opens a proxy to the API server that config reaches. A client with the proxy's
// own token speaks as config does, so config may impersonate a user. A request
// that bears another token, such as one of a ServiceAccount, is passed on with
// just that.
func (t *Taps) OpenProxy(link chain.Link, config *rest.Config) (*Proxy, error) {
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
	p := &Proxy{URL: "https://" + listener.Addr().String(), credentials: credentials, ended: make(chan error, 1)}
	pass := reverseProxy(target, t.Through(link, t.TrackInFlight(link, own)), func(r *http.Request) { r.Header.Del("Authorization") })
	passAs := reverseProxy(target, t.Through(link, t.TrackInFlight(link, others)), func(*http.Request) {})
	p.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.Header.Get("Authorization") {
			case "Bearer " + credentials.Token:
				p.asked()
				pass.ServeHTTP(w, r)
			case "":
				http.Error(w, "Unauthorized", http.StatusUnauthorized)
			default:
				p.asked()
				passAs.ServeHTTP(w, r)
			}
		}),
		TLSConfig:         credentials.TLS,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          quiet,
	}
	crash.Go(func() { p.ended <- p.server.ServeTLS(listener, "", "") })
	return p, nil
}

// quiet is for what is no error of this program: another one breaks off.
var quiet = log.New(io.Discard, "", 0)

// reverseProxy passes requests on to the host of the target.
func reverseProxy(target *url.URL, transport http.RoundTripper, change func(*http.Request)) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: target.Scheme, Host: target.Host})
			change(r.Out)
		},
		Transport:     transport,
		FlushInterval: -1, // watches
		ErrorLog:      quiet,
		// Where the API server does not answer, neither does the proxy: its client
		// sees what it would see without.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

// WriteKubeconfig writes the file that lets the program in.
func (p *Proxy) WriteKubeconfig(path string) error {
	return p.credentials.OverwriteKubeconfig(path, p.URL)
}

// NextRequest returns a channel that is closed at the next request.
func (p *Proxy) NextRequest() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awaited = make(chan struct{})
	return p.awaited
}

func (p *Proxy) asked() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.awaited != nil {
		close(p.awaited)
		p.awaited = nil
	}
}

// Close cuts the connections of the program.
func (p *Proxy) Close() error {
	err := p.server.Close()
	if end := <-p.ended; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}
