package controller

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Getter reads one object past the cache; every typed client is one.
type Getter[T any] interface {
	Get(ctx context.Context, name string, options metav1.GetOptions) (T, error)
}

// ErrLeaving says that an owner is being deleted, or is gone.
var ErrLeaving = errors.New("the owner is being deleted")

// Confirm asks the API server whether the owner still is the one that the cache
// knows and is not being deleted; if it is, or is gone, the error is ErrLeaving.
//
// Caches of two kinds are not in step. A controller whose cache shows that an
// object is gone, and does not show yet that its owner is to go as well, would
// make in its place what the garbage collector has just deleted (GC-03), or
// adopt what it has just orphaned (DEPLOY-21).
func Confirm[O metav1.Object](ctx context.Context, owners Getter[O], cached O) error {
	live, err := owners.Get(ctx, cached.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("%w: %s is gone", ErrLeaving, cached.GetName())
	case err != nil:
		return err
	case live.GetUID() != cached.GetUID():
		return fmt.Errorf("%w: uid of %s is %s now, expected %s", ErrLeaving, cached.GetName(), live.GetUID(), cached.GetUID())
	case live.GetDeletionTimestamp() != nil:
		return fmt.Errorf("%w: %s has a deletionTimestamp", ErrLeaving, cached.GetName())
	}
	return nil
}
