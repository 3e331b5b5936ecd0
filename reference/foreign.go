package reference

import (
	"net/http"

	"k8s.io/client-go/rest"
)

// foreign is an API server that is not the cluster's own: who has started it stops
// it, and what is under way to it ends there.
type foreign struct {
	http.RoundTripper
	host    string
	content rest.ContentConfig
}

func newForeign(config *rest.Config) (*foreign, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, err
	}
	url, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	return &foreign{transport, url.String(), config.ContentConfig}, nil
}

// answer has the foreign API server serve the line's requests.
func (f *foreign) answer(l *line) {
	l.config.Host, l.config.ContentConfig, l.config.BearerToken = f.host, f.content, ""
	l.reach(f)
}

// Close implements remote. Nobody waits for what a link has sent: see tap.Taps.Idle.
func (f *foreign) Close() {}
