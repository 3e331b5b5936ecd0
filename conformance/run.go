// Package conformance runs the specification against an implementation of
// Kubernetes, or of one link of it, and says which link broke which
// requirement.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cucumber/godog"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

// Options say what is run against what.
type Options struct {
	// Specification to run; select from it before (specification.Select).
	Specification *specification.Specification
	// Shard of the specification that is run; the zero value is all of it. Runs with the
	// same specification and the same count agree on who runs what, and events.Merge
	// makes one run of theirs.
	Shard events.Shard
	// Implementation to check.
	Implementation implementation.Implementation
	// Parallel is how many examples run at the same time; 0 means a sensible
	// number for the implementation.
	Parallel int
	// Clusters is how many clusters of an implementation in real time are started at
	// most: those after the first are for the examples that run alone, which then run
	// while the others do, one on each. 0 means 1.
	Clusters int
	// Seed shuffles the examples; the same seed gives the same order. 0 means
	// the order of the specification.
	Seed int64
	// Timeout ends a wait that has become hopeless; 0 means 60 s, and twice that on a
	// cluster that is not the run's own, where others are at work too. On an
	// implementation in virtual time it costs nothing.
	Timeout time.Duration
	// Run is the id of the run, which is on all that it makes in a cluster where
	// it is not alone; empty means a new one.
	Run string
	// Steps registers further sentences, for features of one's own; may be nil.
	Steps func(*godog.ScenarioContext)
	// Testing is needed for an implementation in virtual time: a bubble hangs on
	// a test. RunVirtual provides one in a program that is no test.
	Testing *testing.T
	// Command is that which runs the specification so, for who runs an example again;
	// empty means podchain verify.
	Command string
	// KeepHistory says of which examples what was observed is kept, besides those that did
	// not pass; nil means of none.
	KeepHistory func(*specification.Example) bool
	// Known says why an example is known to fail; "" if it is not. May be nil.
	Known func(*specification.Example) string
	// Events is told everything that happens, one event at a time; may be nil.
	Events func(events.Event)
}

// How many examples run at once on a cluster in real time, where most of them are
// waiting: a guest leaves room for others.
const (
	sharedParallel   = 8
	externalParallel = 4
)

// When a wait has become hopeless.
const (
	defaultTimeout  = time.Minute
	externalTimeout = 2 * time.Minute
)

// Run runs the specification and returns what came of it. The error is for a
// run that did not take place: a step that no sentence matches, a cluster that
// did not start. A cancelled context ends the run early: what was not executed
// could not run.
func Run(ctx context.Context, options Options) (*events.RunRecord, error) {
	if _, virtual := options.Implementation.(implementation.Virtual); virtual && options.Testing == nil {
		return nil, errors.New("an implementation in virtual time needs Options.Testing: see RunVirtual")
	}
	whole := options.Specification
	venue, err := prepare(ctx, &options)
	if err != nil {
		return nil, err
	}
	log := &eventWriter{sink: options.Events}
	started := time.Now()
	log.begin(options, whole, started)
	runAll(ctx, options, venue, log)
	lag := venue.observationLag()
	err = venue.close()
	log.end(time.Since(started), lag, err)
	return &log.record, err
}

// prepare checks the options, fills in what they leave open, reduces the specification
// to the shard, and opens the venue.
func prepare(ctx context.Context, options *Options) (environment, error) {
	if err := Check(options.Specification, options.Steps); err != nil {
		return nil, err
	}
	if options.Command == "" {
		options.Command = "podchain verify"
	}
	if options.Shard.Count > 0 {
		if err := CheckShard(options.Shard, options.Specification); err != nil {
			return nil, err
		}
		options.Specification = ofShard(options.Specification, options.Shard)
	}
	return openEnvironment(ctx, options)
}

// runAll executes every example.
func runAll(ctx context.Context, options Options, venue environment, log *eventWriter) {
	var all []*specification.Example
	for _, requirement := range options.Specification.Requirements {
		all = append(all, requirement.Examples...)
	}
	if options.Seed != 0 {
		shuffle := rand.New(rand.NewPCG(uint64(options.Seed), 0))
		shuffle.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
	}
	runLanes(schedule(all, options.Parallel, venue), func(next *specification.Example) {
		if ctx.Err() != nil {
			log.add(notExecuted(next, events.CouldNotRun, events.NotReached), options)
			return
		}
		log.add(timed(ctx, venue, options.Testing, next), options)
	})
}

// timed executes an example, and takes the time where the venue has not.
func timed(ctx context.Context, venue environment, t *testing.T, example *specification.Example) execution {
	started := time.Now()
	p := venue.run(ctx, t, example)
	if p.outcome.Seconds == 0 {
		p.outcome.Seconds = time.Since(started).Seconds()
	}
	return p
}

// Check returns an error that lists every capability that nobody could offer,
// every release of a link that there is not, and every step which no sentence of the vocabulary matches, or more than one,
// each with its place and what to do.
func Check(specification *specification.Specification, further func(*godog.ScenarioContext)) error {
	var faults []error
	told := map[string]bool{}
	for _, requirement := range specification.Requirements {
		for _, example := range requirement.Examples {
			for _, name := range example.Capabilities {
				if !slices.Contains(implementation.Capabilities(), name) && !told[requirement.ID+name] {
					told[requirement.ID+name] = true
					faults = append(faults, fmt.Errorf("%s: @needs-%s: no such capability: there are %s",
						example.Location, name, strings.Join(implementation.Capabilities(), ", ")))
				}
			}
			for _, came := range example.Since {
				if _, err := chain.ParseLink(came.Link); err != nil && !told[requirement.ID+came.Link] {
					told[requirement.ID+came.Link] = true
					faults = append(faults, fmt.Errorf("%s: it is tagged as having come with %s: %w", example.Location, came, err))
				}
			}
			if further != nil {
				continue // godog itself is strict about the steps
			}
			for _, step := range example.Steps {
				found := steps.Match(step.Text)
				if len(found) == 1 || told[step.Location.String()] {
					continue
				}
				told[step.Location.String()] = true
				if len(found) == 0 {
					faults = append(faults, fmt.Errorf("%s: no sentence of the vocabulary matches %q (podchain list --sentences shows them all)", step.Location, step.Text))
					continue
				}
				faults = append(faults, fmt.Errorf("%s: %q is ambiguous: it matches %s and %s", step.Location, step.Text, found[0].Pattern, found[1].Pattern))
			}
		}
	}
	return errors.Join(faults...)
}
