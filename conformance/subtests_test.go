package conformance_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/reference"
)

// A Go test tells the events of its run, so that every report can be made of it.
func TestTestTellsEvents(t *testing.T) {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	selected, err := whole.Select([]string{"RS-05", "STORE-01"})
	require.NoError(t, err)
	var told bytes.Buffer
	stream := events.NewStream(&told)
	options := conformance.Options{Specification: selected, Implementation: reference.New(reference.Options{})}
	t.Run("", func(t *testing.T) {
		options := options
		options.Events = stream.Add
		conformance.Test(t, options)
	})
	require.NoError(t, stream.Err())
	run, err := events.Read(&told)
	require.NoError(t, err)
	require.NotNil(t, run.End)
	assert.Equal(t, "podchain verify", run.Run.Command)

	options.Testing = t
	want, err := conformance.Run(t.Context(), options)
	require.NoError(t, err)
	assert.Equal(t, map[events.Outcome]int{events.Passed: 1, events.NotApplicable: 1}, run.Count())
	assert.Empty(t, cmp.Diff(outcomes(want), outcomes(run)))
}

// What is known to fail does not fail a Go test, and its events tell it.
func TestTestKnowsWhatFails(t *testing.T) {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	selected, err := whole.Select([]string{"RS-07"})
	require.NoError(t, err)
	var told []events.Verdict
	t.Run("", func(t *testing.T) {
		conformance.Test(t, conformance.Options{
			Specification:  selected,
			Implementation: reference.New(reference.Options{Without: []chain.Link{chain.Scheduler}}),
			Known:          func(*specification.Example) string { return "there is no scheduler" },
			Events: func(event events.Event) {
				if event.Verdict != nil {
					told = append(told, *event.Verdict)
				}
			},
		})
	})
	require.Len(t, told, len(selected.Requirements[0].Examples))
	for _, outcome := range told {
		assert.Equal(t, events.KnownFailing, outcome.Outcome)
		assert.Contains(t, outcome.Reason, "there is no scheduler: scheduler: ")
		assert.NotEmpty(t, outcome.Rerun)
	}
}

// outcomes of the scenarios, without how long they and the steps of the chain took.
func outcomes(run *events.RunRecord) (all []events.Verdict) {
	for _, requirement := range run.Requirements {
		for _, scenario := range requirement.Scenarios {
			outcome := scenario.Verdict
			outcome.Seconds, outcome.Transitions = 0, nil
			all = append(all, outcome)
		}
	}
	return all
}
