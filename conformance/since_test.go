package conformance_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/reference"
)

// mixed is the reference, and says of its scheduler that it is older.
type mixed struct{ implementation.Virtual }

func (m mixed) Start(ctx context.Context) (implementation.Cluster, error) {
	cluster, err := m.Virtual.Start(ctx)
	return mixedCluster{cluster}, err
}

type mixedCluster struct{ implementation.Cluster }

func (mixedCluster) Version(link chain.Link) string {
	if link == chain.Scheduler {
		return "v1.34.4"
	}
	return "v1.37.2"
}

// TestSince: what came later than a link is not asked of it, and only of it.
func TestSince(t *testing.T) {
	const feature = `Feature: f
  @SCHED-01 @MUST
  Rule: r
    @since-v1.35
    Scenario: of the scheduler
      When ConfigMap "a" is created
      Then the API server refuses it
    @since-kubelet-v1.35
    Scenario: of another link
      When ConfigMap "a" is created
    @since-v1.34
    Scenario: of its release
      When ConfigMap "a" is created
`
	loaded, err := specification.Load(fstest.MapFS{"4-scheduler/a.feature": {Data: []byte(feature)}})
	require.NoError(t, err)
	result, err := conformance.Run(t.Context(), conformance.Options{
		Specification: loaded, Implementation: mixed{reference.New(reference.Options{}).(implementation.Virtual)}, Testing: t,
	})
	require.NoError(t, err)
	examples := result.Requirements[0].Scenarios
	assert.Equal(t, events.NotApplicable, examples[0].Verdict.Outcome)
	assert.Equal(t, "it came with v1.35; the scheduler is v1.34.4", examples[0].Verdict.Reason)
	assert.Equal(t, events.Passed, examples[1].Verdict.Outcome, examples[1].Verdict.Reason)
	assert.Equal(t, events.Passed, examples[2].Verdict.Outcome, examples[2].Verdict.Reason)
}

// TestSinceWhichLink: a release of what is no link is told with its place.
func TestSinceWhichLink(t *testing.T) {
	loaded, err := specification.Load(fstest.MapFS{"4-scheduler/a.feature": {Data: []byte(`Feature: f
  @SCHED-01 @MUST @since-etcd-v3.6
  Rule: r
    Scenario: s
      When ConfigMap "a" is created
`)}})
	require.NoError(t, err)
	require.ErrorContains(t, conformance.Check(loaded, nil), `4-scheduler/a.feature:4: it is tagged as having come with etcd v3.6: unknown link "etcd"`)
}
