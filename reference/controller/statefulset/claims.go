package statefulset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// errClaimLeaving is returned while a claim that a Pod needs is being deleted:
// the Pod waits for a new one.
var errClaimLeaving = errors.New("a claim is being deleted")

// claimName is the name of a Pod's claim (STS-10).
func claimName(set *appsv1.StatefulSet, template *corev1.PersistentVolumeClaim, ordinal int) string {
	return fmt.Sprintf("%s-%s-%d", template.Name, set.Name, ordinal)
}

// volumes adds the claims' volumes to those of the template; of the same name,
// the claim's wins.
func volumes(set *appsv1.StatefulSet, ordinal int, template []corev1.Volume) []corev1.Volume {
	if len(set.Spec.VolumeClaimTemplates) == 0 {
		return template
	}
	claimed := map[string]bool{}
	var all []corev1.Volume
	for i := range set.Spec.VolumeClaimTemplates {
		claim := &set.Spec.VolumeClaimTemplates[i]
		claimed[claim.Name] = true
		all = append(all, corev1.Volume{Name: claim.Name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claimName(set, claim, ordinal)},
		}})
	}
	return append(all, slices.DeleteFunc(slices.Clone(template), func(v corev1.Volume) bool { return claimed[v.Name] })...)
}

// retention says who owns the claims of a Pod: whoever's end is to be theirs.
type retention struct{ set, pod bool }

// retentionOf follows the set's policy. A Pod that is scaled away takes its
// claims along if the policy says so; otherwise they may go with the set.
func retentionOf(set *appsv1.StatefulSet, condemned bool) retention {
	policy := set.Spec.PersistentVolumeClaimRetentionPolicy
	if policy == nil {
		return retention{}
	}
	withPod := condemned && policy.WhenScaled == appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	return retention{
		pod: withPod,
		set: !withPod && policy.WhenDeleted == appsv1.DeletePersistentVolumeClaimRetentionPolicyType,
	}
}

// claimOwners returns the owner references that a claim is to have. References
// of others are kept; and a claim that somebody else controls, or that belongs
// to a predecessor of the same name, is not laid a hand on.
func claimOwners(claim, set, pod metav1.Object, want retention) []metav1.OwnerReference {
	owners := []struct {
		object metav1.Object
		kind   schema.GroupVersionKind
		wanted bool
	}{{set, kind, want.set}, {pod, podKind, want.pod}}
	refs := claim.GetOwnerReferences()
	controlled := false
	var kept []metav1.OwnerReference
	for _, ref := range refs {
		ours := false
		for _, owner := range owners {
			if ref.Kind == owner.kind.Kind && ref.APIVersion == owner.kind.GroupVersion().String() && ref.Name == owner.object.GetName() {
				if ref.UID != owner.object.GetUID() {
					return refs
				}
				ours = true
			}
		}
		if !ours {
			kept = append(kept, ref)
			controlled = controlled || ref.Controller != nil && *ref.Controller
		}
	}
	for _, owner := range owners {
		// A Pod that does not exist yet can own nothing.
		if owner.wanted && !controlled && owner.object.GetUID() != "" {
			kept = append(kept, *metav1.NewControllerRef(owner.object, owner.kind))
		}
	}
	return kept
}

// ensureClaims creates the claims that the Pod with that ordinal lacks (STS-10).
func (c *statefulSets) ensureClaims(ctx context.Context, set *appsv1.StatefulSet, ordinal int) error {
	for i := range set.Spec.VolumeClaimTemplates {
		template := &set.Spec.VolumeClaimTemplates[i]
		name := claimName(set, template, ordinal)
		existing, err := c.claims.PersistentVolumeClaims(set.Namespace).Get(name)
		switch {
		case err == nil && existing.DeletionTimestamp != nil:
			return fmt.Errorf("%s: %w", name, errClaimLeaving)
		case err == nil && staleOwner(existing, podName(set, ordinal)):
			// It goes with the Pod before, which is gone already.
			return fmt.Errorf("%s: %w", name, errClaimLeaving)
		case err == nil:
			continue
		case !apierrors.IsNotFound(err):
			return err
		}
		claim := template.DeepCopy()
		claim.ObjectMeta = metav1.ObjectMeta{
			Name: name, Namespace: set.Namespace, Labels: claim.Labels, Annotations: claim.Annotations, Finalizers: claim.Finalizers,
		}
		if claim.Labels == nil {
			claim.Labels = map[string]string{}
		}
		maps.Copy(claim.Labels, set.Spec.Selector.MatchLabels)
		claim.OwnerReferences = claimOwners(claim, set, &corev1.Pod{}, retentionOf(set, false))
		claim.Status = corev1.PersistentVolumeClaimStatus{}
		_, err = c.client.CoreV1().PersistentVolumeClaims(set.Namespace).Create(ctx, claim, metav1.CreateOptions{})
		switch {
		case apierrors.IsAlreadyExists(err):
		case err != nil:
			c.events.Eventf(set, corev1.EventTypeWarning, "FailedCreate",
				"create Claim %s Pod %s in StatefulSet %s failed error: %s", name, podName(set, ordinal), set.Name, err)
			return fmt.Errorf("claim %s: %w", name, err)
		default:
			c.events.Eventf(set, corev1.EventTypeNormal, "SuccessfulCreate",
				"create Claim %s Pod %s in StatefulSet %s success", name, podName(set, ordinal), set.Name)
		}
	}
	return nil
}

// staleOwner says whether a claim is owned by an earlier Pod of that name,
// given that there is none now.
func staleOwner(claim *corev1.PersistentVolumeClaim, pod string) bool {
	return slices.ContainsFunc(claim.OwnerReferences, func(ref metav1.OwnerReference) bool {
		return ref.Kind == podKind.Kind && ref.APIVersion == podKind.GroupVersion().String() && ref.Name == pod
	})
}

// retainClaims brings the owners of a Pod's claims in line with the policy.
func (c *statefulSets) retainClaims(ctx context.Context, set *appsv1.StatefulSet, pod *corev1.Pod, condemned bool) error {
	ordinal, ok := ordinalOf(set, pod.Name)
	if !ok {
		return nil
	}
	for i := range set.Spec.VolumeClaimTemplates {
		claim, err := c.claims.PersistentVolumeClaims(set.Namespace).Get(claimName(set, &set.Spec.VolumeClaimTemplates[i], ordinal))
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		wanted := claimOwners(claim, set, pod, retentionOf(set, condemned))
		if equality.Semantic.DeepEqual(wanted, claim.OwnerReferences) {
			continue
		}
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
			"resourceVersion": claim.ResourceVersion,
			"ownerReferences": wanted,
		}})
		if err != nil {
			return err
		}
		_, err = c.client.CoreV1().PersistentVolumeClaims(claim.Namespace).Patch(ctx, claim.Name, types.MergePatchType, patch, metav1.PatchOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("owners of claim %s: %w", claim.Name, err)
		}
	}
	return nil
}

// trimClaim is the transform of the claims' informer: only metadata is read.
func trimClaim(object any) (any, error) {
	claim, ok := object.(*corev1.PersistentVolumeClaim)
	if !ok {
		return object, nil
	}
	return &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
		Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID, ResourceVersion: claim.ResourceVersion,
		DeletionTimestamp: claim.DeletionTimestamp, OwnerReferences: claim.OwnerReferences,
	}}, nil
}
