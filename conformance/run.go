// Package conformance runs the specification against an implementation of
// Kubernetes, or of one link of it, and says which link broke which
// requirement.
package conformance

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cucumber/godog"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
)

// Options say what is run against what.
type Options struct {
	// Specification to run; select from it before (specification.Select).
	Specification *specification.Specification
	// Shard of the specification that is run; the zero value is all of it. Runs with the
	// same specification and the same count agree on which of them runs what, and
	// events.Merge makes one run of theirs.
	Shard events.Shard
	// Implementation to check.
	Implementation implementation.Implementation
	// Parallel is how many examples run at the same time; 0 means a sensible
	// number for the implementation.
	Parallel int
	// Clusters is how many clusters of an implementation in real time are started at
	// most: those after the first are for the examples that need a cluster to
	// themselves, which then run while the others do, one on each. 0 means 1.
	Clusters int
	// Seed shuffles the examples; the same seed gives the same order. 0 means
	// the order of the specification.
	Seed int64
	// Timeout ends a wait that has become hopeless; 0 means 60 s, and twice that on a
	// cluster that is not the run's own, which others use too. On an implementation in
	// virtual time it costs nothing.
	Timeout time.Duration
	// Run is the id of the run, which labels all that it creates in a cluster that its
	// scenarios share; empty means a new one.
	Run string
	// Steps registers further sentences, for features of one's own; may be nil.
	Steps func(*godog.ScenarioContext)
	// Testing is needed for an implementation in virtual time: a testing/synctest bubble
	// belongs to a test. RunVirtual provides one in a program that is no test.
	Testing *testing.T
	// Command runs the specification with these options; verdicts name it as the way to
	// run an example again. Empty means podchain verify.
	Command string
	// KeepHistory says of which examples what was observed is kept, besides those that did
	// not pass; nil means of none.
	KeepHistory func(*specification.Example) bool
	// Known says why an example is known to fail; "" if it is not. May be nil.
	Known func(*specification.Example) string
	// Events gets every event, one at a time; may be nil.
	Events func(events.Event)
}

// How many examples run at once on a cluster in real time, where most of them are
// waiting: in a cluster that is not the run's own, fewer, to leave room for others.
const (
	sharedParallel   = 8
	externalParallel = 4
)

// When a wait has become hopeless.
const (
	defaultTimeout  = time.Minute
	externalTimeout = 2 * time.Minute
)

// Run runs the specification and returns the record of the run. The error is for a
// run that did not take place: a step that no sentence matches, a cluster that
// did not start. A cancelled context ends the run early: what was not executed
// could not run.
func Run(ctx context.Context, options Options) (*events.RunRecord, error) {
	if _, virtual := options.Implementation.(implementation.Virtual); virtual && options.Testing == nil {
		return nil, errors.New("an implementation in virtual time needs Options.Testing: see RunVirtual")
	}
	r, err := begin(ctx, options)
	if err != nil {
		return nil, err
	}
	runLanes(schedule(r.order(), r.options.Parallel, r.environment), func(example *specification.Example) {
		rerun := r.options.Command + " --select " + example.Location.String()
		if ctx.Err() != nil {
			r.events.add(execution{example: example, facts: facts{notReached: events.NotReached}}, r.options, rerun)
			return
		}
		r.execute(ctx, r.options.Testing, example, rerun)
	})
	err = r.end()
	return &r.events.record, err
}

// run is a run that has begun.
type run struct {
	options     Options
	environment environment
	events      *eventWriter
	started     time.Time
}

// begin checks the options, fills in what they leave open, reduces the specification to
// the shard, and opens the environment.
func begin(ctx context.Context, options Options) (*run, error) {
	whole := options.Specification
	if err := Check(whole, options.Steps); err != nil {
		return nil, err
	}
	if options.Command == "" {
		options.Command = "podchain verify"
	}
	if options.Shard.Count > 0 {
		if err := CheckShard(options.Shard, whole); err != nil {
			return nil, err
		}
		options.Specification = ofShard(whole, options.Shard)
	}
	environment, err := openEnvironment(ctx, &options)
	if err != nil {
		return nil, err
	}
	r := &run{options: options, environment: environment, events: &eventWriter{sink: options.Events}, started: time.Now()}
	r.events.begin(options, whole, r.started)
	return r, nil
}

// order is the order in which the examples are run.
func (r *run) order() []*specification.Example {
	var all []*specification.Example
	for _, requirement := range r.options.Specification.Requirements {
		all = append(all, requirement.Examples...)
	}
	if seed := r.options.Seed; seed != 0 {
		shuffle := rand.New(rand.NewPCG(uint64(seed), 0))
		shuffle.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
	}
	return all
}

// execute executes an example and returns the verdict on it.
func (r *run) execute(ctx context.Context, t *testing.T, example *specification.Example, rerun string) events.Verdict {
	started := time.Now()
	e := r.environment.run(ctx, t, example)
	if e.seconds == 0 {
		e.seconds = time.Since(started).Seconds()
	}
	return r.events.add(e, r.options, rerun)
}

// end closes the environment.
func (r *run) end() error {
	lag := r.environment.observationLag()
	err := r.environment.close()
	r.events.end(time.Since(r.started), lag, err)
	return err
}
