package score

import (
	"math"

	v1 "k8s.io/api/core/v1"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// spread prefers domains with fewer Pods like this one: by its own soft
// constraints, or by those that go without saying (SCHED-28).
func spread(pod *cluster.Pod, nodes []*cluster.Node, context Context) []int64 {
	spreads := context.Spreads
	own := len(pod.Spec.TopologySpreadConstraints) > 0
	if own {
		var err error
		if spreads, err = cluster.SpreadsOf(pod, v1.ScheduleAnyway); err != nil {
			return nil // an invalid preference does not count
		}
	}
	if len(spreads) == 0 {
		return nil
	}
	// A node outside the topologies that the Pod names itself rates 0. What
	// goes without saying asks for no labels: without zones, hosts still count.
	left := func(node *cluster.Node) bool { return own && !cluster.Labelled(node.Node, spreads) }

	sums := make([]float64, len(nodes))
	for i := range spreads {
		addSpread(&spreads[i], pod, sums, nodes, context.View, left)
	}
	return fewest(sums, func(i int) bool { return left(nodes[i]) })
}

// addSpread adds what one constraint holds against each node: the Pods in its
// domain, weighted up where there are many domains with few Pods each.
func addSpread(s *cluster.Spread, pod *cluster.Pod, sums []float64, nodes []*cluster.Node, view cluster.View, left func(*cluster.Node) bool) {
	pods := map[string]int{}
	for _, node := range nodes {
		if !left(node) {
			pods[node.Labels[s.TopologyKey]] = 0
		}
	}
	counted := view.Classes(pod.Namespace, s.Counts)
	for _, node := range view.Nodes {
		domain := node.Labels[s.TopologyKey]
		if _, candidate := pods[domain]; candidate && !left(node) && s.Includes(node.Node) {
			pods[domain] += node.Staying(counted)
		}
	}
	weight := math.Log(float64(len(pods) + 2))
	for i, node := range nodes {
		if domain, ok := node.Labels[s.TopologyKey]; ok {
			sums[i] += float64(pods[domain])*weight + float64(s.MaxSkew-1)
		}
	}
}

// fewest rates the smallest sum Max, and the others by how much larger they are.
func fewest(sums []float64, left func(int) bool) []int64 {
	least, most := int64(math.MaxInt64), int64(0)
	ratings := make([]int64, len(sums))
	for i := range sums {
		ratings[i] = int64(math.Round(sums[i]))
		if !left(i) {
			least, most = min(least, ratings[i]), max(most, ratings[i])
		}
	}
	for i := range ratings {
		switch {
		case left(i):
			ratings[i] = 0
		case most == 0:
			ratings[i] = Max
		default:
			ratings[i] = Max * (most + least - ratings[i]) / most
		}
	}
	return ratings
}
