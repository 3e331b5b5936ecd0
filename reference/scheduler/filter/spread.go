package filter

import (
	"math"

	v1 "k8s.io/api/core/v1"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// spread applies topologySpreadConstraints with DoNotSchedule (SCHED-14): after
// the placement no domain has more than maxSkew Pods above the emptiest one.
var spread = Filter{
	Name: "PodTopologySpread",
	Retry: cluster.NodeAdded | cluster.NodeRemoved | cluster.NodeLabels | cluster.NodeTaints |
		cluster.PodPlaced | cluster.PodLabels | cluster.PodLeaving | cluster.PodRemoved,
	Prepare: func(pod *cluster.Pod, view cluster.View) (Check, error) {
		spreads, err := cluster.SpreadsOf(pod, v1.DoNotSchedule)
		if err != nil || len(spreads) == 0 {
			return nil, err
		}
		domains := make([]domains, len(spreads))
		for i := range spreads {
			domains[i] = countDomains(&spreads[i], spreads, pod, view)
		}
		return func(node *cluster.Node) *Refusal {
			for i := range spreads {
				domain, ok := node.Labels[spreads[i].TopologyKey]
				if !ok {
					return noDomain
				}
				if domains[i].with(domain)-domains[i].least > spreads[i].MaxSkew {
					return skewed
				}
			}
			return nil
		}, nil
	},
}

var (
	noDomain = &Refusal{Reasons: []string{"node(s) didn't match pod topology spread constraints (missing required label)"}, Final: true}
	skewed   = &Refusal{Reasons: []string{"node(s) didn't match pod topology spread constraints"}}
)

// domains are the eligible domains of one constraint, and their Pods.
type domains struct {
	pods map[string]int
	// least is what the emptiest has; 0 if there are fewer than minDomains.
	least int
	// self is 1 if the Pod itself counts.
	self int
}

// with is what the domain would have with the Pod in it.
func (d *domains) with(domain string) int { return d.pods[domain] + d.self }

func countDomains(s *cluster.Spread, all []cluster.Spread, pod *cluster.Pod, view cluster.View) domains {
	d := domains{pods: map[string]int{}}
	counted := view.Classes(pod.Namespace, s.Counts)
	for _, node := range view.Nodes {
		if cluster.Labelled(node.Node, all) && s.Includes(node.Node) {
			d.pods[node.Labels[s.TopologyKey]] += node.Staying(counted)
		}
	}
	if len(d.pods) >= s.MinDomains {
		d.least = math.MaxInt
		for _, pods := range d.pods {
			d.least = min(d.least, pods)
		}
	}
	if len(d.pods) == 0 {
		d.least = 0
	}
	if s.Counts(pod.Class) {
		d.self = 1
	}
	return d
}
