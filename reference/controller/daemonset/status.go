package daemonset

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/podchain/podchain/reference/controller"
)

// status counts nodes, not Pods (DS-05): on each the oldest Pod speaks.
func (s state) status(collisions *int32) appsv1.DaemonSetStatus {
	status := appsv1.DaemonSetStatus{
		ObservedGeneration: s.set.Generation,
		CollisionCount:     collisions,
		Conditions:         s.set.Status.Conditions,
	}
	for _, node := range s.nodes {
		run, _ := s.eligible.of(node)
		pods := s.pods[node.Name]
		if !run {
			if len(pods) > 0 {
				status.NumberMisscheduled++
			}
			continue
		}
		status.DesiredNumberScheduled++
		if len(pods) == 0 {
			continue
		}
		status.CurrentNumberScheduled++
		if controller.Ready(pods[0]) {
			status.NumberReady++
		}
		if s.available(pods[0]) {
			status.NumberAvailable++
		}
		if s.updated(pods[0]) {
			status.UpdatedNumberScheduled++
		}
	}
	status.NumberUnavailable = status.DesiredNumberScheduled - status.NumberAvailable
	return status
}

// keepAffinity keeps what a Pod that is not placed yet is known by: the node that it
// is made for.
func keepAffinity(trimmed, pod *corev1.Pod) {
	if pod.Spec.NodeName == "" {
		trimmed.Spec.Affinity = pod.Spec.Affinity
	}
}

// trimNode is the transform of the nodes' informer.
func trimNode(object any) (any, error) {
	node, ok := object.(*corev1.Node)
	if !ok {
		return object, nil
	}
	slim := &corev1.Node{}
	slim.Name, slim.UID, slim.ResourceVersion, slim.Labels = node.Name, node.UID, node.ResourceVersion, node.Labels
	slim.Spec.Taints = node.Spec.Taints
	return slim, nil
}
