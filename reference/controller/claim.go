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
	"k8s.io/client-go/tools/cache"
)

// Patcher patches one object; every typed client is one.
type Patcher[T any] interface {
	Patch(ctx context.Context, name string, patch types.PatchType, data []byte, options metav1.PatchOptions, subresources ...string) (T, error)
}

// Claim settles which objects belong to an owner, by controller reference and
// selector together (DEPLOY-18..21, RS-09..11):
//
//	controller reference   labels match   outcome
//	the owner              yes            owned
//	the owner              no             released: the reference is removed
//	nobody                 yes            adopted: a reference is added
//	nobody                 no             not touched
//	somebody else          either         not touched
//
// An owner that is being deleted neither adopts nor releases.
type Claim[O, T metav1.Object] struct {
	Owner    O
	Kind     schema.GroupVersionKind
	Selector labels.Selector
	// Owners reads the live owner before the first adoption.
	Owners Getter[O]
	// Objects patches what is adopted or released.
	Objects Patcher[T]
	// Adoptable says whether an orphan that matches may be adopted; nil: it may.
	// One that is being deleted is never adopted.
	Adoptable func(T) bool
}

// From returns those of an index ByController that the owner owns, as Sort does.
func (c Claim[O, T]) From(ctx context.Context, indexer cache.Indexer) ([]T, error) {
	owned, err := Owned[T](indexer, c.Owner.GetUID())
	if err != nil {
		return nil, err
	}
	orphans, err := Orphans[T](indexer, c.Owner.GetNamespace())
	if err != nil {
		return nil, err
	}
	return c.Sort(ctx, append(owned, orphans...))
}

// Sort returns those of the candidates that the owner owns, after adopting and
// releasing. It goes on after an error, and returns what it has with the error.
func (c Claim[O, T]) Sort(ctx context.Context, candidates []T) ([]T, error) {
	var (
		owned     = make([]T, 0, len(candidates))
		problems  []error
		confirmed bool // the live owner was asked
		refused   error
		deleting  = c.Owner.GetDeletionTimestamp() != nil
	)
	for _, object := range candidates {
		ref := metav1.GetControllerOfNoCopy(object)
		matches := c.Selector.Matches(labels.Set(object.GetLabels()))
		switch {
		case ref != nil && ref.UID != c.Owner.GetUID():
			continue
		case ref != nil && matches:
			owned = append(owned, object)
		case ref != nil:
			if deleting {
				continue
			}
			if err := c.release(ctx, object); err != nil {
				problems = append(problems, err)
			}
		case matches && !deleting && object.GetDeletionTimestamp() == nil && (c.Adoptable == nil || c.Adoptable(object)):
			if !confirmed {
				confirmed, refused = true, Confirm(ctx, c.Owners, c.Owner)
				if refused != nil {
					problems = append(problems, fmt.Errorf("adopt for %s %s: %w", c.Kind.Kind, c.Owner.GetName(), refused))
				}
			}
			if refused != nil {
				continue
			}
			adopted, err := c.adopt(ctx, object)
			if err != nil {
				problems = append(problems, err)
			} else if adopted {
				owned = append(owned, object)
			}
		}
	}
	return owned, errors.Join(problems...)
}

// adopt adds the controller reference and reports whether the object still exists.
func (c Claim[O, T]) adopt(ctx context.Context, object T) (bool, error) {
	err := c.patch(ctx, object, metav1.NewControllerRef(c.Owner, c.Kind))
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("adopt %s: %w", object.GetName(), err)
	}
	return true, nil
}

// release removes the controller reference.
func (c Claim[O, T]) release(ctx context.Context, object T) error {
	err := c.patch(ctx, object, map[string]any{"$patch": "delete", "uid": c.Owner.GetUID()})
	// Not found: it is gone. Invalid: another object has its name by now, or
	// the reference is removed already.
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsInvalid(err) {
		return fmt.Errorf("release %s: %w", object.GetName(), err)
	}
	return nil
}

// patch changes one owner reference. The uid in the patch is a condition: a
// uid cannot be changed, so the patch fails for an object that merely has the
// same name.
func (c Claim[O, T]) patch(ctx context.Context, object T, reference any) error {
	data, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid":             object.GetUID(),
		"ownerReferences": []any{reference},
	}})
	if err != nil {
		return err
	}
	_, err = c.Objects.Patch(ctx, object.GetName(), types.StrategicMergePatchType, data, metav1.PatchOptions{})
	return err
}
