package events

// Outcome on a scenario or a requirement.
type Outcome string

// The verdicts, from best to worst.
const (
	// Passed: executed, and as specified.
	Passed Outcome = "passed"
	// NotApplicable: it needs a capability that the implementation does not
	// offer, or came with a later release than the implementation is of.
	NotApplicable Outcome = "not applicable"
	// CouldNotRun: no verdict was possible, for a reason that is not the
	// implementation's as far as is known.
	CouldNotRun Outcome = "could not run"
	// Failed: executed, and not as specified.
	Failed Outcome = "failed"
	// KnownFailing: it failed, and is on the list of what is known to.
	KnownFailing Outcome = "known failing"
	// Stale: it passed, and is on that list, as all that the requirement has there for the
	// same reason: the list is to be put right.
	Stale Outcome = "stale"
)

// Outcomes are those of a run without a list of known failures, in the order of tables.
var Outcomes = []Outcome{Passed, Failed, CouldNotRun, NotApplicable}

// IgnoringKnown is the verdict as it is without a list of what is known to fail.
func (v Outcome) IgnoringKnown() Outcome {
	switch v {
	case KnownFailing:
		return Failed
	case Stale:
		return Passed
	}
	return v
}

// Bad says that it needs attention.
func (v Outcome) Bad() bool { return v == Failed || v == CouldNotRun || v == Stale }

// NeedsDetail says that reports explain it.
func (v Outcome) NeedsDetail() bool { return v.Bad() || v == KnownFailing }
