package deployment

import (
	"cmp"
	"context"
	"math"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
)

// trimHistory deletes old ReplicaSets beyond the limit, once the rollout is
// complete: until then they may be wanted for a rollback (ROLLOUT-13).
func (d *deployments) trimHistory(ctx context.Context, r *rollout) error {
	if !complete(r.deployment, r.deployment.Status) {
		return nil
	}
	return d.sets.Discard(ctx, r.surplus())
}

// surplus returns the old ReplicaSets to delete: the lowest revisions, except
// those that have Pods, or whose controller has not seen yet that they are to have none.
func (r *rollout) surplus() []*appsv1.ReplicaSet {
	limit := r.deployment.Spec.RevisionHistoryLimit
	if limit == nil || *limit == math.MaxInt32 {
		return nil
	}
	kept := slices.DeleteFunc(slices.Clone(r.old), func(set *appsv1.ReplicaSet) bool { return set.DeletionTimestamp != nil })
	slices.SortStableFunc(kept, func(a, b *appsv1.ReplicaSet) int { return cmp.Compare(revisionOf(a), revisionOf(b)) })
	kept = kept[:max(0, len(kept)-int(*limit))]
	return slices.DeleteFunc(kept, func(set *appsv1.ReplicaSet) bool {
		return *set.Spec.Replicas > 0 || set.Status.Replicas > 0 || set.Status.ObservedGeneration < set.Generation
	})
}
