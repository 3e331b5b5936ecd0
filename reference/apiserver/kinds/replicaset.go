package kinds

import (
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func replicaSet(k *Kind) {
	k.Default = on(func(rs *appsv1.ReplicaSet) {
		orDefault(&rs.Spec.Replicas, 1)
		defaultPodSpec(&rs.Spec.Template.Spec)
	})
	k.Validate = check(validateReplicaSet)
	k.ValidateUpdate = checkBoth(validateReplicaSetUpdate)
	k.ValidateStatus = checkBoth(validateReplicaSetStatusUpdate)
	k.Warnings = warnUnlessLabel(nameOfPods)
	k.Columns, k.Row = replicaSetColumns, cells(replicaSetRow)
	scalable(k, func(rs *appsv1.ReplicaSet) (int32, int32, string) {
		return *rs.Spec.Replicas, rs.Status.Replicas, metav1.FormatLabelSelector(rs.Spec.Selector)
	}, func(rs *appsv1.ReplicaSet) **int32 { return &rs.Spec.Replicas })
}
