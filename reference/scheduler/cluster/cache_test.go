package cluster_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/podchain/podchain/reference/scheduler/cluster"
	"github.com/podchain/podchain/reference/scheduler/cluster/clustertest"
)

const (
	unassigned = `{metadata: {name: p}, spec: {containers: [{name: c, resources: {requests: {cpu: "1"}}, ports: [{containerPort: 1, hostPort: 80}]}]}}`
	assigned   = `{metadata: {name: p}, spec: {nodeName: node, containers: [{name: c, resources: {requests: {cpu: "1"}}, ports: [{containerPort: 1, hostPort: 80}]}]}}`
)

func newCache(t *testing.T) *cluster.Cache {
	c := cluster.NewCache(func(string) labels.Set { return nil })
	c.SetNode(clustertest.Node(t, `metadata: {name: node}`))
	return c
}

// used is what is taken of the only node: milli-cpus, Pods, classes, ports.
func used(c *cluster.Cache) (got []int) {
	c.Look(func(view cluster.View, _ func(*cluster.Pod, string) bool) {
		for _, n := range view.Nodes {
			got = append(got, int(n.Requested.MilliCPU), len(n.Pods), len(n.Classes), len(n.Ports))
		}
	})
	return got
}

func assume(t *testing.T, c *cluster.Cache) (assumed bool) {
	c.Look(func(_ cluster.View, assume func(*cluster.Pod, string) bool) {
		assumed = assume(clustertest.Pod(t, unassigned), "node")
	})
	return assumed
}

var (
	free  = []int{0, 0, 0, 0}
	taken = []int{1000, 1, 1, 1}
)

func TestAssumption(t *testing.T) {
	for _, e := range []struct {
		name string
		then func(c *cluster.Cache)
		want []int
	}{
		{"takes room at once", func(*cluster.Cache) {}, taken},
		{"can be taken back", func(c *cluster.Cache) { assert.True(t, c.Forget("p")) }, free},
		{"is replaced by the truth", func(c *cluster.Cache) {
			require.NoError(t, c.SetPod(clustertest.Pod(t, assigned).Pod))
			assert.False(t, c.Forget("p"), "the truth is no assumption")
		}, taken},
		{"ends with the Pod", func(c *cluster.Cache) { assert.True(t, c.RemovePod("p")) }, free},
	} {
		t.Run(e.name, func(t *testing.T) {
			c := newCache(t)
			require.True(t, assume(t, c))
			require.False(t, assume(t, c), "it has a place")
			e.then(c)
			assert.Equal(t, e.want, used(c))
		})
	}
}

func TestPodsOfUnknownNodesCountOnceItIsKnown(t *testing.T) {
	c := cluster.NewCache(nil)
	require.NoError(t, c.SetPod(clustertest.Pod(t, assigned).Pod))
	assert.Empty(t, used(c), "there is no node to decide for")
	c.SetNode(clustertest.Node(t, `metadata: {name: node}`))
	assert.Equal(t, taken, used(c))
	c.RemoveNode("node")
	assert.Empty(t, used(c))
	c.SetNode(clustertest.Node(t, `metadata: {name: node}`))
	assert.Equal(t, taken, used(c))
}
