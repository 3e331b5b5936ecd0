package conformance_test

import (
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

// TestMissingLinkIsBlamed leaves out one link after the other: whatever fails
// then is blamed on it, and on no link before it or after it.
func TestMissingLinkIsBlamed(t *testing.T) {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	// A requirement or more for every link.
	some, err := whole.Select([]string{"CHAIN", "STS-01", "DS-01", "GC-01", "NS-01", "NODE-05"})
	require.NoError(t, err)
	for _, link := range chain.AllLinks {
		if !reference.Has(link) {
			continue
		}
		t.Run(string(link), func(t *testing.T) {
			result, err := conformance.Run(t.Context(), conformance.Options{
				Specification:  some,
				Implementation: reference.New(reference.Options{Without: []chain.Link{link}}),
				Testing:        t,
			})
			require.NoError(t, err)
			failures := 0
			for _, requirement := range result.Requirements {
				for _, example := range requirement.Scenarios {
					if example.Verdict.Outcome == events.Passed {
						continue
					}
					failures++
					assert.Equal(t, events.Failed, example.Verdict.Outcome, example.Location)
					assert.Equal(t, link, example.Verdict.Evidence.Blamed, "%s: %s", example.Location, example.Verdict.Evidence.Error)
				}
			}
			assert.Positive(t, failures)
		})
	}
}
