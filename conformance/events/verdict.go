package events

// Verdict on a scenario or a requirement.
type Verdict string

// The verdicts, from best to worst.
const (
	// Passed: executed, and as specified.
	Passed Verdict = "passed"
	// NotApplicable: it needs a capability that the implementation does not
	// offer, or came with a later release than the implementation is of.
	NotApplicable Verdict = "not applicable"
	// CouldNotRun: no verdict was possible, and that is not the
	// implementation's doing as far as can be told.
	CouldNotRun Verdict = "could not run"
	// Failed: executed, and not as specified.
	Failed Verdict = "failed"
	// KnownFailing: it failed, and is on the list of what is known to.
	KnownFailing Verdict = "known failing"
	// Stale: it passed, and is on that list, as all that the requirement has there for the
	// same reason: the list is to be put right.
	Stale Verdict = "stale"
)

// Verdicts are those that there are without a list, in the order in which tables show
// them.
var Verdicts = []Verdict{Passed, Failed, CouldNotRun, NotApplicable}

// IgnoringKnown is the verdict as it is without a list of what is known to fail.
func (v Verdict) IgnoringKnown() Verdict {
	switch v {
	case KnownFailing:
		return Failed
	case Stale:
		return Passed
	}
	return v
}

// Bad says that somebody has to do something about it.
func (v Verdict) Bad() bool { return v == Failed || v == CouldNotRun || v == Stale }

// NeedsDetail says that there is more to tell of it than the verdict.
func (v Verdict) NeedsDetail() bool { return v.Bad() || v == KnownFailing }
