package kinds

import (
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func persistentVolumeClaim(k *Kind) {
	k.Default = on(defaultClaim)
	k.PrepareForCreate = afterCreate(k.PrepareForCreate, func(c *corev1.PersistentVolumeClaim) { c.Status.Phase = corev1.ClaimPending })
	k.Validate = check(validateClaim)
	k.ValidateUpdate = checkBoth(validateClaimUpdate)
	k.Columns, k.Row = claimColumns, cells(claimRow)
}

func defaultClaim(c *corev1.PersistentVolumeClaim) {
	orValue(&c.Status.Phase, corev1.ClaimPending)
	defaultClaimSpec(&c.Spec)
}

func defaultClaimSpec(spec *corev1.PersistentVolumeClaimSpec) {
	orDefault(&spec.VolumeMode, corev1.PersistentVolumeFilesystem)
	roundResources(spec.Resources.Limits)
	roundResources(spec.Resources.Requests)
}

func validateClaim(c *corev1.PersistentVolumeClaim) field.ErrorList {
	f := &errs{}
	f.claimSpec(&c.Spec, field.NewPath("spec"))
	return f.list()
}

// validateClaimUpdate lets a claim be bound, and a bound one grow.
func validateClaimUpdate(c, old *corev1.PersistentVolumeClaim) field.ErrorList {
	f := errs(validateClaim(c))
	rest := c.Spec.DeepCopy()
	if old.Spec.VolumeName == "" {
		rest.VolumeName = ""
	}
	if old.Status.Phase == corev1.ClaimBound {
		rest.Resources.Requests = old.Spec.Resources.Requests
		rest.VolumeAttributesClassName = old.Spec.VolumeAttributesClassName
	}
	if !equality.Semantic.DeepEqual(*rest, old.Spec) {
		f.forbidden(field.NewPath("spec"), "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims")
	}
	return f.list()
}

func persistentVolume(k *Kind) {
	k.Default = on(func(v *corev1.PersistentVolume) {
		orValue(&v.Status.Phase, corev1.VolumePending)
		orValue(&v.Spec.PersistentVolumeReclaimPolicy, corev1.PersistentVolumeReclaimRetain)
		orDefault(&v.Spec.VolumeMode, corev1.PersistentVolumeFilesystem)
	})
	k.PrepareForCreate = afterCreate(k.PrepareForCreate, func(v *corev1.PersistentVolume) { v.Status.Phase = corev1.VolumePending })
	k.Columns, k.Row = volumeColumns, cells(volumeRow)
}

func storageClass(k *Kind) {
	k.Default = on(func(c *storagev1.StorageClass) {
		orDefault(&c.ReclaimPolicy, corev1.PersistentVolumeReclaimDelete)
		orDefault(&c.VolumeBindingMode, storagev1.VolumeBindingImmediate)
	})
}
