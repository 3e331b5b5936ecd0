package deployment

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func get(status appsv1.DeploymentStatus, kind appsv1.DeploymentConditionType) *appsv1.DeploymentCondition {
	for i := range status.Conditions {
		if status.Conditions[i].Type == kind {
			return &status.Conditions[i]
		}
	}
	return nil
}

// set puts a condition in place, unless it says the same already: its times
// tell since when.
func set(status *appsv1.DeploymentStatus, now time.Time, kind appsv1.DeploymentConditionType, value corev1.ConditionStatus, reason, message string) {
	if old := get(*status, kind); old != nil && old.Status == value && old.Reason == reason {
		return
	}
	renew(status, now, kind, value, reason, message)
}

// renew puts a condition in place, even if it says the same already.
// lastTransitionTime moves only with the value.
func renew(status *appsv1.DeploymentStatus, now time.Time, kind appsv1.DeploymentConditionType, value corev1.ConditionStatus, reason, message string) {
	condition := appsv1.DeploymentCondition{
		Type:               kind,
		Status:             value,
		Reason:             reason,
		Message:            message,
		LastUpdateTime:     metav1.NewTime(now),
		LastTransitionTime: metav1.NewTime(now),
	}
	if old := get(*status, kind); old != nil && old.Status == value {
		condition.LastTransitionTime = old.LastTransitionTime
	}
	remove(status, kind)
	status.Conditions = append(status.Conditions, condition)
}

func remove(status *appsv1.DeploymentStatus, kind appsv1.DeploymentConditionType) {
	status.Conditions = slices.DeleteFunc(status.Conditions, func(c appsv1.DeploymentCondition) bool { return c.Type == kind })
}
