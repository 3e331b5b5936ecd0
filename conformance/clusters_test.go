package conformance_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/reference"
)

// real is the reference in real time. It counts its clusters, and those whose
// links were stopped.
type real struct{ clusters, disturbed atomic.Int64 }

func (r *real) Describe() chain.Description { return chain.Description{Name: "real"} }

func (r *real) Start(ctx context.Context) (implementation.Cluster, error) {
	r.clusters.Add(1)
	cluster, err := reference.Start(ctx, reference.Options{})
	if err != nil {
		return nil, err
	}
	return &realCluster{Cluster: cluster, of: r}, cluster.WaitReady(ctx)
}

type realCluster struct {
	*reference.Cluster
	of      *real
	stopped atomic.Bool
}

func (c *realCluster) StopLink(ctx context.Context, link chain.Link) error {
	if !c.stopped.Swap(true) {
		c.of.disturbed.Add(1)
	}
	return c.Cluster.StopLink(ctx, link)
}

// TestClusters: what stops links has a cluster to itself if there may be two, and
// there are no more than are needed.
func TestClusters(t *testing.T) {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		selection                   []string
		clusters                    int
		wantClusters, wantDisturbed int64
	}{
		"one for all":                  {[]string{"RECOVER-03", "RECOVER-05", "SCALE-02"}, 0, 1, 1},
		"one for those that run alone": {[]string{"RECOVER-03", "RECOVER-05", "SCALE-02"}, 2, 2, 1},
		"nothing runs alone":           {[]string{"SCALE-02"}, 2, 1, 0},
		"two for those that run alone": {[]string{"RECOVER-03", "RECOVER-05", "SCALE-02"}, 9, 3, 2},
		"everything runs alone":        {[]string{"RECOVER-03", "RECOVER-05"}, 2, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			selected, err := whole.Select(test.selection)
			require.NoError(t, err)
			target := &real{}
			result, err := conformance.Run(t.Context(), conformance.Options{
				Specification: selected, Implementation: target, Clusters: test.clusters,
			})
			require.NoError(t, err)
			assert.Zero(t, result.ExitStatus())
			assert.Equal(t, test.wantClusters, target.clusters.Load())
			assert.Equal(t, test.wantDisturbed, target.disturbed.Load())
		})
	}
}
