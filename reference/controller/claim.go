package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/podchain/podchain/conformance/implementation/clients"
)

// claim settles which objects belong to an owner, by controller reference and
// selector together (DEPLOY-18..21, RS-09..11):
//
//	controller reference   labels match   outcome
//	the owner              yes            owned
//	the owner              no             released: the reference is removed
//	none                   yes            adopted: a reference is added
//	none                   no             not touched
//	another                either         not touched
//
// An owner that is being deleted neither adopts nor releases.
type claim[O, T clients.Object] struct {
	owner    O
	kind     schema.GroupVersionKind
	selector labels.Selector
	// claimable says whether an object may be adopted or released; nil: it may.
	// One that is being deleted is never adopted.
	claimable func(O, T) bool
	// recheck is called before the first adoption.
	recheck func() error
	objects Client[T]
}

// sort returns those of the candidates that the owner owns, after adopting and
// releasing. It goes on after an error, and returns what it has with the error.
func (c claim[O, T]) sort(ctx context.Context, candidates []T) ([]T, error) {
	var (
		owned     = make([]T, 0, len(candidates))
		problems  []error
		rechecked bool
		refused   error
	)
	for _, object := range candidates {
		ref := metav1.GetControllerOfNoCopy(object)
		matches := c.selector.Matches(labels.Set(object.GetLabels()))
		switch {
		case ref != nil && ref.UID != c.owner.GetUID():
		case ref != nil && matches:
			owned = append(owned, object)
		case ref == nil && !matches, c.owner.GetDeletionTimestamp() != nil, c.claimable != nil && !c.claimable(c.owner, object):
		case ref != nil:
			problems = append(problems, c.release(ctx, object))
		case object.GetDeletionTimestamp() == nil:
			if !rechecked {
				rechecked, refused = true, c.recheck()
				problems = append(problems, refused)
			}
			if refused != nil {
				continue
			}
			adopted, err := c.adopt(ctx, object)
			problems = append(problems, err)
			if adopted {
				owned = append(owned, object)
			}
		}
	}
	return owned, errors.Join(problems...)
}

// adopt adds the controller reference and reports whether the object still exists.
func (c claim[O, T]) adopt(ctx context.Context, object T) (bool, error) {
	err := c.patch(ctx, object, metav1.NewControllerRef(c.owner, c.kind))
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("adopt %s: %w", object.GetName(), err)
	}
	return true, nil
}

// release removes the controller reference.
func (c claim[O, T]) release(ctx context.Context, object T) error {
	err := c.patch(ctx, object, map[string]any{"$patch": "delete", "uid": c.owner.GetUID()})
	// Not found: it is gone. Invalid: another object has its name by now, or
	// the reference is removed already.
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsInvalid(err) {
		return fmt.Errorf("release %s: %w", object.GetName(), err)
	}
	return nil
}

// patch changes one owner reference.
func (c claim[O, T]) patch(ctx context.Context, object T, reference any) error {
	return PatchMetadata(ctx, c.objects, object, map[string]any{"ownerReferences": []any{reference}})
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
