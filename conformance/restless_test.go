package conformance_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/reference"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A link that writes over and over keeps virtual time from passing, so that no
// timeout would ever end its scenario. It fails, and the link is named.
func TestLinkThatNeverRests(t *testing.T) {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	one, err := whole.Select([]string{"DEPLOY-01"})
	require.NoError(t, err)
	var count atomic.Int64
	result, err := conformance.Run(t.Context(), conformance.Options{
		Specification: one, Testing: t, Parallel: 1,
		Implementation: reference.New(reference.Options{
			Tap: func(link chain.Link, next http.RoundTripper) http.RoundTripper {
				if link != chain.DeploymentController {
					return next
				}
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					response, err := next.RoundTrip(r)
					if err == nil && strings.Contains(r.URL.Path, "/replicasets") && r.Method != http.MethodGet {
						disturb(t, next, r, strconv.FormatInt(count.Add(1), 10))
					}
					return response, err
				})
			},
		}),
	})
	require.NoError(t, err)
	require.Len(t, result.Requirements, 1)
	for _, example := range result.Requirements[0].Scenarios {
		assert.Equal(t, events.Failed, example.Verdict.Outcome)
		assert.Equal(t, chain.DeploymentController, example.Verdict.Evidence.Blamed)
		assert.Contains(t, example.Verdict.Reason, "deployment-controller: it does not come to rest: ")
		assert.Contains(t, example.Verdict.Evidence.Error, "the objects change without end")
	}
}

// disturb changes the Deployment, so that its controller has something to do
// again.
func disturb(t *testing.T, next http.RoundTripper, r *http.Request, value string) {
	collection, _, _ := strings.Cut(r.URL.Path, "/replicasets")
	patch, err := http.NewRequestWithContext(r.Context(), http.MethodPatch, "http://api"+collection+"/deployments/web",
		strings.NewReader(`{"metadata":{"annotations":{"example.com/count":"`+value+`"}}}`))
	assert.NoError(t, err)
	patch.Header.Set("Content-Type", "application/merge-patch+json")
	patch.Header.Set("User-Agent", string(chain.DeploymentController))
	if response, err := next.RoundTrip(patch); err == nil { // else the cluster is being stopped
		assert.NoError(t, response.Body.Close())
	}
}
