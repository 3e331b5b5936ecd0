package tap_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/conformance/tap"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A write that panics on its way is its link's panic, and under way no more.
func TestPanicOfAWrite(t *testing.T) {
	taps := tap.New()
	told := make(chan *crash.Panic, 1)
	d := crash.NewDomain(func(p *crash.Panic) { told <- p })
	defer d.Close()
	through := taps.Through(link, taps.TrackInFlight(link, roundTripper(func(*http.Request) (*http.Response, error) { panic("boom") })))
	d.Do(func() {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://localhost/api/v1/nodes/a", strings.NewReader("{}"))
		require.NoError(t, err)
		response, err := through.RoundTrip(request)
		if err == nil {
			require.NoError(t, response.Body.Close())
		}
		require.ErrorContains(t, err, "panic")
		require.NoError(t, taps.Idle(t.Context(), link))
	})
	assert.Equal(t, "boom", (<-told).Value)
}
