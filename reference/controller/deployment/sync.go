package deployment

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/reference/controller"
)

// sync takes one Deployment one step further: at most one change to each of
// its ReplicaSets, then its status. The events of these writes bring the next step.
func (d *deployments) sync(ctx context.Context, key cache.ObjectName) error {
	deployment, err := d.lister.Deployments(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
	if err != nil {
		return fmt.Errorf("selector: %w", err)
	}
	if selector.Empty() {
		d.events.Event(deployment, corev1.EventTypeWarning, "SelectingAll", "a selector that matches all Pods is refused")
		return nil
	}
	if d.superseded.Stale(deployment) {
		return nil
	}
	if after, pending := d.expectations.Pending(deployment.UID); pending {
		d.queue.AddAfter(key, after)
		return nil
	}
	owned, err := d.claim(ctx, deployment)
	if err != nil {
		return err
	}
	for _, set := range owned {
		if d.superseded.Stale(set) {
			return nil
		}
	}

	r := newRollout(deployment, owned)
	var outcome outcome
	switch {
	case deployment.DeletionTimestamp != nil:
		outcome = statusOnly // DEPLOY-21
	case r.resumed():
		// Told by itself, so that the wait while paused is not taken for a
		// lack of progress (ROLLOUT-10).
		return d.report(ctx, r, resumedStatus(r, time.Now()))
	default:
		outcome, err = d.advance(ctx, r)
	}
	if errors.Is(err, controller.ErrLeaving) {
		return nil // the event that tells of it is on its way
	}
	if err != nil && outcome.failure == nil {
		return err // nothing that the status tells of
	}
	status := statusOf(r, outcome, time.Now())
	if after, ok := nextProgressCheck(deployment, status, time.Now()); ok {
		d.queue.AddAfter(key, after)
	}
	if failed := d.report(ctx, r, status); failed != nil {
		return failed
	}
	return err
}

// claim returns the ReplicaSets that the Deployment owns.
func (d *deployments) claim(ctx context.Context, deployment *appsv1.Deployment) ([]*appsv1.ReplicaSet, error) {
	selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
	if err != nil {
		return nil, err
	}
	return controller.Claim[*appsv1.Deployment, *appsv1.ReplicaSet]{
		Owner:    deployment,
		Kind:     kind,
		Selector: selector,
		Owners:   d.client.AppsV1().Deployments(deployment.Namespace),
		Objects:  d.client.AppsV1().ReplicaSets(deployment.Namespace),
	}.From(ctx, d.sets)
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
	if err := d.resize(ctx, r, r.rolling()); err != nil {
		return rolling, err
	}
	return rolling, d.trimHistory(ctx, r)
}

// recreate makes a step of a rollout by Recreate: first no old Pod, then the
// new ones (ROLLOUT-08).
func (d *deployments) recreate(ctx context.Context, r *rollout) (outcome, error) {
	if down := r.emptied(); len(down) > 0 {
		return rolling, d.resize(ctx, r, down)
	}
	if r.current == nil || *r.current.Spec.Replicas < *r.deployment.Spec.Replicas {
		gone, err := d.departed(ctx, r)
		if err != nil || !gone {
			return rolling, err
		}
	}
	if r.current == nil {
		return d.create(ctx, r, *r.deployment.Spec.Replicas)
	}
	if err := d.resize(ctx, r, []size{{r.current, *r.deployment.Spec.Replicas}}); err != nil {
		return rolling, err
	}
	return rolling, d.trimHistory(ctx, r)
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
		written, err := d.client.AppsV1().ReplicaSets(update.Namespace).Update(ctx, update, metav1.UpdateOptions{})
		if err != nil {
			return fmt.Errorf("ReplicaSet %s: %w", update.Name, err)
		}
		d.superseded.Wrote(s.set, written)
		r.replace(s.set, written)
		if before != s.to {
			direction := "up"
			if s.to < before {
				direction = "down"
			}
			d.events.Eventf(r.deployment, corev1.EventTypeNormal, "ScalingReplicaSet",
				"Scaled %s replica set %s from %d to %d", direction, update.Name, before, s.to)
		}
	}
	return nil
}

// report writes the status, and along with it the revision (DEPLOY-08), if it
// says something new.
func (d *deployments) report(ctx context.Context, r *rollout, status appsv1.DeploymentStatus) error {
	update := r.deployment.DeepCopy()
	update.Status = status
	if revision := r.revision(); revision != "" {
		metav1.SetMetaDataAnnotation(&update.ObjectMeta, revisionAnnotation, revision)
	}
	if equality.Semantic.DeepEqual(r.deployment, update) {
		return nil
	}
	written, err := d.client.AppsV1().Deployments(update.Namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	d.superseded.Wrote(r.deployment, written)
	return nil
}
