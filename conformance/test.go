package conformance

import (
	"strings"
	"testing"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/report"
	"github.com/podchain/podchain/conformance/specification"
)

// Test runs the specification as subtests of a Go test: one for each
// requirement, in it one for each scenario or row of an outline. An example that
// is not applicable, or is known to fail and does, is skipped with the reason; one that
// could not run fails, and so does one that passes though it is known to fail.
//
//	func TestConformance(t *testing.T) {
//		whole, err := specification.Load(features.Files)
//		if err != nil {
//			t.Fatal(err)
//		}
//		conformance.Test(t, conformance.Options{Specification: whole, Implementation: mine})
//	}
func Test(t *testing.T, options Options) {
	t.Helper()
	r, err := begin(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.end(); err != nil {
			t.Error(err)
		}
	})
	for _, requirement := range r.options.Specification.Requirements {
		t.Run(requirement.ID, func(t *testing.T) {
			t.Parallel()
			r.test(t, requirement)
		})
	}
}

// test runs the examples of a requirement as subtests.
func (r *run) test(t *testing.T, requirement *specification.Requirement) {
	described := describe(requirement)
	record := &events.RequirementRecord{Requirement: described}
	for i, example := range requirement.Examples {
		t.Run(example.Location.String(), func(t *testing.T) {
			rerun := "go test -run '^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$'"
			scenario := &events.ScenarioRecord{Example: &described.Scenarios[i], Requirement: described,
				Verdict: r.execute(t.Context(), t, example, rerun)}
			record.Scenarios = append(record.Scenarios, scenario)
			switch verdict := scenario.Verdict; verdict.Outcome {
			case events.Passed:
			case events.NotApplicable, events.KnownFailing:
				t.Skip(verdict.Reason)
			default:
				t.Error(report.Tell(scenario))
			}
		})
	}
	if len(record.Scenarios) < len(requirement.Examples) {
		return // -run has selected some of them: the others may fail
	}
	record.MarkStale()
	for _, scenario := range record.Scenarios {
		if scenario.Verdict.Outcome == events.Stale {
			t.Errorf("%s: %s", scenario.Location, scenario.Verdict.Reason)
		}
	}
}
