package controller

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/podchain/podchain/conformance/implementation/clients"
)

// Claim returns the children of an owner; some may be about to be deleted, or have
// ended. It settles which they are by controller reference and selector together
// (DEPLOY-18..21, RS-09..11):
//
//	controller reference   labels match   outcome
//	the owner              yes            owned
//	the owner              no             released: the reference is removed
//	none                   yes            adopted: a reference is added
//	none                   no             not touched
//	another                either         not touched
//
// An owner that is being deleted neither adopts nor releases, and a child that is
// being deleted is not adopted.
func (c *Children[O, T]) Claim(ctx context.Context, owner O) ([]T, error) {
	selector, err := metav1.LabelSelectorAsSelector(c.owners.Selector(owner))
	if err != nil {
		return nil, fmt.Errorf("selector: %w", err)
	}
	recheck := sync.OnceValue(func() error { return c.owners.RecheckOwner(ctx, owner) })
	candidates := append(c.Owned(owner.GetUID()), byIndex(c.Cache, orphanKey(owner.GetNamespace()))...)
	owned := make([]T, 0, len(candidates))
	var problems []error
	for _, child := range candidates {
		controlled := metav1.IsControlledBy(child, owner)
		matches := selector.Matches(labels.Set(child.GetLabels()))
		switch {
		case controlled && matches:
			owned = append(owned, child)
		case !controlled && !matches, owner.GetDeletionTimestamp() != nil, !c.claimable(owner, child):
		case controlled:
			problems = append(problems, c.release(ctx, owner, child))
		case child.GetDeletionTimestamp() == nil:
			if err := recheck(); err != nil {
				// A release that failed is to be tried again, whatever the owner does now.
				return nil, cmp.Or(errors.Join(problems...), err)
			}
			adopted, err := c.adopt(ctx, owner, child)
			problems = append(problems, err)
			if adopted {
				owned = append(owned, child)
			}
		}
	}
	return owned, errors.Join(problems...)
}

func (c *Children[O, T]) claimable(owner O, child T) bool {
	return c.Claimable == nil || c.Claimable(owner, child)
}

// adopt adds the controller reference and reports whether the child still exists.
func (c *Children[O, T]) adopt(ctx context.Context, owner O, child T) (bool, error) {
	err := c.patchReference(ctx, child, metav1.NewControllerRef(owner, c.owners.GroupVersionKind))
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("adopt %s: %w", child.GetName(), err)
	}
	return true, nil
}

// release removes the controller reference.
func (c *Children[O, T]) release(ctx context.Context, owner O, child T) error {
	err := c.patchReference(ctx, child, map[string]any{"$patch": "delete", "uid": owner.GetUID()})
	// Not found: it is gone. Invalid: another object has its name by now, or
	// the reference is removed already.
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsInvalid(err) {
		return fmt.Errorf("release %s: %w", child.GetName(), err)
	}
	return nil
}

func (c *Children[O, T]) patchReference(ctx context.Context, child T, reference any) error {
	return PatchMetadata(ctx, c.Client(child.GetNamespace()), child, map[string]any{"ownerReferences": []any{reference}})
}

// PatchMetadata patches metadata of exactly this object: a uid cannot be
// changed, so that the patch fails for another object of the same name.
func PatchMetadata[T clients.Object](ctx context.Context, client Client[T], object T, metadata map[string]any) error {
	metadata["uid"] = object.GetUID()
	data, err := json.Marshal(map[string]any{"metadata": metadata})
	if err != nil {
		return err
	}
	_, err = client.Patch(ctx, object.GetName(), types.StrategicMergePatchType, data, metav1.PatchOptions{})
	return err
}
