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
	if err := d.RecheckOwner(ctx, r.deployment); err != nil {
		return statusOnly, err
	}
	set := r.newSet(replicas)
	created, err := d.sets.Create(ctx, r.deployment, set)
	switch {
	case err == nil:
		r.current = created
		if replicas > 0 {
			d.Events.Eventf(r.deployment, corev1.EventTypeNormal, "ScalingReplicaSet",
				"Scaled up replica set %s from 0 to %d", created.Name, replicas)
		}
		return createdSet, nil
	case apierrors.IsAlreadyExists(err):
		return d.found(ctx, r, set.Name)
	case controller.NamespaceTerminating(err):
		return statusOnly, nil // no retry: it will not change its mind
	}
	err = fmt.Errorf("failed to create new replica set %q: %w", set.Name, err)
	d.Events.Event(r.deployment, corev1.EventTypeWarning, reasonCreateError, err.Error())
	return createFailed(err), err
}

// found decides what the ReplicaSet is that has the new one's name. It asks the API
// server, not the cache: the reply to an earlier creation may have been lost (IDEMP-01).
func (d *deployments) found(ctx context.Context, r *rollout, name string) (outcome, error) {
	set, err := d.sets.Client(r.deployment.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case err != nil:
		return rolloutStep, err
	case metav1.IsControlledBy(set, r.deployment) && sameTemplate(&set.Spec.Template, &r.deployment.Spec.Template):
		d.sets.Expect(r.deployment, set)
		r.current = set
		return createdSet, nil
	}
	// Another's: another name next time (DEPLOY-17). The write of the count
	// brings that next time.
	return collided(ptr.Deref(r.deployment.Status.CollisionCount, 0) + 1), nil
}
