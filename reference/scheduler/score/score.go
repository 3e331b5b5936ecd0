// Package score ranks the nodes on which a Pod may run (SCHED-15). Every
// preference is a [Score] in one list; the node with the highest weighted sum
// is chosen.
package score

import (
	"math/rand/v2"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// Max is the best rating a node can get.
const Max = 100

// Score is one preference.
type Score struct {
	Name   string
	Weight int64
	// Rate rates the nodes for the Pod, from 0 to Max, in their order. It
	// returns nil if it makes no difference between them.
	Rate func(pod *cluster.Pod, nodes []*cluster.Node, context Context) []int64
}

// Context is what else ratings look at.
type Context struct {
	cluster.View
	// Spreads are the soft constraints that go without saying for this Pod.
	Spreads []cluster.Spread
}

// All is every preference.
var All = []Score{
	{"TaintToleration", 3, taints},
	{"NodeAffinity", 2, nodeAffinity},
	{"PodTopologySpread", 2, spread},
	{"InterPodAffinity", 2, podAffinity},
	{"NodeResourcesFit", 1, leastAllocated},
	{"NodeResourcesBalancedAllocation", 1, balancedAllocation},
	{"ImageLocality", 1, imageLocality},
}

// Best returns the node that rates highest; among equals, any.
func Best(scores []Score, pod *cluster.Pod, nodes []*cluster.Node, context Context) *cluster.Node {
	if len(nodes) == 1 {
		return nodes[0]
	}
	total := Sum(scores, pod, nodes, context)
	best, equals := 0, 1
	for i := 1; i < len(nodes); i++ {
		switch {
		case total[i] > total[best]:
			best, equals = i, 1
		case total[i] == total[best]:
			// Each of k equals is kept with probability 1/k.
			if equals++; rand.IntN(equals) == 0 {
				best = i
			}
		}
	}
	return nodes[best]
}

// Sum returns the weighted ratings.
func Sum(scores []Score, pod *cluster.Pod, nodes []*cluster.Node, context Context) []int64 {
	total := make([]int64, len(nodes))
	for i := range scores {
		for j, rating := range scores[i].Rate(pod, nodes, context) {
			total[j] += scores[i].Weight * rating
		}
	}
	return total
}

// relative rates in proportion to the largest value.
func relative(values []int64) []int64 {
	var largest int64
	for _, value := range values {
		largest = max(largest, value)
	}
	if largest == 0 {
		return nil
	}
	for i := range values {
		values[i] = Max * values[i] / largest
	}
	return values
}

// reversed turns fewer-is-better into ratings.
func reversed(values []int64) []int64 {
	values = relative(values)
	for i := range values {
		values[i] = Max - values[i]
	}
	return values
}
