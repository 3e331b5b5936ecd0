package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"

	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/permission"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/conformance/story"
	"github.com/podchain/podchain/steps"
)

// lastWrites is how many writes the story of a failure shows.
const lastWrites = 12

// perform executes one example on a cluster and judges it.
func perform(ctx context.Context, example *specification.Example, further func(*godog.ScenarioContext), options steps.Options) (result ExampleResult) {
	result = ExampleResult{Example: example, Outcome: Passed}
	if lacking := implementation.Lacks(options.Cluster, example.Capabilities); len(lacking) > 0 {
		result.Outcome = NotApplicable
		result.Reason = notOffered(options.Cluster, lacking)
		return result
	}
	if why := cameLater(options.Cluster, example); why != "" {
		result.Outcome, result.Reason = NotApplicable, why
		return result
	}
	if link, crash := crashed(options.Cluster); crash != nil {
		result.Outcome = CouldNotRun
		what, _, _ := strings.Cut(crash.Error(), "\n")
		result.Failure = &Failure{Error: "the scenario could not begin: " + crash.Error(), Blamed: link, Missing: what}
		result.Reason = reason(result.Failure)
		return result
	}
	world, err := steps.NewWorld(ctx, options)
	defer func() {
		// Also when the run was ended: what was made is to go.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
		defer cancel()
		if err := world.Close(ctx); err != nil && result.Outcome == Passed {
			result = unclean(example, err)
		}
	}()
	if err != nil {
		return judge(ctx, result, world, nil, fmt.Errorf("the scenario could not begin: %w", err))
	}
	step, err := execute(ctx, example, world, further)
	if err == nil {
		err = world.Finish(ctx)
	}
	if err != nil {
		return judge(ctx, result, world, step, err)
	}
	return result
}

// notOffered says which capabilities are lacking, and why where that is known.
func notOffered(cluster implementation.Cluster, lacking []string) string {
	for _, capability := range lacking {
		if why := implementation.Withheld(cluster, capability); why != "" {
			return why
		}
	}
	return "the implementation does not offer " + strings.Join(lacking, ", ")
}

// cameLater says which link is too old for what the example asserts, "" if none.
func cameLater(cluster implementation.Cluster, example *specification.Example) string {
	for _, came := range example.Since {
		if has := implementation.Before(cluster, implementation.Link(came.Link), came.Version); has != "" {
			return fmt.Sprintf("it came with %s; the %s is %s", came.Version, came.Link, has)
		}
	}
	return ""
}

// execute runs the steps by godog and returns the first that did not hold, with
// its error.
func execute(ctx context.Context, example *specification.Example, world *steps.World, further func(*godog.ScenarioContext)) (failed *specification.Step, failure error) {
	next := 0
	var output bytes.Buffer
	suite := godog.TestSuite{
		Name: example.Requirement.ID,
		ScenarioInitializer: func(scenario *godog.ScenarioContext) {
			steps.Register(scenario, world)
			if further != nil {
				further(scenario)
			}
			scenario.StepContext().Before(func(ctx context.Context, step *godog.Step) (context.Context, error) {
				world.BeginStep(step.Type == messages.PickleStepType_OUTCOME)
				return ctx, nil
			})
			scenario.StepContext().After(func(ctx context.Context, _ *godog.Step, status godog.StepResultStatus, err error) (context.Context, error) {
				if status != godog.StepPassed && failure == nil {
					if err == nil {
						err = fmt.Errorf("the step is %s", status)
					}
					failed, failure = &example.Steps[next], err
				}
				next++
				return ctx, nil
			})
		},
		Options: &godog.Options{
			Format: "progress", Output: &output, NoColors: true, Strict: true, StopOnFailure: true,
			DefaultContext:  ctx,
			FeatureContents: []godog.Feature{{Name: example.Location.File, Contents: example.Feature}},
		},
	}
	status := suite.Run()
	switch {
	case failure != nil:
		return failed, failure
	case status != 0 || next != len(example.Steps):
		return nil, steps.CouldNotRun{Err: fmt.Errorf("godog ended with status %d after %d of %d steps:\n%s", status, next, len(example.Steps), output.String())}
	}
	return nil, nil
}

// judge turns an error into an outcome with its story.
func judge(ctx context.Context, result ExampleResult, world *steps.World, step *specification.Step, err error) ExampleResult {
	// What a link has left undone shows when all have had their time.
	world.AwaitRest(ctx)
	record := world.History.Now()
	attribution := attribute(ctx, world.Cluster)
	failure := &Failure{Step: step, Error: err.Error(),
		Observed: story.Observed(record), LastWrites: story.LastWrites(record, attribution, lastWrites)}
	if all := record.All(); len(all) > 0 {
		failure.Disturbed = attribution.Disturbed(world.Namespace, all[0].At, lastWrites)
	}
	result.Failure = failure
	if ctx.Err() != nil {
		result.Outcome, result.Reason = CouldNotRun, "the run was ended in the middle of it"
		return result
	}
	result.Outcome = Failed
	blame, found := story.FirstBroken(record, world.Excused())
	failure.Blamed, failure.Missing = blame.Link, blame.Missing
	link, crash := crashed(world.Cluster)
	switch noVerdict := (steps.CouldNotRun{}); {
	case errors.Is(err, history.ErrRestless):
		failure.Blamed, failure.Missing = story.Restless(record, attribution)
	case errors.Is(err, history.ErrBroken):
		// What is missing in the record may be what is missing in the chain.
		result.Outcome = CouldNotRun
		failure.Blamed, failure.Missing = "", ""
	case permission.Denied(err):
		// The account is what is wrong.
		result.Outcome = CouldNotRun
		failure.Blamed, failure.Missing = "", ""
	case crash != nil:
		failure.Blamed = link
		failure.Missing, _, _ = strings.Cut(crash.Error(), "\n")
		failure.Error += "\n" + crash.Error()
	case errors.Is(err, steps.ErrNoAnswer):
		failure.Blamed, failure.Missing = implementation.APIServer, "it does not answer"
	case found:
	case errors.Is(err, implementation.ErrNotReady):
		failure.Blamed, failure.Missing = implementation.Kubelet, implementation.ErrNotReady.Error()
	case errors.As(err, &noVerdict):
		result.Outcome = CouldNotRun
	case step == nil:
		result.Outcome = CouldNotRun
	default:
		// Nothing is left undone: some link did something wrongly.
		failure.Blamed, failure.Missing = wrongdoer(result.Example.Requirement, err, record, attribution)
	}
	result.Reason = reason(failure)
	return result
}

// attribute returns what the taps of the cluster know, if it has any: without
// them the story goes by what the objects say.
func attribute(ctx context.Context, cluster implementation.Cluster) story.Attribution {
	faults, ok := implementation.Offered[implementation.Faults](cluster)
	if !ok {
		return story.Attribution{}
	}
	writes, err := faults.Writes(ctx)
	if err != nil {
		return story.Attribution{}
	}
	return story.Attribute(writes)
}

// wrongdoer returns the link that the requirement is about, unless it is known
// that another has written what should not be, or it is for another to write:
// then that one, and what it has written. The link is empty where nobody can tell.
func wrongdoer(requirement *specification.Requirement, err error, record history.Record, attribution story.Attribution) (link implementation.Link, wrote string) {
	if parsed, err := implementation.ParseLink(requirement.Link); err == nil {
		link = parsed
	}
	if wrong := (*steps.Wrong)(nil); errors.As(err, &wrong) {
		if write, known := attribution.Of(record, wrong.Version); known && write.Link != link {
			return write.Link, "it has written " + history.Describe(wrong.Version)
		}
	}
	if blame, found := attribution.Ownerless(record); found && blame.Link != link {
		return blame.Link, blame.Missing
	}
	object, deviation := (*steps.Deviation)(nil), (*field.Deviation)(nil)
	if !errors.As(err, &object) || !errors.As(object, &deviation) {
		return link, ""
	}
	kind, name := object.Object.GetKind(), object.Object.GetName()
	writers := story.Writers(kind, deviation.Field)
	if write, known := attribution.WriterOf(record, object.Object, deviation.Field); known && len(writers) > 0 && !slices.Contains(writers, write.Link) {
		return write.Link, fmt.Sprintf("it has written %s of %s %q, which is the %s's to write", deviation.Field, kind, name, writers[0])
	}
	if len(writers) == 0 || slices.Contains(writers, link) {
		return link, ""
	}
	what, _, _ := strings.Cut(deviation.Error(), "\n")
	return writers[0], fmt.Sprintf("%s %q: %s", kind, name, what)
}

// crashed returns the link that has ended without being told to.
func crashed(cluster implementation.Cluster) (implementation.Link, error) {
	if crashing, ok := implementation.Offered[implementation.Crashing](cluster); ok {
		return crashing.Crashed()
	}
	return "", nil
}

func reason(failure *Failure) string {
	line, _, _ := strings.Cut(failure.Error, "\n")
	if failure.Missing != "" {
		line = fmt.Sprintf("%s: %s", failure.Blamed, failure.Missing)
	}
	return line
}
