package statefulset

import (
	"cmp"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/podchain/podchain/reference/controller"
)

// status counts the set's Pods (STS-08). Pods on their way out count as
// replicas, but not as being at a revision.
func (s state) status(collisions *int32) appsv1.StatefulSetStatus {
	status := appsv1.StatefulSetStatus{
		ObservedGeneration: s.set.Generation,
		CurrentRevision:    s.current.Name,
		UpdateRevision:     s.update.Name,
		CollisionCount:     cmp.Or(collisions, new(int32)),
		Conditions:         s.set.Status.Conditions,
	}
	for _, pods := range [][]*corev1.Pod{s.replicas, s.condemned} {
		for _, pod := range pods {
			if pod != nil {
				s.count(pod, &status)
			}
		}
	}
	// The update is complete when every Pod is at the new revision and works.
	if wanted := int32(replicas(s.set)); status.UpdatedReplicas == wanted && status.ReadyReplicas == wanted && status.Replicas == wanted {
		status.CurrentRevision, status.CurrentReplicas = status.UpdateRevision, status.UpdatedReplicas
	}
	return status
}

func (s state) count(pod *corev1.Pod, status *appsv1.StatefulSetStatus) {
	status.Replicas++
	if pod.Status.Phase == corev1.PodRunning && controller.Ready(pod) {
		status.ReadyReplicas++
		if controller.Available(pod, s.set.Spec.MinReadySeconds, s.now) {
			status.AvailableReplicas++
		}
	}
	if pod.DeletionTimestamp != nil {
		return
	}
	// At first both names are of one revision.
	if revisionOf(pod) == s.current.Name {
		status.CurrentReplicas++
	}
	if revisionOf(pod) == s.update.Name {
		status.UpdatedReplicas++
	}
}
