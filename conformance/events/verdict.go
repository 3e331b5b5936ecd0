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
)

// Verdicts are all of them, in the order in which tables show them.
var Verdicts = []Verdict{Passed, Failed, CouldNotRun, NotApplicable}

// Bad says that somebody has to do something about it.
func (v Verdict) Bad() bool { return v == Failed || v == CouldNotRun }
