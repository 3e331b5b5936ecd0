package conformance

import (
	"time"

	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
)

// Outcome of an example or a requirement.
type Outcome string

// The outcomes, from best to worst.
const (
	// Passed: executed, and as specified.
	Passed Outcome = "passed"
	// NotApplicable: it needs a capability that the implementation does not
	// offer, or came with a later release than the implementation is of.
	NotApplicable Outcome = "not applicable"
	// CouldNotRun: no verdict was possible, and that is not the
	// implementation's doing as far as can be told.
	CouldNotRun Outcome = "could not run"
	// Failed: executed, and not as specified.
	Failed Outcome = "failed"
)

// ExampleResult is what came of one example.
type ExampleResult struct {
	Example *specification.Example
	Outcome Outcome
	// Reason says in one line why it did not pass.
	Reason string
	// Failure is the story of an example that failed or could not run.
	Failure *Failure
	// Elapsed is wall time.
	Elapsed time.Duration
}

// Failure is the evidence for an example that failed or could not run, taken
// before anything was cleaned up.
type Failure struct {
	// Step that did not hold; nil if it did not come to a step.
	Step *specification.Step
	// Error says what was expected and what was found.
	Error string
	// Blamed is the first link that did not do its part, Missing what it left
	// undone; empty if nothing was left undone.
	Blamed  implementation.Link
	Missing string
	// Observed is the chain as the record shows it at its end.
	Observed []string
	// LastWrites are the last writes that were seen, oldest first.
	LastWrites []string
	// Disturbed are the requests of links that met a fault of the scenario.
	Disturbed []string
}

// RequirementResult is what came of a requirement.
type RequirementResult struct {
	Requirement *specification.Requirement
	Examples    []ExampleResult
}

// Outcome is the worst of the examples', and passed as soon as one passed
// while others were not applicable.
func (r RequirementResult) Outcome() Outcome {
	seen := map[Outcome]bool{}
	for _, example := range r.Examples {
		seen[example.Outcome] = true
	}
	for _, outcome := range []Outcome{Failed, CouldNotRun, Passed, NotApplicable} {
		if seen[outcome] {
			return outcome
		}
	}
	return CouldNotRun
}

// Reason says why the requirement did not pass: that of the first example with
// the requirement's outcome.
func (r RequirementResult) Reason() string {
	outcome := r.Outcome()
	for _, example := range r.Examples {
		if example.Outcome == outcome {
			return example.Reason
		}
	}
	return "nothing was executed"
}

// Elapsed is the wall time of all examples together.
func (r RequirementResult) Elapsed() time.Duration {
	var total time.Duration
	for _, example := range r.Examples {
		total += example.Elapsed
	}
	return total
}

// Result is what came of a run.
type Result struct {
	Implementation implementation.Description
	Specification  *specification.Specification
	// Run is the id of the run; empty where each scenario had a cluster of its own.
	Run     string
	Started time.Time
	Elapsed time.Duration
	Seed    int64
	// Lag is how long after the arrival of what a step waited for the step was
	// decided; nothing in virtual time, where it takes none.
	Lag          history.Summary
	Requirements []RequirementResult
}

// Count returns how many requirements have each outcome.
func (r *Result) Count() map[Outcome]int {
	counts := map[Outcome]int{}
	for _, requirement := range r.Requirements {
		counts[requirement.Outcome()]++
	}
	return counts
}

// ExitStatus is 0 if every requirement passed or is not applicable (and one did
// pass), 1 if one failed, 2 if one could not run or nothing passed.
func (r *Result) ExitStatus() int {
	counts := r.Count()
	switch {
	case counts[Failed] > 0:
		return 1
	case counts[CouldNotRun] > 0 || counts[Passed] == 0:
		return 2
	}
	return 0
}
