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

// eventWriter makes the events of a run, and keeps what they come to.
type eventWriter struct {
	mu     sync.Mutex
	sink   func(events.Event)
	record events.RunRecord
}

func (l *eventWriter) write(event events.Event) {
	if err := l.record.Add(event); err != nil {
		panic(err) // the events of a run are in order
	}
	if l.sink != nil {
		l.sink(event)
	}
}

// begin says what of the whole is run against what.
func (l *eventWriter) begin(options Options, whole *specification.Specification, started time.Time) {
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
	l.write(events.Event{Run: run})
	for _, feature := range whole.Features {
		if slices.ContainsFunc(whole.Requirements, func(r *specification.Requirement) bool { return r.Location.File == feature.Path }) {
			l.write(events.Event{Feature: &events.Feature{Path: feature.Path, Content: feature.Source}})
		}
	}
	shards := assignShards(whole, options.Shard.Count)
	for _, requirement := range whole.Requirements {
		if shard := shards[requirement]; shard != options.Shard.Index {
			l.write(events.Event{OtherShard: &events.OtherShard{Shard: shard, Requirement: describe(requirement)}})
			continue
		}
		l.write(events.Event{Requirement: describe(requirement)})
	}
}

// describe is a requirement as it is written.
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

// add tells all of a performance, and returns what came of it.
func (l *eventWriter) add(p execution, options Options) events.Outcome {
	name := p.example.Location.String()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !p.began.IsZero() {
		l.write(events.Event{Scenario: &events.Scenario{Scenario: name, Began: p.began.UTC()}})
	}
	for i := range p.steps {
		p.steps[i].Scenario = name
		l.write(events.Event{Step: &p.steps[i]})
	}
	for i := range p.writes {
		p.writes[i].Scenario = name
		l.write(events.Event{Write: &p.writes[i]})
	}
	for i := range p.calls {
		p.calls[i].Scenario = name
		l.write(events.Event{Call: &p.calls[i]})
	}
	p.outcome.Scenario = name
	if options.Known != nil {
		p.outcome.MarkKnownFailing(options.Known(p.example))
	}
	if p.outcome.Outcome.NeedsDetail() && p.outcome.Rerun == "" {
		p.outcome.Rerun = options.Command + " --select " + name
	}
	l.write(events.Event{Outcome: &p.outcome})
	return p.outcome
}

// end says how it ended.
func (l *eventWriter) end(elapsed time.Duration, lag history.Summary, err error) {
	end := &events.End{Seconds: elapsed.Seconds()}
	if lag.Count > 0 {
		milliseconds := func(of time.Duration) float64 { return float64(of.Microseconds()) / 1000 }
		end.Lag = &events.Lag{Count: lag.Count, P50: milliseconds(lag.P50), P90: milliseconds(lag.P90),
			P99: milliseconds(lag.P99), Max: milliseconds(lag.Max)}
	}
	if err != nil {
		end.Error = err.Error()
	}
	l.write(events.Event{End: end})
}
