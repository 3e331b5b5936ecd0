package kinds

import (
	"maps"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

func replicationController(k *Kind) {
	k.Default = on(defaultReplicationController)
	k.Validate = check(validateReplicationController)
	k.ValidateUpdate = checkBoth(validateReplicationControllerUpdate)
	k.DefaultPropagation = metav1.DeletePropagationOrphan
	k.Columns, k.Row = replicationControllerColumns, cells(replicationControllerRow)
	scalable(k, func(rc *corev1.ReplicationController) (int32, int32, string) {
		return *rc.Spec.Replicas, rc.Status.Replicas, labels.Set(rc.Spec.Selector).AsSelector().String()
	}, func(rc *corev1.ReplicationController) **int32 { return &rc.Spec.Replicas })
	selectable(k, func(rc *corev1.ReplicationController) fields.Set {
		return fields.Set{"status.replicas": strconv.Itoa(int(rc.Status.Replicas))}
	}, &corev1.ReplicationController{})
}

// defaultReplicationController takes selector and labels from the template,
// which later kinds no longer do.
func defaultReplicationController(rc *corev1.ReplicationController) {
	orDefault(&rc.Spec.Replicas, 1)
	if rc.Spec.Template == nil {
		return
	}
	if len(rc.Spec.Selector) == 0 {
		rc.Spec.Selector = maps.Clone(rc.Spec.Template.Labels)
	}
	if len(rc.Labels) == 0 {
		rc.Labels = maps.Clone(rc.Spec.Template.Labels)
	}
	defaultPodSpec(&rc.Spec.Template.Spec)
}
