package controller

import (
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/reference/link"
)

// Effect is what the change of a child has an effect on.
type Effect int

// The effects of a change.
const (
	// OnPlan: there may be something to do. The owner is looked at at once.
	OnPlan Effect = iota
	// OnStatus: only the status may be out of date, see Kind.StatusDelay.
	OnStatus
	// OnNothing that the owner knows of.
	OnNothing
)

// enqueueForOwner returns handlers that queue the owner of a child, or, if the
// child has none, those that may adopt it. They tell the expectations of every
// child that they see.
func (c *Children[O, T]) enqueueForOwner() link.On[T] {
	return link.On[T]{Add: c.added, Update: c.updated, Delete: c.deleted}
}

func (c *Children[O, T]) added(child T) {
	owner := metav1.GetControllerOfNoCopy(child)
	if owner == nil {
		c.enqueueAdopters(child)
		return
	}
	c.owners.expectations.Seen(owner.UID, child)
	c.enqueueOwner(child, owner, OnPlan)
}

func (c *Children[O, T]) updated(old, child T) {
	if old.GetResourceVersion() == child.GetResourceVersion() {
		return // a relist
	}
	previous, owner := metav1.GetControllerOfNoCopy(old), metav1.GetControllerOfNoCopy(child)
	released := previous != nil && (owner == nil || owner.UID != previous.UID)
	relabelled := !maps.Equal(old.GetLabels(), child.GetLabels())
	if released {
		// The former owner must count again, and may not wait for this child.
		c.owners.expectations.Gone(previous.UID, child)
		c.enqueueOwner(child, previous, OnPlan)
	}
	switch {
	case owner != nil:
		effect := OnPlan
		if previous != nil && !released && !relabelled && c.Effect != nil {
			effect = c.Effect(old, child)
		}
		c.owners.expectations.Seen(owner.UID, child)
		c.enqueueOwner(child, owner, effect)
	case released, relabelled:
		c.enqueueAdopters(child)
	}
}

func (c *Children[O, T]) deleted(child T) {
	c.owners.stale.Forget(child.GetUID())
	if owner := metav1.GetControllerOfNoCopy(child); owner != nil {
		c.owners.expectations.Gone(owner.UID, child)
		c.enqueueOwner(child, owner, OnPlan)
	}
}

// enqueueOwner queues the owner that a controller reference names.
func (c *Children[O, T]) enqueueOwner(child metav1.Object, reference *metav1.OwnerReference, effect Effect) {
	if reference.Kind != c.owners.Kind.Kind || effect == OnNothing {
		return
	}
	if effect == OnPlan {
		c.owners.queue.Add(cache.NewObjectName(child.GetNamespace(), reference.Name))
		return
	}
	if owner, err := c.owners.In(child.GetNamespace()).Get(reference.Name); err == nil {
		c.owners.enqueueStatus(owner)
	}
}

// enqueueAdopters queues every owner that may adopt the child.
func (c *Children[O, T]) enqueueAdopters(child T) {
	if child.GetDeletionTimestamp() != nil {
		return
	}
	for _, owner := range c.owners.Owners(child.GetNamespace()) {
		selector, err := metav1.LabelSelectorAsSelector(c.owners.Selector(owner))
		if err == nil && !selector.Empty() && selector.Matches(labels.Set(child.GetLabels())) && c.claimable(owner, child) {
			c.owners.Enqueue(owner)
		}
	}
}
