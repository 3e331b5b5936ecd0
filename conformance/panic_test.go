package conformance_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/reference"
)

// inBubbles has another name than its method.
type inBubbles = implementation.Virtual

// clumsy is the reference by somebody whose Start or Stop panics.
type clumsy struct {
	inBubbles
	start, stop bool
	started     atomic.Int64
}

func (c *clumsy) Start(ctx context.Context) (implementation.Cluster, error) {
	c.started.Add(1)
	if c.start {
		panic("no cluster today")
	}
	cluster, err := c.inBubbles.Start(ctx)
	return clumsyCluster{cluster, c}, err
}

type clumsyCluster struct {
	implementation.Cluster
	of *clumsy
}

func (c clumsyCluster) Stop(ctx context.Context) error {
	err := c.Cluster.Stop(ctx)
	if c.of.stop {
		panic("no end")
	}
	return err
}

// What panics on the suite's own goroutine is no verdict, and does not end the run.
func TestPanicOnTheSuitesGoroutine(t *testing.T) {
	const text = `Feature: mine
  @RS-01 @MUST
  Rule: one
    Scenario: first
      When ConfigMap "a" is created
      Then somebody sings
    Scenario: second
      When ConfigMap "a" is created
      Then somebody sings
`
	sings := func(sing func() error) func(*godog.ScenarioContext) {
		return func(scenario *godog.ScenarioContext) { scenario.Step("^somebody sings$", sing) }
	}
	quietly := sings(func() error { return nil })
	for name, c := range map[string]struct {
		implementation *clumsy
		steps          func(*godog.ScenarioContext)
		says           string
	}{
		"Start":  {&clumsy{start: true}, quietly, "the cluster did not start: Start: panic: no cluster today\n"},
		"Stop":   {&clumsy{stop: true}, quietly, "the cluster did not end well: Stop: panic: no end\n"},
		"a step": {&clumsy{}, sings(func() error { panic("out of tune") }), "the step was broken off: panic: out of tune\n"},
	} {
		t.Run(name, func(t *testing.T) {
			mine, err := specification.Load(fstest.MapFS{"mine.feature": {Data: []byte(text)}})
			require.NoError(t, err)
			c.implementation.inBubbles = reference.New(reference.Options{}).(implementation.Virtual)
			result, err := conformance.Run(t.Context(), conformance.Options{
				Specification: mine, Testing: t, Parallel: 1, Implementation: c.implementation, Steps: c.steps})
			require.NoError(t, err)
			assert.Equal(t, 2, result.ExitStatus())
			assert.EqualValues(t, 2, c.implementation.started.Load(), "the run goes on")
			for _, scenario := range result.Requirements[0].Scenarios {
				assert.Equal(t, events.CouldNotRun, scenario.Verdict.Outcome)
				require.NotNil(t, scenario.Verdict.Evidence)
				assert.Contains(t, scenario.Verdict.Evidence.Error, c.says)
				assert.Contains(t, scenario.Verdict.Evidence.Error, "panic_test.go:", "the stack")
				assert.Empty(t, scenario.Verdict.Evidence.Blamed)
			}
		})
	}
}
