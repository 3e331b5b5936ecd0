// Package members finds the controller to look at when one of the objects that
// make it up has changed, and keeps the cache of such objects small. It is the
// part of a controller of Pods that is the same whatever the controller does.
package members

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/reference/controller"
)

// Route leads from a member to its controller.
type Route struct {
	// Kind is the controllers' kind.
	Kind string
	// Look queues a controller.
	Look func(cache.ObjectName)
	// Adopters returns the controllers of a namespace, which may adopt a member
	// that nobody controls.
	Adopters func(namespace string) []Adopter
	// Expectations, if not nil, are told of every member that is seen.
	Expectations *controller.Expectations
}

// Adopter is a controller that may adopt members.
type Adopter struct {
	Name     cache.ObjectName
	Selector *metav1.LabelSelector
}

// Handlers returns what to do with the members' events.
func (r Route) Handlers() cache.ResourceEventHandlerFuncs {
	return cache.ResourceEventHandlerFuncs{AddFunc: r.added, UpdateFunc: r.updated, DeleteFunc: r.deleted}
}

func (r Route) added(now any) {
	member, ok := now.(metav1.Object)
	if !ok {
		return
	}
	owner := metav1.GetControllerOfNoCopy(member)
	if owner == nil {
		r.offer(member)
		return
	}
	r.seen(owner, member)
	r.wake(member, owner)
}

func (r Route) updated(before, now any) {
	old, okOld := before.(metav1.Object)
	member, ok := now.(metav1.Object)
	switch {
	case !ok || !okOld || old.GetResourceVersion() == member.GetResourceVersion():
		return // a relist
	case old.GetUID() != member.GetUID():
		r.deleted(before)
		r.added(now)
		return
	}
	previous, owner := metav1.GetControllerOfNoCopy(old), metav1.GetControllerOfNoCopy(member)
	released := previous != nil && (owner == nil || owner.UID != previous.UID)
	if released {
		r.gone(previous, member)
		r.wake(member, previous)
	}
	switch {
	case owner != nil:
		r.seen(owner, member)
		r.wake(member, owner)
	case released || !maps.Equal(old.GetLabels(), member.GetLabels()):
		r.offer(member)
	}
}

func (r Route) deleted(last any) {
	member, ok := controller.Object(last)
	if !ok {
		return
	}
	if owner := metav1.GetControllerOfNoCopy(member); owner != nil {
		r.gone(owner, member)
		r.wake(member, owner)
	}
}

func (r Route) seen(owner *metav1.OwnerReference, member metav1.Object) {
	if r.Expectations != nil {
		r.Expectations.Seen(owner.UID, member)
	}
}

func (r Route) gone(owner *metav1.OwnerReference, member metav1.Object) {
	if r.Expectations != nil {
		r.Expectations.Gone(owner.UID, member)
	}
}

func (r Route) wake(member metav1.Object, owner *metav1.OwnerReference) {
	if owner.Kind == r.Kind {
		r.Look(cache.NewObjectName(member.GetNamespace(), owner.Name))
	}
}

// offer queues every controller that may adopt the member.
func (r Route) offer(member metav1.Object) {
	if member.GetDeletionTimestamp() != nil {
		return
	}
	for _, adopter := range r.Adopters(member.GetNamespace()) {
		selector, err := metav1.LabelSelectorAsSelector(adopter.Selector)
		if err == nil && !selector.Empty() && selector.Matches(labels.Set(member.GetLabels())) {
			r.Look(adopter.Name)
		}
	}
}

// Trim is a transform for a controller of that kind: of Pods that another
// controller has it keeps nothing but whose they are. What more is kept of the
// rest than controller.TrimPod does, keep copies from the Pod to the trimmed one.
func Trim(kind string, keep func(trimmed, pod *corev1.Pod)) cache.TransformFunc {
	return func(object any) (any, error) {
		pod, ok := object.(*corev1.Pod)
		if !ok {
			return controller.Trim(object)
		}
		if owner := metav1.GetControllerOfNoCopy(pod); owner != nil && owner.Kind != kind {
			return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
				Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
				ResourceVersion: pod.ResourceVersion, OwnerReferences: pod.OwnerReferences,
			}}, nil
		}
		trimmed, err := controller.TrimPod(pod)
		if slim, ok := trimmed.(*corev1.Pod); ok && slim != pod && keep != nil {
			keep(slim, pod)
		}
		return trimmed, err
	}
}
