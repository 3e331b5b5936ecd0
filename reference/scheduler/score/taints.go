package score

import (
	v1 "k8s.io/api/core/v1"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// taints prefers nodes with fewer PreferNoSchedule taints that the Pod does not
// tolerate.
func taints(pod *cluster.Pod, nodes []*cluster.Node, _ Context) []int64 {
	ratings := make([]int64, len(nodes))
	for i, node := range nodes {
		for j := range node.Spec.Taints {
			taint := &node.Spec.Taints[j]
			if taint.Effect == v1.TaintEffectPreferNoSchedule && !cluster.Tolerated(taint, pod.Spec.Tolerations) {
				ratings[i]++
			}
		}
	}
	return reversed(ratings)
}
