package controller

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
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

// Available says that the Pod has been Ready for minReadySeconds. A Pod that
// is Ready and not available will be after the returned time.
func Available(pod *corev1.Pod, minReadySeconds int32, now time.Time) (available bool, after time.Duration) {
	condition := PodCondition(pod, corev1.PodReady)
	if condition == nil || condition.Status != corev1.ConditionTrue {
		return false, 0
	}
	if minReadySeconds == 0 {
		return true, 0
	}
	minimum := time.Duration(minReadySeconds) * time.Second
	if condition.LastTransitionTime.IsZero() {
		return false, minimum
	}
	after = condition.LastTransitionTime.Add(minimum).Sub(now)
	return after <= 0, max(after, 0)
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
// of the template with a name for the API server to complete, and the
// controller as its owner. The template is not to be changed while it is used.
func PodFromTemplate(template *corev1.PodTemplateSpec, owner metav1.Object, reference *metav1.OwnerReference) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       owner.GetNamespace(),
			GenerateName:    podNamePrefix(owner.GetName()),
			OwnerReferences: []metav1.OwnerReference{*reference},
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

// TrimPod is a transform for informers whose controller counts Pods and does
// not read what they run: it keeps metadata, and of the rest what Active,
// Ready, Available, Restarts and a choice of victims need. It makes a cached
// Pod a fraction of its size.
func TrimPod(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return Trim(object)
	}
	slim := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:              pod.Name,
			Namespace:         pod.Namespace,
			UID:               pod.UID,
			ResourceVersion:   pod.ResourceVersion,
			Generation:        pod.Generation,
			CreationTimestamp: pod.CreationTimestamp,
			DeletionTimestamp: pod.DeletionTimestamp,
			Labels:            pod.Labels,
			Annotations:       pod.Annotations,
			OwnerReferences:   pod.OwnerReferences,
		},
		Spec:   corev1.PodSpec{NodeName: pod.Spec.NodeName},
		Status: corev1.PodStatus{Phase: pod.Status.Phase},
	}
	if ready := PodCondition(pod, corev1.PodReady); ready != nil {
		slim.Status.Conditions = []corev1.PodCondition{{
			Type: ready.Type, Status: ready.Status, LastTransitionTime: ready.LastTransitionTime,
		}}
	}
	// One number is kept of all the containers.
	if restarts := Restarts(pod); restarts > 0 {
		slim.Status.ContainerStatuses = []corev1.ContainerStatus{{RestartCount: int32(restarts)}}
	}
	return slim, nil
}
