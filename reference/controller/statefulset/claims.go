package statefulset

import (
	"context"
	"encoding/json"
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

// retention says with whose deletion the claims of a Pod are to be deleted.
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

// claimOwners returns the owner references that a claim is to have. References to
// others are kept; and a claim that another object controls, or that belongs to a
// predecessor of the same name, stays as it is.
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

// missingClaims returns the claims that the Pod with that ordinal lacks (STS-10), given
// the existing ones. If blocked, one of its claims is being deleted and it has to wait.
func missingClaims(set *appsv1.StatefulSet, ordinal int, claims claims) (missing []*corev1.PersistentVolumeClaim, blocked bool) {
	for i := range set.Spec.VolumeClaimTemplates {
		template := &set.Spec.VolumeClaimTemplates[i]
		name := claimName(set, template, ordinal)
		if existing := claims(name); existing != nil {
			blocked = blocked || existing.DeletionTimestamp != nil || ownedBy(existing, podName(set, ordinal))
			continue
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
		missing = append(missing, claim)
	}
	return missing, blocked
}

// ownedBy returns whether a claim is owned by a Pod of that name, or by an earlier one
// which is gone already.
func ownedBy(claim *corev1.PersistentVolumeClaim, pod string) bool {
	return slices.ContainsFunc(claim.OwnerReferences, func(ref metav1.OwnerReference) bool {
		return ref.Kind == podKind.Kind && ref.APIVersion == podKind.GroupVersion().String() && ref.Name == pod
	})
}

// claimChange is a claim whose owners are not in line with the policy.
type claimChange struct {
	claim  *corev1.PersistentVolumeClaim
	owners []metav1.OwnerReference
}

// claimChanges returns what has to change for the set's policy.
func (s state) claimChanges() (changes []claimChange) {
	add := func(pod *corev1.Pod, condemned bool) {
		ordinal, _ := ordinalOf(s.set, pod.Name)
		for i := range s.set.Spec.VolumeClaimTemplates {
			claim := s.claims(claimName(s.set, &s.set.Spec.VolumeClaimTemplates[i], ordinal))
			if claim == nil {
				continue
			}
			owners := claimOwners(claim, s.set, pod, retentionOf(s.set, condemned))
			if !equality.Semantic.DeepEqual(owners, claim.OwnerReferences) {
				changes = append(changes, claimChange{claim, owners})
			}
		}
	}
	for _, pod := range s.replicas {
		if pod != nil {
			add(pod, false)
		}
	}
	for _, pod := range s.condemned {
		add(pod, true)
	}
	return changes
}

// claims returns the claim of a name, or nil.
type claims func(name string) *corev1.PersistentVolumeClaim

// claimsOf returns the claims in a set's namespace, as cached.
func (c *statefulSets) claimsOf(set *appsv1.StatefulSet) claims {
	cached := c.claims.In(set.Namespace)
	return func(name string) *corev1.PersistentVolumeClaim {
		claim, err := cached.Get(name)
		if err != nil {
			return nil // it does not exist: a cache in memory has no other error
		}
		return claim
	}
}

// createClaims creates the claims that a Pod lacks.
func (c *statefulSets) createClaims(ctx context.Context, set *appsv1.StatefulSet, pod *corev1.Pod) error {
	ordinal, _ := ordinalOf(set, pod.Name)
	missing, _ := missingClaims(set, ordinal, c.claimsOf(set))
	for _, claim := range missing {
		_, err := c.claims.Client(set.Namespace).Create(ctx, claim, metav1.CreateOptions{})
		switch {
		case apierrors.IsAlreadyExists(err):
		case err != nil:
			c.Events.Eventf(set, corev1.EventTypeWarning, "FailedCreate",
				"Create Claim %s for Pod %s in StatefulSet %s failed error: %s", claim.Name, pod.Name, set.Name, err)
			return fmt.Errorf("claim %s: %w", claim.Name, err)
		default:
			c.Events.Eventf(set, corev1.EventTypeNormal, "SuccessfulCreate",
				"Create Claim %s Pod %s in StatefulSet %s success", claim.Name, pod.Name, set.Name)
		}
	}
	return nil
}

// changeOwners writes the owners of a claim.
func (c *statefulSets) changeOwners(ctx context.Context, change claimChange) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": change.claim.ResourceVersion,
		"ownerReferences": change.owners,
	}})
	if err != nil {
		return err
	}
	_, err = c.claims.Client(change.claim.Namespace).Patch(ctx, change.claim.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("owners of claim %s: %w", change.claim.Name, err)
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
