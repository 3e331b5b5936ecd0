package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/conformance/implementation/clients"
)

// Plan is what to do about an owner's children now. Whatever has to wait for it
// is in the next plan: the events that this one causes bring that about.
type Plan[T clients.Object] struct {
	Create []T
	Delete []T
	// ForceDelete are children to delete without a grace period: there is nothing left
	// that could end them in good order.
	ForceDelete []T
}

// Empty says that there is nothing to do.
func (p Plan[T]) Empty() bool { return len(p.Create)+len(p.Delete)+len(p.ForceDelete) == 0 }

// errNamespaceTerminating says that children are refused because their namespace
// is being deleted. It is no failure: there is nothing to try again.
var errNamespaceTerminating = errors.New("the namespace is being deleted")

// NamespaceTerminating says that this is why a creation was refused.
func NamespaceTerminating(err error) bool {
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}

// CarryOut makes the writes of a plan, and an Event about each. The owner is not
// looked at again before the cache shows all those that succeeded. For an owner that is
// being deleted it does nothing: the event that tells of that is on its way.
func (c *Children[O, T]) CarryOut(ctx context.Context, owner O, plan Plan[T]) error {
	if plan.Empty() {
		return nil
	}
	if len(plan.Create) > 0 {
		switch err := c.owners.RecheckOwner(ctx, owner); {
		case errors.Is(err, ErrOwnerDeleting):
			return nil
		case err != nil:
			return err
		}
	}
	defer c.owners.expectations.Begin(owner.GetUID())()
	c.expectDeletions(owner, slices.Concat(plan.Delete, plan.ForceDelete))
	created := c.createAll(ctx, owner, plan.Create)
	deleted := Parallel(len(plan.Delete), func(i int) error { return c.remove(ctx, owner, plan.Delete[i], nil) })
	forced := Parallel(len(plan.ForceDelete), func(i int) error { return c.remove(ctx, owner, plan.ForceDelete[i], ptr.To[int64](0)) })
	return errors.Join(created, deleted, forced)
}

// Create creates one child, and no Event. The owner is not looked at again before
// the cache shows it. Call RecheckOwner first.
func (c *Children[O, T]) Create(ctx context.Context, owner O, child T) (T, error) {
	defer c.owners.expectations.Begin(owner.GetUID())()
	return c.create(ctx, owner, child)
}

// Expect has the owner not looked at again before the cache shows a child of which
// only the API server knows yet.
func (c *Children[O, T]) Expect(owner O, child T) {
	defer c.owners.expectations.Begin(owner.GetUID())()
	c.expect(owner, child)
}

func (c *Children[O, T]) expect(owner O, child T) {
	if _, cached, err := c.GetIndexer().Get(child); err == nil && !cached {
		c.owners.expectations.Created(owner.GetUID(), child.GetUID())
	}
}

func (c *Children[O, T]) create(ctx context.Context, owner O, child T) (T, error) {
	created, err := c.Client(owner.GetNamespace()).Create(ctx, child, metav1.CreateOptions{})
	if err == nil {
		c.owners.expectations.Created(owner.GetUID(), created.GetUID())
	}
	return created, err
}

func (c *Children[O, T]) createAll(ctx context.Context, owner O, children []T) error {
	err := SlowStart(len(children), func(i int) error {
		child := children[i]
		if c.Prepare != nil {
			if err := c.Prepare(ctx, owner, child); err != nil {
				return err
			}
		}
		created, err := c.create(ctx, owner, child)
		switch {
		case NamespaceTerminating(err):
			return errNamespaceTerminating
		case apierrors.IsAlreadyExists(err) && child.GetName() != "":
			return err // the cache is behind
		case err != nil:
			c.record(owner, creation, child.GetName(), err)
			return err
		}
		c.record(owner, creation, created.GetName(), nil)
		return nil
	})
	switch {
	case errors.Is(err, errNamespaceTerminating):
		return nil
	case ambiguous(err):
		return errors.Join(err, c.recount(ctx, owner))
	}
	return err
}

// expectDeletions announces all deletions of a plan before the first request, since the
// cache may show one that another client makes while they wait for their turn. What it
// shows already is not expected: the request may change nothing, and then no event comes.
func (c *Children[O, T]) expectDeletions(owner O, children []T) {
	for _, child := range children {
		c.owners.expectations.Deleting(owner.GetUID(), child.GetUID())
		cached, found, err := c.GetIndexer().Get(child)
		if err == nil && (!found || cached.(T).GetUID() != child.GetUID() || cached.(T).GetDeletionTimestamp() != nil) {
			c.owners.expectations.NotDeleted(owner.GetUID(), child.GetUID())
		}
	}
}

// remove deletes a child of which the deletion is expected. If the request fails, it is
// expected no longer; also if the child is gone, which is no failure otherwise. So does
// Kubernetes: the cache may have shown the end of that child before it was expected.
func (c *Children[O, T]) remove(ctx context.Context, owner O, child T, grace *int64) error {
	err := c.deleteExactly(ctx, child, grace)
	if err != nil {
		c.owners.expectations.NotDeleted(owner.GetUID(), child.GetUID())
	}
	if !apierrors.IsNotFound(err) {
		c.record(owner, deletion, child.GetName(), err)
		return err
	}
	return nil
}

// ambiguous says that a request failed and may nevertheless have been carried out.
func ambiguous(err error) bool {
	if err == nil {
		return false
	}
	var status apierrors.APIStatus
	return !errors.As(err, &status) || status.Status().Code >= http.StatusInternalServerError
}

// recount asks the API server which children there are, after a creation of which
// only it knows whether it took place (IDEMP-01). What the cache lacks is expected,
// so that the next plan does not create it a second time.
func (c *Children[O, T]) recount(ctx context.Context, owner O) error {
	children, err := c.Fetch(ctx, owner.GetNamespace(), metav1.ListOptions{
		LabelSelector: metav1.FormatLabelSelector(c.owners.Selector(owner)),
	})
	if err != nil {
		return fmt.Errorf("recount: %w", err)
	}
	for _, child := range children {
		if metav1.IsControlledBy(child, owner) {
			c.expect(owner, child)
		}
	}
	return nil
}

// verb is a way to write a child, and how Events tell of it.
type verb struct{ name, succeeded, failed string }

var (
	creation = verb{"Create", "Created %s: %s", "Error creating: %v"}
	deletion = verb{"Delete", "Deleted %s: %s", "Error deleting: %v"}
)

// record records the Event about a write.
func (c *Children[O, T]) record(owner O, verb verb, child string, err error) {
	message := fmt.Sprintf(verb.succeeded, strings.ToLower(reflect.TypeFor[T]().Elem().Name()), child)
	if err != nil {
		message = fmt.Sprintf(verb.failed, err)
	}
	if c.Message != nil {
		message = c.Message(owner, verb.name, child, err)
	}
	if err != nil {
		c.owners.Events.Event(owner, corev1.EventTypeWarning, "Failed"+verb.name, message)
		return
	}
	c.owners.Events.Event(owner, corev1.EventTypeNormal, "Successful"+verb.name, message)
}
