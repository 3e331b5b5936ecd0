package conformance

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

// runSteps has godog run the steps of an example. It returns those that were executed,
// the last of which has failed if there is an error of one.
func runSteps(ctx context.Context, example *specification.Example, began time.Time, world *steps.World, further func(*godog.ScenarioContext)) ([]events.Step, error) {
	run := stepRun{world: world, scenarioBegan: began}
	var output bytes.Buffer
	suite := godog.TestSuite{
		Name: example.Requirement.ID,
		ScenarioInitializer: func(scenario *godog.ScenarioContext) {
			steps.Register(scenario, world)
			if further != nil {
				further(scenario)
			}
			scenario.StepContext().Before(run.before)
			scenario.StepContext().After(run.after)
		},
		Options: &godog.Options{
			Format: "progress", Output: &output, NoColors: true, Strict: true, StopOnFailure: true,
			DefaultContext:  ctx,
			FeatureContents: []godog.Feature{{Name: example.Location.File, Contents: example.Feature}},
		},
	}
	status := suite.Run()
	if run.err == nil && (status != 0 || len(run.steps) != len(example.Steps)) {
		run.err = steps.CouldNotRun{Err: fmt.Errorf("godog ended with status %d after %d of %d steps:\n%s", status, len(run.steps), len(example.Steps), output.String())}
	}
	return run.steps, run.err
}

// stepRun are the steps of an example as far as they were executed.
type stepRun struct {
	world         *steps.World
	scenarioBegan time.Time
	steps         []events.Step
	err           error // of the last of the steps

	// began is when the present step did, seen the last version observed by then.
	began time.Time
	seen  int
}

func (r *stepRun) before(ctx context.Context, step *godog.Step) (context.Context, error) {
	r.began, r.seen = time.Now(), r.world.History.Now().Len()
	r.world.BeginStep(step.Type == messages.PickleStepType_OUTCOME)
	return ctx, nil
}

func (r *stepRun) after(ctx context.Context, _ *godog.Step, status godog.StepResultStatus, err error) (context.Context, error) {
	if r.err != nil {
		return ctx, nil //nolint:nilerr // godog reports the steps after one that failed, and skips them
	}
	switch {
	case status == godog.StepPassed:
	case err == nil:
		r.err = fmt.Errorf("the step is %s", status)
	case fmt.Sprintf("%T", err) == godogPanic:
		r.err = panicked{fmt.Errorf("the step was broken off: panic: %+v", err)} //nolint:errorlint // the format shows the stack
	default:
		r.err = err
	}
	r.steps = append(r.steps, events.Step{Index: len(r.steps), At: r.began.Sub(r.scenarioBegan).Seconds(),
		Seconds: time.Since(r.began).Seconds(), Seen: r.seen, Failed: r.err != nil})
	return ctx, nil
}

// godogPanic is the type that godog makes of a step's panic: its format %+v has the stack.
const godogPanic = "*godog.traceError"

// panicked is the error of what has panicked.
type panicked struct{ error }
