package filter

import (
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// nodeAffinity applies nodeSelector (SCHED-08) and required node affinity
// (SCHED-09).
var nodeAffinity = Filter{
	Name:  "NodeAffinity",
	Retry: cluster.NodeAdded | cluster.NodeLabels,
	Prepare: func(pod *cluster.Pod, _ cluster.View) (Check, error) {
		affinity := pod.Spec.Affinity
		if len(pod.Spec.NodeSelector) == 0 && (affinity == nil || affinity.NodeAffinity == nil) {
			return nil, nil
		}
		required := nodeaffinity.GetRequiredNodeAffinity(pod.Pod)
		return func(node *cluster.Node) *Refusal {
			// A term that cannot be parsed matches no node; the others may.
			if match, _ := required.Match(node.Node); !match {
				return unwanted
			}
			return nil
		}, nil
	},
}

var unwanted = &Refusal{Reasons: []string{"node(s) didn't match Pod's node affinity/selector"}, Final: true}
