package conformance

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/permission"
	"github.com/podchain/podchain/steps"
)

// lastWrites is how many writes the story of a failure shows.
const lastWrites = 12

// facts are what a verdict is made of, and all that it is made of.
type facts struct {
	// notApplicable and notReached say why the example was not executed; lacks are the
	// capabilities for want of which it was not.
	notApplicable, notReached string
	lacks                     []string
	// err is the first error: of the beginning, of a step, or of what the steps owe when
	// the last one has passed. step is the one whose error it is; nil if it is of none.
	err  error
	step *int
	// lost is why the cluster has died, cancelled that the run was ended meanwhile.
	lost      error
	cancelled bool
	// The link that had ended by itself: before the example began, when err was found,
	// and when the cluster was stopped.
	crashedBefore, crashed, crashedAfter crashedLink
	// culprit is the link that the history blames for err, sure that it does so also where
	// the step itself says nothing about the implementation.
	culprit diagnosis.Culprit
	sure    bool
	// evidence was taken when err was found, before anything was cleaned up.
	evidence evidence
	// further errors do not change a verdict other than passed: of keeping what was
	// observed, of cleaning up, of stopping the cluster.
	further []error
}

// evidence is what was observed until the first error.
type evidence struct {
	record              history.Record
	attribution         diagnosis.Attribution
	observed, disturbed []string
}

// crashedLink is a link that ended by itself; the zero value is no link.
type crashedLink struct {
	link chain.Link
	err  error
}

func (c crashedLink) blame() diagnosis.Culprit {
	return diagnosis.Culprit{Link: c.link, Missing: firstLine(c.err.Error())}
}

// decision is a row of the table of verdicts.
type decision struct {
	name    string
	when    func(facts) bool
	outcome events.Outcome
	blame   func(facts) diagnosis.Culprit // nil: no link
}

// decisions on an example: the first row that applies decides.
var decisions = []decision{
	{"not applicable", func(f facts) bool { return f.notApplicable != "" }, events.NotApplicable, nil},
	{"not reached", func(f facts) bool { return f.notReached != "" }, events.CouldNotRun, nil},
	{"the cluster has died", func(f facts) bool { return f.lost != nil }, events.CouldNotRun,
		func(f facts) diagnosis.Culprit {
			return diagnosis.Culprit{Link: chain.APIServer, Missing: firstLine(f.lost.Error())}
		}},
	{"the run was ended", func(f facts) bool { return f.cancelled }, events.CouldNotRun, nil},
	// A panic of the suite says nothing about the implementation.
	{"a panic", func(f facts) bool { return errors.As(f.err, &panicked{}) }, events.CouldNotRun, nil},
	{"a crash before it began", func(f facts) bool { return f.crashedBefore.err != nil }, events.CouldNotRun,
		func(f facts) diagnosis.Culprit { return f.crashedBefore.blame() }},
	// Without an API server there is no cluster.
	{"a crash of the API server", func(f facts) bool { return f.crashed.link.Serves() }, events.CouldNotRun,
		func(f facts) diagnosis.Culprit { return f.crashed.blame() }},
	{"a crash", func(f facts) bool { return f.crashed.err != nil }, events.Failed,
		func(f facts) diagnosis.Culprit { return f.crashed.blame() }},
	{"it never converges", is(history.ErrNotConverging), events.Failed, theCulprit},
	// What is missing in the record may be what is missing in the chain.
	{"a gap in the record", is(history.ErrBroken), events.CouldNotRun, nil},
	{"the account lacks a permission", func(f facts) bool { return permission.Denied(f.err) }, events.CouldNotRun, nil},
	{"a link has not done its part", func(f facts) bool { return f.err != nil && f.sure }, events.Failed, theCulprit},
	{"a step without a verdict", func(f facts) bool { return errors.As(f.err, &steps.CouldNotRun{}) }, events.CouldNotRun, nil},
	{"an error of no step", func(f facts) bool { return f.err != nil && f.step == nil }, events.CouldNotRun, nil},
	{"something is done wrongly", func(f facts) bool { return f.err != nil }, events.Failed, theCulprit},
	{"a crash of the API server at the end", func(f facts) bool { return f.crashedAfter.link.Serves() }, events.CouldNotRun,
		func(f facts) diagnosis.Culprit { return f.crashedAfter.blame() }},
	{"a crash at the end", func(f facts) bool { return f.crashedAfter.err != nil }, events.Failed,
		func(f facts) diagnosis.Culprit { return f.crashedAfter.blame() }},
	{"an error after the last step", func(f facts) bool { return len(f.further) > 0 }, events.CouldNotRun, nil},
	{"passed", func(facts) bool { return true }, events.Passed, nil},
}

func theCulprit(f facts) diagnosis.Culprit { return f.culprit }

func is(target error) func(facts) bool {
	return func(f facts) bool { return errors.Is(f.err, target) }
}

// decide returns the row that applies.
func decide(f facts) decision {
	for _, row := range decisions {
		if row.when(f) {
			return row
		}
	}
	panic("the last row applies always")
}

// verdict on what was executed, or was not.
func (e *execution) verdict() events.Verdict {
	row := decide(e.facts)
	verdict := events.Verdict{Scenario: e.example.Location.String(), Requirement: e.example.Requirement.ID, Outcome: row.outcome, Lacks: e.lacks, Seconds: e.seconds}
	if row.outcome == events.Passed {
		verdict.Transitions = e.transitions
		return verdict
	}
	if verdict.Reason = cmp.Or(e.notApplicable, e.notReached); verdict.Reason != "" {
		return verdict
	}
	var blame diagnosis.Culprit
	if row.blame != nil {
		blame = row.blame(e.facts)
	}
	verdict.Evidence = &events.Evidence{
		Step: e.step, Error: e.message(), Blamed: blame.Link, Missing: blame.Missing,
		Observed: e.evidence.observed, Disturbed: e.evidence.disturbed,
		LastWrites: diagnosis.LastWrites(e.evidence.record, e.evidence.attribution, lastWrites, blame.Link),
	}
	switch {
	case e.cancelled && e.lost == nil:
		verdict.Reason = "the run was ended in the middle of it"
	case blame.Missing != "":
		verdict.Reason = fmt.Sprintf("%s: %s", blame.Link, blame.Missing)
	default:
		verdict.Reason = firstLine(verdict.Evidence.Error)
	}
	return verdict
}

// message is everything that went wrong, in the words of those that found it: first
// what decided.
func (f facts) message() string {
	var parts []string
	add := func(prefix string, err error) {
		if err != nil && !strings.Contains(strings.Join(parts, "\n"), err.Error()) {
			parts = append(parts, prefix+err.Error())
		}
	}
	add("", f.lost)
	add("", f.err)
	add("the scenario could not begin: ", f.crashedBefore.err)
	add("", f.crashed.err)
	if len(parts) == 0 {
		add("all steps held, but a link ended by itself: ", f.crashedAfter.err)
	}
	add("", f.crashedAfter.err)
	for _, err := range f.further {
		if len(parts) == 0 {
			add("", err)
			continue
		}
		add("beside that: ", err)
	}
	return strings.Join(parts, "\n")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
