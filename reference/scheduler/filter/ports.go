package filter

import (
	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// ports keeps Pods that want the same host port apart (SCHED-12).
var ports = Filter{
	Name:  "NodePorts",
	Retry: cluster.NodeAdded | cluster.PodRemoved,
	Prepare: func(pod *cluster.Pod, _ cluster.View) (Check, error) {
		if len(pod.Ports) == 0 {
			return nil, nil
		}
		return func(node *cluster.Node) *Refusal {
			for taken := range node.Ports {
				for _, wanted := range pod.Ports {
					if wanted.Conflicts(taken) {
						return portTaken
					}
				}
			}
			return nil
		}, nil
	},
}

var portTaken = &Refusal{Reasons: []string{"node(s) didn't have free ports for the requested pod ports"}}
