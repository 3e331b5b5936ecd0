package controller

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/reference/link"
)

// Children are the objects of one kind that owners claim, create and delete.
type Children[O, T clients.Object] struct {
	Options[O, T]
	Resource[T]
	owners *Controller[O]
}

// Options are what is particular about the children; all may be nil.
type Options[O, T clients.Object] struct {
	// Claimable says whether the owner may adopt the child, or release it.
	Claimable func(O, T) bool
	// Effect says what the change of a child that stays its owner's has on the
	// owner; nil: any change may have an effect on its plan.
	Effect func(before, now T) Effect
	// Prepare makes what a child needs before it is created.
	Prepare func(context.Context, O, T) error
	// Message words the Event about a write of a child; the verb is Create or Delete.
	Message func(owner O, verb, child string, err error) string
}

// NewChildren returns the objects as children of the controller's owners. Their
// events queue the owners.
func NewChildren[O, T clients.Object](owners *Controller[O], objects Resource[T], options Options[O, T]) *Children[O, T] {
	c := &Children[O, T]{options, objects, owners}
	index(objects.Cache)
	link.Handle(owners.link, objects.Cache, c.enqueueForOwner())
	return c
}

// Owned returns the objects in the cache that the given owner controls. They
// belong to the cache: copy before you write.
func (c *Children[O, T]) Owned(owner types.UID) []T {
	return byIndex(c.Cache, string(owner))
}

// Stale says that the cache shows a version of one of the children that an own
// Update has replaced.
func (c *Children[O, T]) Stale(children []T) bool {
	return slices.ContainsFunc(children, func(child T) bool { return c.owners.stale.Stale(child) })
}

// Update writes a child.
func (c *Children[O, T]) Update(ctx context.Context, child, update T) (T, error) {
	written, err := c.Client(child.GetNamespace()).Update(ctx, update, metav1.UpdateOptions{})
	if err == nil {
		c.owners.stale.Wrote(child, written)
	}
	return written, err
}

// Discard deletes children of which nothing is expected any more.
func (c *Children[O, T]) Discard(ctx context.Context, children []T) error {
	for _, child := range children {
		if err := c.deleteExactly(ctx, child, nil); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete %s: %w", child.GetName(), err)
		}
	}
	return nil
}

// deleteExactly deletes this child, and no successor that has its name: with its own
// grace period, or with the one that is given. The error may be that it is gone.
func (c *Children[O, T]) deleteExactly(ctx context.Context, child T, grace *int64) error {
	return c.Client(child.GetNamespace()).Delete(ctx, child.GetName(), metav1.DeleteOptions{
		Preconditions:      metav1.NewUIDPreconditions(string(child.GetUID())),
		GracePeriodSeconds: grace,
	})
}
