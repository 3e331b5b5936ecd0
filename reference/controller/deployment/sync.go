package deployment

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// sync takes one Deployment one step further: at most one change to each of
// its ReplicaSets, then its status. The events of these writes bring the next step.
func (d *deployments) sync(ctx context.Context, deployment *appsv1.Deployment) error {
	owned, err := d.sets.Claim(ctx, deployment)
	if err != nil {
		return err
	}
	if d.sets.Stale(owned) {
		return nil
	}
	r := newRollout(deployment, owned)
	var outcome outcome
	switch {
	case deployment.DeletionTimestamp != nil:
		outcome = statusOnly // DEPLOY-21
	case r.resumed():
		// Written by itself, so that the wait while paused is not taken for a
		// lack of progress (ROLLOUT-10).
		return d.report(ctx, r, resumedStatus(r, time.Now()))
	default:
		outcome, err = d.advance(ctx, r)
	}
	if err != nil && outcome.failure == nil {
		return err // nothing that the status tells of
	}
	status := statusOf(r, outcome, time.Now())
	d.EnqueueAfter(deployment, nextProgressCheck(deployment, status, time.Now()))
	if failed := d.report(ctx, r, status); failed != nil {
		return failed
	}
	return err
}

// advance makes the step that the state calls for.
func (d *deployments) advance(ctx context.Context, r *rollout) (outcome, error) {
	switch {
	case r.deployment.Spec.Paused:
		// No new revision while paused, but a change of scale is followed (ROLLOUT-11).
		return statusOnly, d.resize(ctx, r, r.scaling())
	case r.scaled():
		return statusOnly, d.resize(ctx, r, r.scaling())
	case r.deployment.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType:
		return d.recreate(ctx, r)
	default:
		return d.roll(ctx, r)
	}
}

// roll makes a step of a rolling update.
func (d *deployments) roll(ctx context.Context, r *rollout) (outcome, error) {
	if r.current == nil {
		return d.create(ctx, r, r.growth())
	}
	if err := d.resize(ctx, r, r.rollingUpdate()); err != nil {
		return rolloutStep, err
	}
	return rolloutStep, d.trimHistory(ctx, r)
}

// recreate makes a step of a rollout by Recreate: first no old Pod, then the
// new ones (ROLLOUT-08).
func (d *deployments) recreate(ctx context.Context, r *rollout) (outcome, error) {
	if down := r.emptied(); len(down) > 0 {
		return rolloutStep, d.resize(ctx, r, down)
	}
	if r.current == nil || *r.current.Spec.Replicas < *r.deployment.Spec.Replicas {
		drained, err := d.drained(ctx, r)
		if err != nil || !drained {
			return rolloutStep, err
		}
	}
	if r.current == nil {
		return d.create(ctx, r, *r.deployment.Spec.Replicas)
	}
	if err := d.resize(ctx, r, []size{{r.current, *r.deployment.Spec.Replicas}}); err != nil {
		return rolloutStep, err
	}
	return rolloutStep, d.trimHistory(ctx, r)
}

// resize brings the ReplicaSets to the sizes, and the current one's
// annotations and minReadySeconds up to date, with one write for each at most.
func (d *deployments) resize(ctx context.Context, r *rollout, sizes []size) error {
	if r.current != nil && !contains(sizes, r.current) {
		sizes = append([]size{{r.current, *r.current.Spec.Replicas}}, sizes...)
	}
	rescale := r.scaled()
	for _, s := range sizes {
		update := s.set.DeepCopy()
		if s.set == r.current {
			r.describe(update)
		}
		before := *update.Spec.Replicas
		if before != s.to || rescale {
			*update.Spec.Replicas = s.to
			r.annotateSize(update)
		}
		if equality.Semantic.DeepEqual(s.set, update) {
			continue
		}
		written, err := d.sets.Update(ctx, s.set, update)
		if err != nil {
			return fmt.Errorf("ReplicaSet %s: %w", update.Name, err)
		}
		r.replace(s.set, written)
		if before != s.to {
			direction := "up"
			if s.to < before {
				direction = "down"
			}
			d.Events.Eventf(r.deployment, corev1.EventTypeNormal, "ScalingReplicaSet",
				"Scaled %s replica set %s from %d to %d", direction, update.Name, before, s.to)
		}
	}
	return nil
}

// report writes the status, and along with it the revision (DEPLOY-08).
func (d *deployments) report(ctx context.Context, r *rollout, status appsv1.DeploymentStatus) error {
	update := r.deployment.DeepCopy()
	update.Status = status
	if revision := r.revision(); revision != "" {
		metav1.SetMetaDataAnnotation(&update.ObjectMeta, revisionAnnotation, revision)
	}
	return d.UpdateStatus(ctx, r.deployment, update)
}
