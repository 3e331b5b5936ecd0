package replicaset

import (
	"iter"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/podchain/podchain/reference/controller"
)

// burst bounds the Pods that one plan creates or deletes: between bursts the
// controller looks whether more is still wanted.
const burst = 500

// plan is what to do now.
type plan struct {
	create int
	delete []*corev1.Pod
	// rest is how many more Pods are missing or too many.
	rest int
}

// planFor has the active Pods become as many as the ReplicaSet asks for (RS-01).
// related are the Pods by which it is judged how full a node is.
func planFor(set *appsv1.ReplicaSet, pods []*corev1.Pod, related iter.Seq[*corev1.Pod], now time.Time) (p plan) {
	active := make([]*corev1.Pod, 0, len(pods))
	for _, pod := range pods {
		if controller.Active(pod) {
			active = append(active, pod)
		}
	}
	switch missing := int(*set.Spec.Replicas) - len(active); {
	case missing > 0:
		p.create = min(missing, burst)
		p.rest = missing - p.create
	case missing < 0:
		p.delete = victims(active, perNode(related), min(-missing, burst), now)
		p.rest = -missing - len(p.delete)
	}
	return p
}

// perNode counts the active Pods on each node.
func perNode(pods iter.Seq[*corev1.Pod]) map[string]int {
	count := map[string]int{}
	for pod := range pods {
		if pod.Spec.NodeName != "" && controller.Active(pod) {
			count[pod.Spec.NodeName]++
		}
	}
	return count
}

// effect is what the change of an owned Pod has an effect on.
func effect(before, now *corev1.Pod) controller.Effect {
	switch {
	case controller.Active(before) != controller.Active(now), controller.Terminal(before) != controller.Terminal(now):
		return controller.OnPlan
	case !equality.Semantic.DeepEqual(controller.PodCondition(before, corev1.PodReady), controller.PodCondition(now, corev1.PodReady)):
		return controller.OnStatus
	default:
		return controller.OnNothing
	}
}
