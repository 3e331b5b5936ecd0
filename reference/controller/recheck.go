package controller

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ErrOwnerDeleting says that an owner is being deleted, or is gone.
var ErrOwnerDeleting = errors.New("the owner is being deleted")

// RecheckOwner asks the API server whether the owner still is the one that the cache
// shows and is not being deleted; if it is, or is gone, the error is ErrOwnerDeleting.
//
// Caches of two kinds are not in step. A controller whose cache shows that an
// object is gone, and does not show yet that its owner is to go as well, would
// create in its place what the garbage collector has just deleted (GC-03), or
// adopt what it has just orphaned (DEPLOY-21).
func (c *Controller[O]) RecheckOwner(ctx context.Context, cached O) error {
	live, err := c.Client(cached.GetNamespace()).Get(ctx, cached.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("%w: %s is gone", ErrOwnerDeleting, cached.GetName())
	case err != nil:
		return err
	case live.GetUID() != cached.GetUID():
		return fmt.Errorf("%w: uid of %s is %s now, expected %s", ErrOwnerDeleting, cached.GetName(), live.GetUID(), cached.GetUID())
	case live.GetDeletionTimestamp() != nil:
		return fmt.Errorf("%w: %s has a deletionTimestamp", ErrOwnerDeleting, cached.GetName())
	}
	return nil
}
