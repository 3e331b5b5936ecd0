package replicaset

import (
	"errors"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/controller"
)

// Reasons of a failure.
const (
	reasonFailedCreate = "FailedCreate"
	reasonFailedDelete = "FailedDelete"
)

// statusOf counts the owned Pods (RS-14, RS-22) and tells of a failure (RS-16).
func statusOf(set *appsv1.ReplicaSet, pods []*corev1.Pod, failure error, now time.Time) appsv1.ReplicaSetStatus {
	status := appsv1.ReplicaSetStatus{
		ObservedGeneration:  set.Generation,
		TerminatingReplicas: ptr.To[int32](0),
	}
	template := labels.SelectorFromSet(set.Spec.Template.Labels)
	for _, pod := range pods {
		if controller.Terminating(pod) {
			*status.TerminatingReplicas++
		}
		if !controller.Active(pod) {
			continue
		}
		status.Replicas++
		if template.Matches(labels.Set(pod.Labels)) {
			status.FullyLabeledReplicas++
		}
		if controller.Ready(pod) {
			status.ReadyReplicas++
		}
		if controller.Available(pod, set.Spec.MinReadySeconds, now) {
			status.AvailableReplicas++
		}
	}
	status.Conditions = withFailure(set.Status.Conditions, failure, *set.Spec.Replicas > status.Replicas, now)
	return status
}

// withFailure sets or removes the condition ReplicaFailure. A failure that
// lasts keeps its first message, or else every attempt would be a write.
func withFailure(conditions []appsv1.ReplicaSetCondition, failure error, creating bool, now time.Time) []appsv1.ReplicaSetCondition {
	reason := reasonFailedDelete
	if creating {
		reason = reasonFailedCreate
	}
	is := func(c appsv1.ReplicaSetCondition) bool { return c.Type == appsv1.ReplicaSetReplicaFailure }
	at := slices.IndexFunc(conditions, is)
	switch {
	case failure == nil && at < 0, failure != nil && at >= 0 && conditions[at].Reason == reason:
		return conditions
	case failure == nil:
		return slices.DeleteFunc(slices.Clone(conditions), is)
	}
	return append(slices.DeleteFunc(slices.Clone(conditions), is), appsv1.ReplicaSetCondition{
		Type:               appsv1.ReplicaSetReplicaFailure,
		Status:             corev1.ConditionTrue,
		Reason:             reason,
		Message:            first(failure).Error(),
		LastTransitionTime: metav1.NewTime(now),
	})
}

// first leaves out what was joined to an error.
func first(err error) error {
	for joined := interface{ Unwrap() []error }(nil); errors.As(err, &joined); {
		err = joined.Unwrap()[0]
	}
	return err
}
