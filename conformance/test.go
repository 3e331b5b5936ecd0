package conformance

import (
	"testing"
)

// Test runs the specification as subtests of a Go test: one for each
// requirement, in it one for each scenario or row of an outline. An example that
// is not applicable is skipped with the reason, one that could not run fails.
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
	venue, err := prepare(t.Context(), &options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := venue.close(); err != nil {
			t.Error(err)
		}
	})
	for _, requirement := range options.Specification.Requirements {
		t.Run(requirement.ID, func(t *testing.T) {
			t.Parallel()
			for _, example := range requirement.Examples {
				t.Run(example.Location.String(), func(t *testing.T) {
					result := venue.run(t.Context(), t, example)
					switch result.Outcome {
					case Passed:
					case NotApplicable:
						t.Skip(result.Reason)
					default:
						t.Error(result.Tell())
					}
				})
			}
		})
	}
}
