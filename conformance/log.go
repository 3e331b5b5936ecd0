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

// log makes the events of a run, and keeps what they come to.
type log struct {
	mu        sync.Mutex
	told      func(events.Event)
	recording events.Recording
}

func (l *log) tell(event events.Event) {
	if err := l.recording.Take(event); err != nil {
		panic(err) // the events of a run are in order
	}
	if l.told != nil {
		l.told(event)
	}
}

// begin says what of the whole is run against what.
func (l *log) begin(options Options, whole *specification.Specification, started time.Time) {
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
	l.tell(events.Event{Run: run})
	for _, feature := range whole.Features {
		if slices.ContainsFunc(whole.Requirements, func(r *specification.Requirement) bool { return r.Location.File == feature.Path }) {
			l.tell(events.Event{Feature: &events.Feature{Path: feature.Path, Content: feature.Source}})
		}
	}
	shards := deal(whole, options.Shard.Count)
	for _, requirement := range whole.Requirements {
		if shard := shards[requirement]; shard != options.Shard.Index {
			l.tell(events.Event{Elsewhere: &events.Elsewhere{Shard: shard, Requirement: written(requirement)}})
			continue
		}
		l.tell(events.Event{Requirement: written(requirement)})
	}
}

// written is a requirement as it is written.
func written(requirement *specification.Requirement) *events.Requirement {
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

// note tells all of a performance, and returns what came of it.
func (l *log) note(p performance, options Options) events.Outcome {
	name := p.example.Location.String()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !p.began.IsZero() {
		l.tell(events.Event{Scenario: &events.Scenario{Scenario: name, Began: p.began.UTC()}})
	}
	for i := range p.steps {
		p.steps[i].Scenario = name
		l.tell(events.Event{Step: &p.steps[i]})
	}
	for i := range p.writes {
		p.writes[i].Scenario = name
		l.tell(events.Event{Write: &p.writes[i]})
	}
	for i := range p.calls {
		p.calls[i].Scenario = name
		l.tell(events.Event{Call: &p.calls[i]})
	}
	p.outcome.Scenario = name
	if options.Known != nil {
		p.outcome.Expect(options.Known(p.example))
	}
	if p.outcome.Outcome.Told() && p.outcome.Again == "" {
		p.outcome.Again = options.Command + " --select " + name
	}
	l.tell(events.Event{Outcome: &p.outcome})
	return p.outcome
}

// end says how it ended.
func (l *log) end(elapsed time.Duration, lag history.Summary, err error) {
	end := &events.End{Seconds: elapsed.Seconds()}
	if lag.Count > 0 {
		milliseconds := func(of time.Duration) float64 { return float64(of.Microseconds()) / 1000 }
		end.Lag = &events.Lag{Count: lag.Count, P50: milliseconds(lag.P50), P90: milliseconds(lag.P90),
			P99: milliseconds(lag.P99), Max: milliseconds(lag.Max)}
	}
	if err != nil {
		end.Error = err.Error()
	}
	l.tell(events.Event{End: end})
}
