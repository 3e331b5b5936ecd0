package events

import (
	"errors"
	"fmt"
	"time"
)

// RunRecord is a run as its events tell it. The zero value has seen none.
type RunRecord struct {
	Run Run
	// Features are the files that something was selected of.
	Features []*Feature
	// Requirements in the order of the specification.
	Requirements []*RequirementRecord
	// End is nil if the run was killed, or a shard of it is not there.
	End *End

	scenarios map[string]*ScenarioRecord
	// assigned are all requirements of the run, those of other shards included.
	assigned []OtherShard
}

// RequirementRecord is a requirement and what came of its scenarios.
type RequirementRecord struct {
	*Requirement
	Scenarios []*ScenarioRecord
}

// ScenarioRecord is a scenario and what came of it.
type ScenarioRecord struct {
	*Example
	Requirement *Requirement
	// Began is zero if it was not executed.
	Began time.Time
	// Done are the steps that were executed; Writes and Calls are there if they were
	// kept.
	Done   []Step
	Writes []Write
	Calls  []Call
	// Verdict of one that the run did not come to says so.
	Verdict Verdict
}

// NotReached is the reason of what has no outcome.
const NotReached = "the run was ended before it"

// Add takes in the next event. The error says what is wrong with it, as part of a
// stream.
func (r *RunRecord) Add(event Event) error {
	if event.Run == nil && r.Run.Format == "" {
		return errors.New("it is no stream of a run: it does not begin with the event run")
	}
	switch {
	case event.Run != nil:
		if event.Run.Format != Format {
			return fmt.Errorf("the format is %q, expected %q", event.Run.Format, Format)
		}
		if shard := event.Run.Shard; shard != nil && (shard.Index < 1 || shard.Index > shard.Count) {
			return fmt.Errorf("there is no shard %s", shard)
		}
		r.Run = *event.Run
	case event.Feature != nil:
		r.Features = append(r.Features, event.Feature)
	case event.Requirement != nil:
		r.addRequirement(unexecuted(event.Requirement, NotReached))
		if r.Run.Shard != nil {
			r.assigned = append(r.assigned, OtherShard{r.Run.Shard.Index, event.Requirement})
		}
	case event.OtherShard != nil:
		r.assigned = append(r.assigned, *event.OtherShard)
	case event.End != nil:
		r.End = event.End
		for _, requirement := range r.Requirements {
			requirement.MarkStale()
		}
	case event.Scenario != nil:
		return r.onScenario(event.Scenario.Scenario, func(s *ScenarioRecord) { s.Began = event.Scenario.Began })
	case event.Step != nil:
		return r.onScenario(event.Step.Scenario, func(s *ScenarioRecord) { s.Done = append(s.Done, *event.Step) })
	case event.Write != nil:
		return r.onScenario(event.Write.Scenario, func(s *ScenarioRecord) { s.Writes = append(s.Writes, *event.Write) })
	case event.Call != nil:
		return r.onScenario(event.Call.Scenario, func(s *ScenarioRecord) { s.Calls = append(s.Calls, *event.Call) })
	case event.Verdict != nil:
		return r.onScenario(event.Verdict.Scenario, func(s *ScenarioRecord) { s.Verdict = *event.Verdict })
	}
	return nil // an event of a later minor version
}

// addRequirement adds a requirement with its scenarios.
func (r *RunRecord) addRequirement(record *RequirementRecord) {
	if r.scenarios == nil {
		r.scenarios = map[string]*ScenarioRecord{}
	}
	for _, scenario := range record.Scenarios {
		r.scenarios[scenario.Location.String()] = scenario
	}
	r.Requirements = append(r.Requirements, record)
}

// unexecuted is a requirement without a result yet: the reason says why.
func unexecuted(requirement *Requirement, reason string) *RequirementRecord {
	record := &RequirementRecord{Requirement: requirement}
	for i := range requirement.Scenarios {
		example := &requirement.Scenarios[i]
		record.Scenarios = append(record.Scenarios, &ScenarioRecord{Example: example, Requirement: requirement, Verdict: Verdict{
			Scenario: example.Location.String(), Requirement: requirement.ID, Outcome: CouldNotRun, Reason: reason,
		}})
	}
	return record
}

func (r *RunRecord) onScenario(name string, do func(*ScenarioRecord)) error {
	scenario := r.scenarios[name]
	if scenario == nil {
		return fmt.Errorf("scenario %q is of no requirement of the stream", name)
	}
	do(scenario)
	return nil
}

// MarkStale makes stale what passed and is known to fail, unless something else of the
// requirement that is known to for the same reason did not pass: what is listed together
// need not be mended together.
func (r *RequirementRecord) MarkStale() {
	unmended := map[string]bool{} // by the reason
	for _, scenario := range r.Scenarios {
		if o := scenario.Verdict; o.Outcome == KnownFailing || o.Outcome == CouldNotRun {
			unmended[o.Known] = true
		}
	}
	for _, scenario := range r.Scenarios {
		if o := &scenario.Verdict; o.Outcome == Passed && o.Known != "" && !unmended[o.Known] {
			o.Outcome, o.Reason = Stale, "it passes, and is listed as known to fail: "+o.Known
		}
	}
}

// Outcome is the worst of the scenarios', and passed as soon as one passed while
// others were not applicable.
func (r *RequirementRecord) Outcome() Outcome {
	return r.worst(asItIs)
}

// OutcomeIgnoringKnown is the verdict without a list of what is known to fail.
func (r *RequirementRecord) OutcomeIgnoringKnown() Outcome { return r.worst(Outcome.IgnoringKnown) }

func asItIs(v Outcome) Outcome { return v }

// worst of the scenarios' verdicts, as it sees them.
func (r *RequirementRecord) worst(as func(Outcome) Outcome) Outcome {
	seen := map[Outcome]bool{}
	for _, scenario := range r.Scenarios {
		seen[as(scenario.Verdict.Outcome)] = true
	}
	for _, verdict := range []Outcome{Failed, CouldNotRun, Stale, KnownFailing, Passed, NotApplicable} {
		if seen[verdict] {
			return verdict
		}
	}
	return CouldNotRun
}

// Reason says why the requirement did not pass: that of the first scenario with the
// requirement's verdict.
func (r *RequirementRecord) Reason() string { return r.reason(asItIs) }

// ReasonIgnoringKnown is that of the plain verdict.
func (r *RequirementRecord) ReasonIgnoringKnown() string { return r.reason(Outcome.IgnoringKnown) }

func (r *RequirementRecord) reason(as func(Outcome) Outcome) string {
	verdict := r.worst(as)
	for _, scenario := range r.Scenarios {
		if as(scenario.Verdict.Outcome) == verdict {
			return scenario.Verdict.Reason
		}
	}
	return "nothing was executed"
}

// Seconds of all scenarios together, by a real clock.
func (r *RequirementRecord) Seconds() float64 {
	total := 0.0
	for _, scenario := range r.Scenarios {
		total += scenario.Verdict.Seconds
	}
	return total
}

// Count returns how many requirements have each verdict.
func (r *RunRecord) Count() map[Outcome]int {
	counts := map[Outcome]int{}
	for _, requirement := range r.Requirements {
		counts[requirement.Outcome()]++
	}
	return counts
}

// CountIgnoringKnown returns how many have each verdict without a list of what is known to fail.
func (r *RunRecord) CountIgnoringKnown() map[Outcome]int {
	counts := map[Outcome]int{}
	for _, requirement := range r.Requirements {
		counts[requirement.OutcomeIgnoringKnown()]++
	}
	return counts
}

// ExitStatus is 0 if every requirement passed, is known to fail or is not applicable
// (and something was executed), 1 if one failed or is stale, 2 if one could not run, nothing passed
// or the cluster did not end well.
func (r *RunRecord) ExitStatus() int {
	counts := r.Count()
	switch {
	case counts[Failed] > 0 || counts[Stale] > 0:
		return 1
	case counts[CouldNotRun] > 0 || counts[Passed]+counts[KnownFailing] == 0 || r.End != nil && r.End.Error != "":
		return 2
	}
	return 0
}
