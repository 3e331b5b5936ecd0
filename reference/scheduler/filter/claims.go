package filter

import (
	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// claims keeps Pods that want devices off all nodes: what allocates devices to a
// ResourceClaim would be the scheduler, and this one does not. No node publishes any.
var claims = Filter{
	Name:  "DynamicResources",
	Retry: cluster.NodeAdded,
	Prepare: func(pod *cluster.Pod, _ cluster.View) (Check, error) {
		if len(pod.Spec.ResourceClaims) == 0 {
			return nil, nil
		}
		return func(*cluster.Node) *Refusal { return unallocated }, nil
	},
}

var unallocated = &Refusal{Reasons: []string{"cannot allocate all claims"}, Final: true}
