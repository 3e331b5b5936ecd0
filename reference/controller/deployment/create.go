package deployment

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/controller"
)

// create makes the ReplicaSet of the Deployment's template, with its size at
// once (DEPLOY-01).
func (d *deployments) create(ctx context.Context, r *rollout, replicas int32) (outcome, error) {
	sets := d.client.AppsV1().ReplicaSets(r.deployment.Namespace)
	set := r.newSet(replicas)
	if err := controller.Confirm(ctx, d.client.AppsV1().Deployments(r.deployment.Namespace), r.deployment); err != nil {
		return statusOnly, err
	}

	d.expectations.Begin(r.deployment.UID)
	defer d.expectations.End(r.deployment.UID)
	created, err := sets.Create(ctx, set, metav1.CreateOptions{})
	switch {
	case err == nil:
		d.expectations.Created(r.deployment.UID, created.UID)
		r.current = created
		if replicas > 0 {
			d.events.Eventf(r.deployment, corev1.EventTypeNormal, "ScalingReplicaSet",
				"Scaled up replica set %s from 0 to %d", created.Name, replicas)
		}
		return createdSet, nil

	case apierrors.IsAlreadyExists(err):
		// Ask the API server, not the cache, who holds the name: the reply to
		// an earlier creation may have been lost (IDEMP-01).
		holder, found := sets.Get(ctx, set.Name, metav1.GetOptions{})
		if found != nil {
			return rolling, found
		}
		if metav1.IsControlledBy(holder, r.deployment) && sameTemplate(&holder.Spec.Template, &r.deployment.Spec.Template) {
			if _, cached, err := d.sets.Get(holder); err == nil && !cached {
				d.expectations.Created(r.deployment.UID, holder.UID)
			}
			r.current = holder
			return createdSet, nil
		}
		// Somebody else's: another name next time (DEPLOY-17). The write of
		// the count brings that next time.
		return collided(ptr.Deref(r.deployment.Status.CollisionCount, 0) + 1), nil

	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return statusOnly, nil // no retry: it will not change its mind
	}
	err = fmt.Errorf("failed to create new replica set %q: %w", set.Name, err)
	d.events.Event(r.deployment, corev1.EventTypeWarning, reasonCreateError, err.Error())
	return createFailed(err), err
}
