package conformance

import (
	"strings"
	"testing"
	"time"

	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/events"
)

// Test runs the specification as subtests of a Go test: one for each
// requirement, in it one for each scenario or row of an outline. An example that
// is not applicable, or fails as is known, is skipped with the reason; one that could not
// run fails, and so does what passes though it is known to fail.
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
	whole := options.Specification
	venue, err := prepare(t.Context(), &options)
	if err != nil {
		t.Fatal(err)
	}
	log := &eventWriter{sink: options.Events}
	started := time.Now()
	log.begin(options, whole, started)
	t.Cleanup(func() {
		lag := venue.observationLag()
		err := venue.close()
		log.end(time.Since(started), lag, err)
		if err != nil {
			t.Error(err)
		}
	})
	for _, requirement := range options.Specification.Requirements {
		all := describe(requirement)
		t.Run(requirement.ID, func(t *testing.T) {
			t.Parallel()
			came := &events.RequirementRecord{Requirement: all}
			for i, example := range requirement.Examples {
				t.Run(example.Location.String(), func(t *testing.T) {
					p := timed(t.Context(), venue, t, example)
					if p.outcome.Outcome.NeedsDetail() {
						p.outcome.Rerun = "go test -run '^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$'"
					}
					record := &events.ScenarioRecord{Example: &all.Scenarios[i], Requirement: all, Outcome: log.add(p, options)}
					came.Scenarios = append(came.Scenarios, record)
					switch outcome := record.Outcome; outcome.Outcome {
					case events.Passed:
					case events.NotApplicable, events.KnownFailing:
						t.Skip(outcome.Reason)
					default:
						t.Error(diagnosis.Tell(record))
					}
				})
			}
			if len(came.Scenarios) < len(requirement.Examples) {
				return // by -run: the rest may fail
			}
			came.MarkStale()
			for _, scenario := range came.Scenarios {
				if scenario.Outcome.Outcome == events.Stale {
					t.Errorf("%s: %s", scenario.Location, scenario.Outcome.Reason)
				}
			}
		})
	}
}
