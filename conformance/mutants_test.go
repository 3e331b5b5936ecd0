package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/mutant"
	"github.com/podchain/podchain/conformance/report"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/reference"
)

// TestMutantsAreBlamed: what a link does wrongly is noticed, and the link is named,
// also where the requirement is about the whole chain.
func TestMutantsAreBlamed(t *testing.T) {
	for _, m := range mutant.All {
		t.Run(m.Name, func(t *testing.T) {
			result, err := conformance.Run(t.Context(), conformance.Options{
				Specification: only(t, m.Notices), Testing: t,
				Implementation: reference.New(reference.Options{Tap: m.Tap}),
			})
			require.NoError(t, err)
			failures := 0
			for _, example := range result.Requirements[0].Scenarios {
				if example.Verdict.Outcome == events.Passed {
					continue
				}
				failures++
				assert.Equal(t, events.Failed, example.Verdict.Outcome, example.Location)
				assert.Equal(t, m.Link, example.Verdict.Evidence.Blamed, report.Tell(example))
			}
			assert.Positive(t, failures, "nobody has noticed")
		})
	}
}

// Every link that the reference has can do something wrongly.
func TestEveryLinkHasAMutant(t *testing.T) {
	wrong := map[chain.Link]bool{}
	for _, m := range mutant.All {
		wrong[m.Link] = true
	}
	for _, link := range chain.AllLinks {
		assert.Equal(t, reference.Has(link), wrong[link], link)
	}
}

func only(t *testing.T, id string) *specification.Specification {
	t.Helper()
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	one, err := whole.Select([]string{id})
	require.NoError(t, err)
	return one
}
