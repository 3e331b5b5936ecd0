package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/conformance/permission"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

// reconnection is how long a link may take to ask again for what it watches when the
// API server is back. client-go waits twice as long from time to time, up to half a
// minute, and by chance as much again; also in a scenario that comes after an outage.
const reconnection = time.Minute

// lastWrites is how many writes the story of a failure shows.
const lastWrites = 12

// execution is what happened when an example was executed.
type execution struct {
	example *specification.Example
	// began is when it did by the clock of its cluster; zero if it was not executed.
	began   time.Time
	steps   []events.Step
	writes  []events.Write
	calls   []events.Call
	outcome events.Outcome
}

// notExecuted is the performance of an example that was not executed.
func notExecuted(example *specification.Example, verdict events.Verdict, reason string) execution {
	return execution{example: example, outcome: events.Outcome{Outcome: verdict, Reason: reason}}
}

// addError notes what went wrong beside the verdict: an example that passed could not
// run then, and the evidence of another says it too.
func (p *execution) addError(err error) {
	if p.outcome.Outcome == events.Passed {
		p.fault(events.CouldNotRun, &events.Evidence{Error: err.Error()})
	} else if p.outcome.Evidence != nil {
		p.outcome.Evidence.Error += "\nbeside that: " + err.Error()
	}
}

// fault notes that it did not pass, with the evidence.
func (p *execution) fault(verdict events.Verdict, evidence *events.Evidence) {
	p.outcome.Outcome, p.outcome.Evidence, p.outcome.Reason = verdict, evidence, reason(evidence)
}

// lose notes that the cluster has died, and with it the API server.
func (p *execution) lose(why error) {
	evidence := p.outcome.Evidence
	if evidence == nil {
		evidence = &events.Evidence{}
	}
	evidence.Error = strings.TrimSuffix(why.Error()+"\n"+evidence.Error, "\n")
	evidence.Blamed = chain.APIServer
	evidence.Missing, _, _ = strings.Cut(why.Error(), "\n")
	p.fault(events.CouldNotRun, evidence)
}

// crash notes that a link has ended by itself while the example had a cluster of its
// own. Without an API server there is none.
func (p *execution) crash(link chain.Link, crash error) {
	verdict := events.Failed
	if link == chain.APIServer {
		verdict = events.CouldNotRun
	}
	switch evidence := p.outcome.Evidence; {
	case p.outcome.Outcome == events.Passed:
		what, _, _ := strings.Cut(crash.Error(), "\n")
		p.fault(verdict, &events.Evidence{Error: "all steps held, but a link ended by itself: " + crash.Error(), Blamed: link, Missing: what})
	case evidence != nil && !strings.Contains(evidence.Error, crash.Error()):
		evidence.Error += "\n" + crash.Error()
	}
}

// execute executes one example on a cluster and judges it. What panics in it is the
// suite's, or the implementation's where the suite calls it.
func execute(ctx context.Context, example *specification.Example, run Options, options steps.Options, line *lifeline) (p execution) {
	err := crash.Catch("the scenario was broken off", func() error {
		p = executeUncaught(ctx, example, run, options, line)
		return nil
	})
	if err != nil {
		p = notExecuted(example, events.CouldNotRun, "")
		p.fault(events.CouldNotRun, &events.Evidence{Error: err.Error()})
	}
	return p
}

func executeUncaught(ctx context.Context, example *specification.Example, run Options, options steps.Options, line *lifeline) (p execution) {
	if lacking := implementation.Missing(options.Cluster, example.Capabilities); len(lacking) > 0 {
		p = notExecuted(example, events.NotApplicable, notOffered(options.Cluster, lacking))
		p.outcome.Lacks = lacking
		return p
	}
	if why := cameLater(options.Cluster, example); why != "" {
		return notExecuted(example, events.NotApplicable, why)
	}
	p = notExecuted(example, events.Passed, "")
	if link, crash := crashed(options.Cluster); crash != nil {
		what, _, _ := strings.Cut(crash.Error(), "\n")
		p.fault(events.CouldNotRun, &events.Evidence{Error: "the scenario could not begin: " + crash.Error(), Blamed: link, Missing: what})
		return p
	}
	if cutsOff(example) {
		options.Timeout += reconnection
	}
	p.began = time.Now()
	world, err := steps.NewWorld(ctx, options)
	defer func() {
		// Also when the run was ended: what was made is to go.
		patience := stopTimeout
		if line.lost() != nil {
			patience = 0 // nothing can be removed any more
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		if err := world.Close(ctx); err != nil && line.lost() == nil {
			p.addError(fmt.Errorf("it left something behind: %w", err))
		}
	}()
	failed := -1
	if err != nil {
		err = fmt.Errorf("the scenario could not begin: %w", err)
	} else if failed, err = p.runSteps(ctx, world, run.Steps); err == nil {
		err = world.Finish(ctx)
	}
	if err != nil {
		p.judge(ctx, world, failed, err, line)
	}
	p.keep(ctx, world, run)
	return p
}

// notOffered says which capabilities are lacking, and why where that is known.
func notOffered(cluster implementation.Cluster, lacking []string) string {
	for _, capability := range lacking {
		if why := implementation.WhyMissing(cluster, capability); why != "" {
			return why
		}
	}
	return "the implementation does not offer " + strings.Join(lacking, ", ")
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

// runSteps runs the steps by godog and returns the index of the first that did not
// hold, -1 if that is none, and its error.
func (p *execution) runSteps(ctx context.Context, world *steps.World, further func(*godog.ScenarioContext)) (failed int, failure error) {
	failed = -1
	var began time.Time
	seen := 0
	var output bytes.Buffer
	suite := godog.TestSuite{
		Name: p.example.Requirement.ID,
		ScenarioInitializer: func(scenario *godog.ScenarioContext) {
			steps.Register(scenario, world)
			if further != nil {
				further(scenario)
			}
			scenario.StepContext().Before(func(ctx context.Context, step *godog.Step) (context.Context, error) {
				began, seen = time.Now(), world.History.Now().Len()
				world.BeginStep(step.Type == messages.PickleStepType_OUTCOME)
				return ctx, nil
			})
			scenario.StepContext().After(func(ctx context.Context, _ *godog.Step, status godog.StepResultStatus, err error) (context.Context, error) {
				next := len(p.steps)
				if failed >= 0 && failed < next {
					return ctx, nil // godog passes over the steps after one that did not hold, and tells so
				}
				if status != godog.StepPassed {
					switch {
					case err == nil:
						err = fmt.Errorf("the step is %s", status)
					case fmt.Sprintf("%T", err) == godogPanic:
						withStack := fmt.Sprintf("%+v", err)
						err = brokenOff{fmt.Errorf("the step was broken off: panic: %s", withStack)}
					}
					failed, failure = next, err
				}
				p.steps = append(p.steps, events.Step{Index: next, At: began.Sub(p.began).Seconds(),
					Seconds: time.Since(began).Seconds(), Seen: seen, Failed: failed == next})
				return ctx, nil
			})
		},
		Options: &godog.Options{
			Format: "progress", Output: &output, NoColors: true, Strict: true, StopOnFailure: true,
			DefaultContext:  ctx,
			FeatureContents: []godog.Feature{{Name: p.example.Location.File, Contents: p.example.Feature}},
		},
	}
	status := suite.Run()
	switch {
	case failure != nil:
		return failed, failure
	case status != 0 || len(p.steps) != len(p.example.Steps):
		return failed, steps.CouldNotRun{Err: fmt.Errorf("godog ended with status %d after %d of %d steps:\n%s", status, len(p.steps), len(p.example.Steps), output.String())}
	}
	return failed, nil
}

// godogPanic is what godog makes of a step's panic: its format %+v has the stack.
const godogPanic = "*godog.traceError"

// brokenOff is the error of a step that panicked, which says nothing about the
// implementation.
type brokenOff struct{ error }

// judge turns the error of a step, or of none (-1), into an outcome with its evidence.
func (p *execution) judge(ctx context.Context, world *steps.World, step int, err error, line *lifeline) {
	if errors.Is(err, steps.ErrNoAnswer) {
		line.doubt()
	}
	// What a link has left undone shows when all have had their time.
	world.AwaitRest(ctx)
	lost := line.decided()
	record := world.History.Now()
	attribution := attribute(ctx, world.Cluster)
	evidence := &events.Evidence{Error: err.Error(), Observed: diagnosis.Observed(record)}
	defer func() { evidence.LastWrites = diagnosis.LastWrites(record, attribution, lastWrites, evidence.Blamed) }()
	if step >= 0 {
		evidence.Step = &step
	}
	if all := record.All(); len(all) > 0 {
		evidence.Disturbed = attribution.Disturbed(world.Namespace, all[0].At, lastWrites)
	}
	if lost != nil {
		p.outcome.Evidence = evidence
		p.lose(lost)
		return
	}
	if ctx.Err() != nil {
		p.fault(events.CouldNotRun, evidence)
		p.outcome.Reason = "the run was ended in the middle of it"
		return
	}
	verdict := events.Failed
	culprit, found := diagnosis.Blame(record, attribution, failureOf(p.example.Requirement, err, world.Excused()))
	evidence.Blamed, evidence.Missing = culprit.Link, culprit.Missing
	link, crash := crashed(world.Cluster)
	switch noVerdict := (steps.CouldNotRun{}); {
	case errors.As(err, &brokenOff{}):
		verdict = events.CouldNotRun
		evidence.Blamed, evidence.Missing = "", ""
	case crash != nil:
		evidence.Blamed = link
		evidence.Missing, _, _ = strings.Cut(crash.Error(), "\n")
		evidence.Error += "\n" + crash.Error()
		if link == chain.APIServer {
			verdict = events.CouldNotRun // there is no cluster
		}
	case errors.Is(err, history.ErrRestless):
	case errors.Is(err, history.ErrBroken):
		// What is missing in the record may be what is missing in the chain.
		verdict = events.CouldNotRun
		evidence.Blamed, evidence.Missing = "", ""
	case permission.Denied(err):
		// The account is what is wrong.
		verdict = events.CouldNotRun
		evidence.Blamed, evidence.Missing = "", ""
	case errors.Is(err, steps.ErrNoAnswer):
	case found:
	case errors.As(err, &noVerdict), step < 0:
		verdict = events.CouldNotRun
		evidence.Blamed, evidence.Missing = "", ""
	}
	p.fault(verdict, evidence)
}

// keep keeps what was observed, if anybody wants it.
func (p *execution) keep(ctx context.Context, world *steps.World, run Options) {
	if p.outcome.Outcome == events.Passed && !slices.ContainsFunc(p.example.Capabilities, implementation.Exclusive) {
		p.outcome.Transitions = diagnosis.Transitions(world.History.Now())
	}
	if !p.outcome.Outcome.Bad() && (run.KeepHistory == nil || !run.KeepHistory(p.example)) {
		return
	}
	var err error
	p.writes, p.calls, err = diagnosis.Recording(ctx, world.Cluster, world.History.Now(), world.Namespace, p.began)
	if err != nil {
		p.addError(fmt.Errorf("what was observed cannot be told: %w", err))
	}
}

// attribute returns what the taps of the cluster know: without them the story goes by
// what the objects say.
func attribute(ctx context.Context, cluster implementation.Cluster) diagnosis.Attribution {
	known, err := diagnosis.Known(ctx, cluster)
	if err != nil {
		return diagnosis.Attribution{}
	}
	return known
}

// failureOf is what an error tells of who may be to blame.
func failureOf(requirement *specification.Requirement, err error, stopped sets.Set[chain.Link]) diagnosis.Failure {
	failure := diagnosis.Failure{Stopped: stopped, NoAnswer: errors.Is(err, steps.ErrNoAnswer), NotConverging: errors.Is(err, history.ErrRestless)}
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

// crashed returns the link that has ended without being told to.
func crashed(cluster implementation.Cluster) (chain.Link, error) {
	if crashing, ok := implementation.As[implementation.CrashReporter](cluster); ok {
		return crashing.Crashed()
	}
	return "", nil
}

func reason(evidence *events.Evidence) string {
	line, _, _ := strings.Cut(evidence.Error, "\n")
	if evidence.Missing != "" {
		line = fmt.Sprintf("%s: %s", evidence.Blamed, evidence.Missing)
	}
	return line
}
