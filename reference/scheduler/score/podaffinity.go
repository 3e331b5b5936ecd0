package score

import (
	"slices"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// requiredWeight is what a Pod's required affinity to this Pod counts for: it
// got what it wanted, but likes more of it.
const requiredWeight = 1

// podAffinity prefers domains by preferred inter-pod (anti-)affinity, of this
// Pod and of the Pods that are there.
func podAffinity(pod *cluster.Pod, nodes []*cluster.Node, context Context) []int64 {
	type domain struct{ key, value string }
	sums := map[domain]int64{}
	credit := func(node *cluster.Node, term *cluster.Term, weight int64, pods int) {
		if value, ok := node.Labels[term.TopologyKey]; ok && pods > 0 {
			sums[domain{term.TopologyKey, value}] += weight * int64(pods)
		}
	}
	for i := range pod.Class.Preferred {
		term := &pod.Class.Preferred[i]
		meant := context.Classes("", func(class *cluster.Class) bool { return term.Matches(class, context.NamespaceLabels) })
		for _, node := range context.Nodes {
			for _, class := range meant {
				credit(node, term, term.Weight, node.Classes[class].All)
			}
		}
	}
	for _, node := range context.Nodes {
		for class, count := range node.Terms {
			for i := range class.Preferred {
				if term := &class.Preferred[i]; term.Matches(pod.Class, context.NamespaceLabels) {
					credit(node, term, term.Weight, count.All)
				}
			}
			for i := range class.Affinity {
				if term := &class.Affinity[i]; term.Matches(pod.Class, context.NamespaceLabels) {
					credit(node, term, requiredWeight, count.All)
				}
			}
		}
	}
	if len(sums) == 0 {
		return nil
	}
	ratings := make([]int64, len(nodes))
	for i, node := range nodes {
		for key, value := range node.Labels {
			ratings[i] += sums[domain{key, value}]
		}
	}
	return stretched(ratings)
}

// stretched maps the range of the values, which may be negative, onto 0..Max.
func stretched(values []int64) []int64 {
	least, most := slices.Min(values), slices.Max(values)
	if least == most {
		return nil
	}
	for i := range values {
		values[i] = int64(Max * (float64(values[i]-least) / float64(most-least)))
	}
	return values
}
