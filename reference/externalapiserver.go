package reference

import (
	"net/http"

	"k8s.io/client-go/rest"
)

// externalAPIServer is an API server that is not the cluster's own: its starter stops
// it, and what is under way to it ends there.
type externalAPIServer struct {
	http.RoundTripper
	host    string
	content rest.ContentConfig
}

func newExternalAPIServer(config *rest.Config) (*externalAPIServer, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, err
	}
	url, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	return &externalAPIServer{transport, url.String(), config.ContentConfig}, nil
}

// answer has the API server serve the connection's requests.
func (f *externalAPIServer) answer(l *connection) {
	l.config.Host, l.config.ContentConfig, l.config.BearerToken = f.host, f.content, ""
	l.reach(f)
}

// Close implements remote. What a link has sent may still be under way: the suite waits for that.
func (f *externalAPIServer) Close() {}
