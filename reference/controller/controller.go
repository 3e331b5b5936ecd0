package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/reference/link"
)

// Kind is a kind of owner.
type Kind[O clients.Object] struct {
	Resource[O]
	schema.GroupVersionKind
	// Selector selects the children that the owner claims.
	Selector func(O) *metav1.LabelSelector
	// StatusDelay is how long a look that only brings the status up to date may
	// wait, so that several become one; nil: not at all.
	StatusDelay func(O) time.Duration
	// SelectingAll is the message of the Event about an owner with an empty selector,
	// which is left alone; "": there is no such Event.
	SelectingAll string
	// Forget, if not nil, drops what a controller remembers of an owner that is gone.
	Forget func(O)
}

// Controller looks after the owners of one kind: it knows which of them to look
// at, and which of its writes the caches do not show yet.
type Controller[O clients.Object] struct {
	Kind[O]
	Events *link.Recorder

	link         *link.Link
	queue        *link.Queue[cache.ObjectName]
	expectations *Expectations
	stale        *StaleCache
}

// New returns the controller of a kind. Make the Children that it owns, then Run it.
func New[O clients.Object](l *link.Link, kind Kind[O]) *Controller[O] {
	c := &Controller[O]{
		Kind:         kind,
		Events:       l.Events,
		link:         l,
		queue:        link.NewQueue[cache.ObjectName](),
		expectations: NewExpectations(),
		stale:        NewStaleCache(),
	}
	index(kind.Cache)
	link.Handle(l, kind.Cache, link.On[O]{Add: c.Enqueue, Update: c.updated, Delete: c.deleted})
	return c
}

// Run has a number of workers look at owners with sync, until ctx is done and they
// have ended. A sync that fails is repeated.
func (c *Controller[O]) Run(ctx context.Context, workers int, sync func(context.Context, O) error) error {
	return c.link.Run(ctx, func(ctx context.Context) {
		c.queue.Run(ctx, workers, func(ctx context.Context, key cache.ObjectName) error { return c.look(ctx, key, sync) })
	})
}

// look calls sync, unless the caches are known to be behind: the event that
// brings them up to date queues the owner again.
func (c *Controller[O]) look(ctx context.Context, key cache.ObjectName, sync func(context.Context, O) error) error {
	owner, err := c.In(key.Namespace).Get(key.Name)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case c.stale.Stale(owner):
		return nil
	case c.selectsAll(owner):
		if c.SelectingAll != "" {
			c.Events.Event(owner, corev1.EventTypeWarning, "SelectingAll", c.SelectingAll)
		}
		return nil
	}
	if after, pending := c.expectations.Pending(owner.GetUID()); pending {
		c.queue.AddAfter(key, after)
		return nil
	}
	if err := sync(ctx, owner); !errors.Is(err, ErrOwnerDeleting) {
		return err
	}
	return nil // the event that tells of it is on its way
}

// Owners returns the owners in a namespace, or all of them. They belong to the
// cache: copy before you write.
func (c *Controller[O]) Owners(namespace string) []O {
	owners, _ := c.In(namespace).List(labels.Everything()) // reads memory: there is no error
	return owners
}

// Siblings returns the owners that have the same controller as this one, which
// is one of them: say, the ReplicaSets of one Deployment.
func (c *Controller[O]) Siblings(owner O) []O {
	reference := metav1.GetControllerOfNoCopy(owner)
	if reference == nil {
		return []O{owner}
	}
	return byIndex(c.Cache, string(reference.UID))
}

// Enqueue has a worker look at an owner.
func (c *Controller[O]) Enqueue(owner O) {
	c.queue.Add(cache.MetaObjectToName(owner))
}

// EnqueueAfter has a worker look at an owner when the time has passed; 0 stands
// for never.
func (c *Controller[O]) EnqueueAfter(owner O, after time.Duration) {
	if after > 0 {
		c.queue.AddAfter(cache.MetaObjectToName(owner), after)
	}
}

// EnqueueRateLimited has a worker look at an owner as after a sync that failed.
func (c *Controller[O]) EnqueueRateLimited(owner O) {
	c.queue.AddRateLimited(cache.MetaObjectToName(owner))
}

// enqueueStatus has a worker look at an owner of which only the status may be
// out of date.
func (c *Controller[O]) enqueueStatus(owner O) {
	delay := time.Duration(0)
	if c.StatusDelay != nil {
		delay = c.StatusDelay(owner)
	}
	c.queue.AddAfter(cache.MetaObjectToName(owner), delay)
}

func (c *Controller[O]) updated(old, owner O) {
	if old.GetGeneration() == owner.GetGeneration() && old.GetDeletionTimestamp().Equal(owner.GetDeletionTimestamp()) {
		c.enqueueStatus(owner)
		return
	}
	c.Enqueue(owner)
}

func (c *Controller[O]) deleted(owner O) {
	c.expectations.Forget(owner.GetUID())
	c.stale.Forget(owner.GetUID())
	if c.Forget != nil {
		c.Forget(owner)
	}
}

// selectsAll says that the owner's selector is empty: it would claim whatever is
// in its namespace.
func (c *Controller[O]) selectsAll(owner O) bool {
	selector := c.Selector(owner)
	return selector != nil && len(selector.MatchLabels)+len(selector.MatchExpressions) == 0
}

// UpdateStatus writes the owner's new status if it says something new.
func (c *Controller[O]) UpdateStatus(ctx context.Context, owner, update O) error {
	if equality.Semantic.DeepEqual(owner, update) {
		return nil
	}
	written, err := c.Client(owner.GetNamespace()).UpdateStatus(ctx, update, metav1.UpdateOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("status: %w", err)
	}
	c.stale.Wrote(owner, written)
	return nil
}
