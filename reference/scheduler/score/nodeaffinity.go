package score

import (
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// nodeAffinity prefers nodes by the summed weights of the preferred node
// affinity terms they match.
func nodeAffinity(pod *cluster.Pod, nodes []*cluster.Node, _ Context) []int64 {
	affinity := pod.Spec.Affinity
	if affinity == nil || affinity.NodeAffinity == nil {
		return nil
	}
	preferred := affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution
	if len(preferred) == 0 {
		return nil
	}
	terms, err := nodeaffinity.NewPreferredSchedulingTerms(preferred)
	if err != nil {
		// An invalid preference does not count: the Pod must run anyway.
		return nil
	}
	ratings := make([]int64, len(nodes))
	for i, node := range nodes {
		ratings[i] = terms.Score(node.Node)
	}
	return relative(ratings)
}
