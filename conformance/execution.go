package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

// reconnection is how long a link may take to ask again for what it watches when the
// API server is back. client-go waits twice as long from time to time, up to half a
// minute, and by chance as much again; also in a scenario that comes after an outage.
const reconnection = time.Minute

// execution is what happened when an example was executed, or why it was not.
type execution struct {
	example *specification.Example
	// began is when it did by the clock of its cluster; zero if it was not executed.
	began time.Time
	// seconds that it took by a real clock.
	seconds     float64
	steps       []events.Step
	writes      []events.Write
	calls       []events.Call
	transitions []events.Transition
	facts
}

// execute executes one example on a cluster. What panics in it is the suite's, or the
// implementation's where the suite calls it.
func execute(ctx context.Context, example *specification.Example, run Options, options steps.Options, line *lifeline) (e execution) {
	err := crash.Catch("the scenario was broken off", func() error {
		e = executeUncaught(ctx, example, run, options, line)
		return nil
	})
	if err != nil {
		e = execution{example: example, facts: facts{err: panicked{err}}}
	}
	return e
}

func executeUncaught(ctx context.Context, example *specification.Example, run Options, options steps.Options, line *lifeline) (e execution) {
	e = execution{example: example}
	if missing := implementation.Missing(options.Cluster, example.Capabilities); len(missing) > 0 {
		e.lacks, e.notApplicable = missing, notOffered(options.Cluster, missing)
		return e
	}
	if e.notApplicable = cameLater(options.Cluster, example); e.notApplicable != "" {
		return e
	}
	if e.crashedBefore = crashed(options.Cluster); e.crashedBefore.err != nil {
		return e
	}
	if stopsAPIServer(example) {
		options.Timeout += reconnection
	}
	e.began = time.Now()
	world, err := steps.NewWorld(ctx, options)
	defer func() { e.close(ctx, world, line) }()
	if err != nil {
		e.err = fmt.Errorf("the scenario could not begin: %w", err)
	} else if e.steps, e.err = runSteps(ctx, example, e.began, world, run.Steps); e.err == nil {
		e.err = world.Finish(ctx)
	}
	if last := len(e.steps) - 1; last >= 0 && e.steps[last].Failed {
		e.step = &e.steps[last].Index
	}
	if e.err != nil {
		e.investigate(ctx, world, line)
	}
	e.observe(ctx, world, run)
	return e
}

// investigate finds out what a verdict on an error depends on.
func (e *execution) investigate(ctx context.Context, world *steps.World, line *lifeline) {
	if errors.Is(e.err, steps.ErrNoAnswer) {
		line.doubt()
	}
	// What a link has left undone shows when all have had their time.
	world.AwaitRest(ctx)
	e.lost = line.decided()
	e.cancelled = ctx.Err() != nil
	record, attribution := world.History.Now(), attribute(ctx, world.Cluster)
	e.evidence = evidence{record: record, attribution: attribution, observed: diagnosis.Observed(record)}
	if all := record.All(); len(all) > 0 {
		e.evidence.disturbed = attribution.Disturbed(world.Namespace, all[0].At, lastWrites)
	}
	if e.lost != nil || e.cancelled {
		return
	}
	e.crashed = crashed(world.Cluster)
	e.culprit, e.sure = diagnosis.Blame(record, attribution, failureOf(e.example.Requirement, e.err, world.StoppedByScenario()))
}

// observe keeps what was observed: of an example that did not pass, and where it is
// asked for.
func (e *execution) observe(ctx context.Context, world *steps.World, run Options) {
	if e.err == nil && !slices.ContainsFunc(e.example.Capabilities, implementation.Exclusive) {
		e.transitions = diagnosis.Transitions(world.History.Now())
	}
	if e.err == nil && (run.KeepHistory == nil || !run.KeepHistory(e.example)) {
		return
	}
	var err error
	e.writes, e.calls, err = diagnosis.Recording(ctx, world.Cluster, world.History.Now(), world.Namespace, e.began)
	if err != nil {
		e.further = append(e.further, fmt.Errorf("what was observed cannot be reported: %w", err))
	}
}

// close removes what the example has made, also when the run was ended.
func (e *execution) close(ctx context.Context, world *steps.World, line *lifeline) {
	timeout := stopTimeout
	if line.lost() != nil {
		timeout = 0 // nothing can be removed any more
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	if err := world.Close(ctx); err != nil && line.lost() == nil {
		e.further = append(e.further, fmt.Errorf("it left something behind: %w", err))
	}
}

// notOffered says which capabilities are missing, and why where that is known.
func notOffered(cluster implementation.Cluster, missing []string) string {
	for _, capability := range missing {
		if why := implementation.WhyMissing(cluster, capability); why != "" {
			return why
		}
	}
	return "the implementation does not offer " + strings.Join(missing, ", ")
}

// cameLater says which link is too old for what the example asserts, "" if none.
func cameLater(cluster implementation.Cluster, example *specification.Example) string {
	for _, came := range example.Since {
		if has := implementation.Before(cluster, chain.Link(came.Link), came.Version); has != "" {
			return fmt.Sprintf("it came with %s; the %s is %s", came.Version, came.Link, has)
		}
	}
	return ""
}

// failureOf is what an error tells of which link may be to blame.
func failureOf(requirement *specification.Requirement, err error, stopped sets.Set[chain.Link]) diagnosis.Failure {
	failure := diagnosis.Failure{Stopped: stopped, NoAnswer: errors.Is(err, steps.ErrNoAnswer), NotConverging: errors.Is(err, history.ErrNotConverging)}
	failure.About, _ = chain.ParseLink(requirement.Link) // none: the chain as a whole
	if errors.Is(err, implementation.ErrNotReady) {
		failure.NotReady = implementation.ErrNotReady
	}
	if wrong := (*steps.Wrong)(nil); errors.As(err, &wrong) {
		failure.Wrong = &wrong.Version
	}
	if object := (*steps.Deviation)(nil); errors.As(err, &object) && errors.As(object, &failure.Deviation) {
		failure.Object = object.Object
	}
	return failure
}

// attribute returns what the taps of the cluster know; without taps, what the objects
// say is all that is known.
func attribute(ctx context.Context, cluster implementation.Cluster) diagnosis.Attribution {
	known, err := diagnosis.Known(ctx, cluster)
	if err != nil {
		return diagnosis.Attribution{}
	}
	return known
}

// crashed returns the link that has ended by itself.
func crashed(cluster implementation.Cluster) crashedLink {
	reporter, ok := implementation.As[implementation.CrashReporter](cluster)
	if !ok {
		return crashedLink{}
	}
	link, err := reporter.Crashed()
	return crashedLink{link, err}
}
