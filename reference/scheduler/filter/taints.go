package filter

import (
	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// taints keeps Pods off nodes with a NoSchedule or NoExecute taint that they do
// not tolerate (SCHED-10). Nodes that are not ready are avoided by this and by
// nothing else (SCHED-27).
var taints = Filter{
	Name:  "TaintToleration",
	Retry: cluster.NodeAdded | cluster.NodeTaints,
	Prepare: func(pod *cluster.Pod, _ cluster.View) (Check, error) {
		return func(node *cluster.Node) *Refusal {
			if cluster.Untolerated(node.Node, pod.Spec.Tolerations) {
				return untolerated
			}
			return nil
		}, nil
	},
}

var untolerated = &Refusal{Reasons: []string{"node(s) had untolerated taint(s)"}, Final: true}
