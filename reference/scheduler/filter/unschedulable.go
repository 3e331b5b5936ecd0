package filter

import (
	v1 "k8s.io/api/core/v1"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// unschedulable keeps Pods off cordoned nodes (SCHED-11). The cordon counts as
// the taint that the node lifecycle controller makes of it, so what tolerates
// the taint (a DaemonSet's Pods) passes.
var unschedulable = Filter{
	Name:  "NodeUnschedulable",
	Retry: cluster.NodeAdded | cluster.NodeTaints,
	Prepare: func(pod *cluster.Pod, _ cluster.View) (Check, error) {
		if cluster.Tolerated(&cordon, pod.Spec.Tolerations) {
			return nil, nil
		}
		return func(node *cluster.Node) *Refusal {
			if node.Spec.Unschedulable {
				return cordoned
			}
			return nil
		}, nil
	},
}

var (
	cordon   = v1.Taint{Key: v1.TaintNodeUnschedulable, Effect: v1.TaintEffectNoSchedule}
	cordoned = &Refusal{Reasons: []string{"node(s) were unschedulable"}, Final: true}
)
