package conformance

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

// mortal is a cluster whose API server is away until a time, and may have crashed.
type mortal struct {
	back  time.Time
	crash error
}

func (m *mortal) Config() *rest.Config { return &rest.Config{Host: "http://mortal", Transport: m} }

func (m *mortal) Stop(context.Context) error { return nil }

func (m *mortal) Crashed() (chain.Link, error) { return chain.APIServer, m.crash }

func (m *mortal) StopLink(context.Context, chain.Link) error  { return nil }
func (m *mortal) StartLink(context.Context, chain.Link) error { return nil }

func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	if time.Now().Before(m.back) {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// A cluster has died when it crashes, or stays away without having been stopped.
func TestLifeline(t *testing.T) {
	for name, c := range map[string]struct {
		away    time.Duration
		crash   error
		stopped bool
		says    string // "": it lives
		within  time.Duration
	}{
		"it is there":               {},
		"it is started again":       {away: 8 * time.Second, within: 9 * time.Second},
		"it is gone":                {away: time.Hour, says: "the cluster stopped answering: ", within: 11 * time.Second},
		"it crashes":                {away: time.Hour, crash: errors.New("killed"), says: "the cluster has died: killed"},
		"a scenario has stopped it": {away: time.Hour, stopped: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				line := newLifeline(&mortal{back: time.Now().Add(c.away), crash: c.crash})
				links, offered := implementation.As[implementation.Links](line)
				require.True(t, offered)
				if c.stopped {
					require.NoError(t, links.StopLink(t.Context(), chain.APIServer))
				}
				client, err := rest.HTTPClientFor(line.Config())
				require.NoError(t, err)
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://mortal/", http.NoBody)
				require.NoError(t, err)
				response, err := client.Do(request)
				assert.Equal(t, c.away > 0, err != nil)
				if err == nil {
					assert.NoError(t, response.Body.Close())
				}
				began := time.Now()
				lost := line.decided()
				assert.LessOrEqual(t, time.Since(began), c.within)
				if c.says == "" {
					assert.NoError(t, lost)
				} else {
					assert.ErrorContains(t, lost, c.says)
					assert.Error(t, line.alive.Err(), "scenarios that run on it are broken off")
				}
				line.close()
			})
		})
	}
}
