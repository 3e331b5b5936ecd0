package conformance

import (
	"slices"
	"sync"
	"time"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
)

// eventWriter writes the events of a run, and keeps the record that they make.
type eventWriter struct {
	mu     sync.Mutex
	sink   func(events.Event)
	record events.RunRecord
}

func (w *eventWriter) write(event events.Event) {
	if err := w.record.Add(event); err != nil {
		panic(err) // the events of a run are in order
	}
	if w.sink != nil {
		w.sink(event)
	}
}

// begin writes what is run against what, and which part of the whole it is.
func (w *eventWriter) begin(options Options, whole *specification.Specification, started time.Time) {
	_, virtual := options.Implementation.(implementation.Virtual)
	run := &events.Run{
		Format: events.Format, ID: options.Run, Command: options.Command,
		Implementation: options.Implementation.Describe(),
		Specification:  events.Specification{Digest: options.Specification.Digest, Requirements: len(options.Specification.Requirements)},
		Started:        started.UTC(), Seed: options.Seed, Virtual: virtual,
	}
	if options.Shard.Count > 0 {
		run.Shard = &options.Shard
	}
	for _, requirement := range options.Specification.Requirements {
		run.Specification.Scenarios += len(requirement.Examples)
	}
	w.write(events.Event{Run: run})
	for _, feature := range whole.Features {
		if slices.ContainsFunc(whole.Requirements, func(r *specification.Requirement) bool { return r.Location.File == feature.Path }) {
			w.write(events.Event{Feature: &events.Feature{Path: feature.Path, Content: feature.Source}})
		}
	}
	shards := assignShards(whole, options.Shard.Count)
	for _, requirement := range whole.Requirements {
		if shard := shards[requirement]; shard != options.Shard.Index {
			w.write(events.Event{OtherShard: &events.OtherShard{Shard: shard, Requirement: describe(requirement)}})
			continue
		}
		w.write(events.Event{Requirement: describe(requirement)})
	}
}

// describe returns a requirement as the features state it.
func describe(requirement *specification.Requirement) *events.Requirement {
	all := &events.Requirement{
		ID: requirement.ID, Level: requirement.Level, Link: requirement.Link,
		Sentence: requirement.Sentence, Why: requirement.Why, Location: requirement.Location,
	}
	for _, example := range requirement.Examples {
		one := events.Example{
			Location: example.Location, Name: example.Name,
			Capabilities: example.Capabilities, TimeBased: example.TimeBased, Steps: example.Steps,
		}
		for _, since := range example.Since {
			one.Since = append(one.Since, since.String())
		}
		all.Scenarios = append(all.Scenarios, one)
	}
	return all
}

// add writes all events of an execution, and returns the verdict on it. rerun is the
// command that runs just this example again.
func (w *eventWriter) add(e execution, options Options, rerun string) events.Verdict {
	verdict := e.verdict()
	if options.Known != nil {
		verdict.MarkKnownFailing(options.Known(e.example))
	}
	if verdict.Outcome.NeedsDetail() {
		verdict.Rerun = rerun
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !e.began.IsZero() {
		w.write(events.Event{Scenario: &events.Scenario{Scenario: verdict.Scenario, Began: e.began.UTC()}})
	}
	for i := range e.steps {
		e.steps[i].Scenario = verdict.Scenario
		w.write(events.Event{Step: &e.steps[i]})
	}
	for i := range e.writes {
		e.writes[i].Scenario = verdict.Scenario
		w.write(events.Event{Write: &e.writes[i]})
	}
	for i := range e.calls {
		e.calls[i].Scenario = verdict.Scenario
		w.write(events.Event{Call: &e.calls[i]})
	}
	w.write(events.Event{Verdict: &verdict})
	return verdict
}

// end writes how the run ended.
func (w *eventWriter) end(elapsed time.Duration, lag history.Summary, err error) {
	end := &events.End{Seconds: elapsed.Seconds()}
	if lag.Count > 0 {
		milliseconds := func(of time.Duration) float64 { return float64(of.Microseconds()) / 1000 }
		end.Lag = &events.Lag{Count: lag.Count, P50: milliseconds(lag.P50), P90: milliseconds(lag.P90),
			P99: milliseconds(lag.P99), Max: milliseconds(lag.Max)}
	}
	if err != nil {
		end.Error = err.Error()
	}
	w.write(events.Event{End: end})
}
