package controller

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/tools/cache"
)

// Terminal says that the Pod's containers have ended for good.
func Terminal(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// Active says that the Pod counts as a replica: it has not ended, and is not
// on its way out (RS-01).
func Active(pod *corev1.Pod) bool { return !Terminal(pod) && pod.DeletionTimestamp == nil }

// Terminating says that the Pod is on its way out and has not ended yet (RS-22).
func Terminating(pod *corev1.Pod) bool { return !Terminal(pod) && pod.DeletionTimestamp != nil }

// PodCondition returns the condition of that type, or nil.
func PodCondition(pod *corev1.Pod, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == kind {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// Ready says that the Pod's Ready condition is True; its phase does not tell.
func Ready(pod *corev1.Pod) bool {
	condition := PodCondition(pod, corev1.PodReady)
	return condition != nil && condition.Status == corev1.ConditionTrue
}

// Available says that the Pod has been Ready for minReadySeconds.
func Available(pod *corev1.Pod, minReadySeconds int32, now time.Time) bool {
	ready := PodCondition(pod, corev1.PodReady)
	return ready != nil && ready.Status == corev1.ConditionTrue && (minReadySeconds == 0 || availableAfter(ready, minReadySeconds, now) <= 0)
}

// NextAvailable is how long it takes until time alone makes one of the Pods
// available; 0 if it makes none.
func NextAvailable(pods []*corev1.Pod, minReadySeconds int32, now time.Time) (soonest time.Duration) {
	if minReadySeconds == 0 {
		return 0
	}
	for _, pod := range pods {
		if !Ready(pod) || !Active(pod) {
			continue
		}
		if after := availableAfter(PodCondition(pod, corev1.PodReady), minReadySeconds, now); after > 0 && (soonest == 0 || after < soonest) {
			soonest = after
		}
	}
	return soonest
}

func availableAfter(ready *corev1.PodCondition, minReadySeconds int32, now time.Time) time.Duration {
	minimum := time.Duration(minReadySeconds) * time.Second
	if ready.LastTransitionTime.IsZero() {
		return minimum
	}
	return ready.LastTransitionTime.Add(minimum).Sub(now)
}

// Restarts sums up the restarts of the Pod's containers, and of the init
// containers that run along with them.
func Restarts(pod *corev1.Pod) int {
	total := 0
	for i := range pod.Status.ContainerStatuses {
		total += int(pod.Status.ContainerStatuses[i].RestartCount)
	}
	for i := range pod.Spec.InitContainers {
		if policy := pod.Spec.InitContainers[i].RestartPolicy; policy == nil || *policy != corev1.ContainerRestartPolicyAlways {
			continue
		}
		for j := range pod.Status.InitContainerStatuses {
			if pod.Status.InitContainerStatuses[j].Name == pod.Spec.InitContainers[i].Name {
				total += int(pod.Status.InitContainerStatuses[j].RestartCount)
			}
		}
	}
	return total
}

// PodFromTemplate makes the Pod that a controller creates (RS-02..05): a copy
// of the template with a name for the API server to complete, and the owner as
// its controller.
func PodFromTemplate(template *corev1.PodTemplateSpec, owner metav1.Object, kind schema.GroupVersionKind) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       owner.GetNamespace(),
			GenerateName:    podNamePrefix(owner.GetName()),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(owner, kind)},
		},
		Spec: *template.Spec.DeepCopy(),
	}
	source := template.ObjectMeta.DeepCopy()
	pod.Labels, pod.Annotations, pod.Finalizers = source.Labels, source.Annotations, source.Finalizers
	return pod
}

// podNamePrefix keeps the dash out where it would make the prefix too long to be a name.
func podNamePrefix(owner string) string {
	if len(owner)+1 > validation.DNS1123SubdomainMaxLength {
		return owner
	}
	return owner + "-"
}

// TrimPods is a transform for the cache of Pods of a controller of that kind, which
// counts Pods and does not read what they run. Of its own and of those without a
// controller it keeps metadata, and of the rest what Active, Ready, Available, Restarts
// and a choice of Pods to delete need; of others only whose they are. It makes a cached
// Pod a fraction of its size. What more is to be kept, keep copies from the Pod to the
// trimmed one; it may be nil.
func TrimPods(kind string, keep func(trimmed, pod *corev1.Pod)) cache.TransformFunc {
	return func(object any) (any, error) {
		pod, ok := object.(*corev1.Pod)
		if !ok {
			return object, nil
		}
		trimmed := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name:            pod.Name,
			Namespace:       pod.Namespace,
			UID:             pod.UID,
			ResourceVersion: pod.ResourceVersion,
			OwnerReferences: pod.OwnerReferences,
		}}
		if owner := metav1.GetControllerOfNoCopy(pod); owner != nil && owner.Kind != kind {
			return trimmed, nil
		}
		trimmed.Generation = pod.Generation
		trimmed.CreationTimestamp, trimmed.DeletionTimestamp = pod.CreationTimestamp, pod.DeletionTimestamp
		trimmed.Labels, trimmed.Annotations = pod.Labels, pod.Annotations
		trimmed.Spec.NodeName = pod.Spec.NodeName
		trimmed.Status.Phase = pod.Status.Phase
		if ready := PodCondition(pod, corev1.PodReady); ready != nil {
			trimmed.Status.Conditions = []corev1.PodCondition{{
				Type: ready.Type, Status: ready.Status, LastTransitionTime: ready.LastTransitionTime,
			}}
		}
		// One number is kept of all the containers.
		if restarts := Restarts(pod); restarts > 0 {
			trimmed.Status.ContainerStatuses = []corev1.ContainerStatus{{RestartCount: int32(restarts)}}
		}
		if keep != nil {
			keep(trimmed, pod)
		}
		return trimmed, nil
	}
}
