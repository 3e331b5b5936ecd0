package kinds

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func statefulSet(k *Kind) {
	// Pods are named after it and an ordinal, and so are their hosts.
	k.ValidateName = validation.NameIsDNSLabel
	k.Default = on(defaultStatefulSet)
	k.Validate = check(validateStatefulSet)
	k.ValidateUpdate = checkBoth(validateStatefulSetUpdate)
	k.ValidateStatus = checkBoth(validateStatefulSetStatusUpdate)
	k.Columns, k.Row = statefulSetColumns, cells(statefulSetRow)
	scalable(k, func(s *appsv1.StatefulSet) (int32, int32, string) {
		return *s.Spec.Replicas, s.Status.Replicas, metav1.FormatLabelSelector(s.Spec.Selector)
	}, func(s *appsv1.StatefulSet) **int32 { return &s.Spec.Replicas })
}

// defaultStatefulSet is API-DEFAULT-08. A rollingUpdate block appears only if
// the client left the whole strategy out.
func defaultStatefulSet(s *appsv1.StatefulSet) {
	orDefault(&s.Spec.Replicas, 1)
	orValue(&s.Spec.PodManagementPolicy, appsv1.OrderedReadyPodManagement)
	strategy := &s.Spec.UpdateStrategy
	if strategy.Type == "" {
		strategy.Type = appsv1.RollingUpdateStatefulSetStrategyType
		orDefault(&strategy.RollingUpdate, appsv1.RollingUpdateStatefulSetStrategy{})
	}
	if strategy.Type == appsv1.RollingUpdateStatefulSetStrategyType && strategy.RollingUpdate != nil {
		orDefault(&strategy.RollingUpdate.Partition, 0)
		orDefault(&strategy.RollingUpdate.MaxUnavailable, intstr.FromInt32(1))
	}
	orDefault(&s.Spec.PersistentVolumeClaimRetentionPolicy, appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{})
	orValue(&s.Spec.PersistentVolumeClaimRetentionPolicy.WhenDeleted, appsv1.RetainPersistentVolumeClaimRetentionPolicyType)
	orValue(&s.Spec.PersistentVolumeClaimRetentionPolicy.WhenScaled, appsv1.RetainPersistentVolumeClaimRetentionPolicyType)
	orDefault(&s.Spec.RevisionHistoryLimit, 10)
	defaultPodSpec(&s.Spec.Template.Spec)
	for i := range s.Spec.VolumeClaimTemplates {
		claim := &s.Spec.VolumeClaimTemplates[i]
		// The claim is embedded, so its kind is not set anywhere else.
		claim.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"))
		defaultClaim(claim)
	}
}
