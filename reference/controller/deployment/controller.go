// Package deployment is the Deployment controller: it keeps one ReplicaSet per
// Pod template that a Deployment has had, moves replicas from the old ones to
// the current one within the bounds of the strategy, and tells in the status
// how far that is. It never touches a Pod: Pods are the ReplicaSet
// controller's part (DEPLOY-23).
package deployment

import (
	"context"
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/podchain/podchain/reference/controller"
)

const (
	name    = "deployment-controller"
	workers = 5
)

var kind = appsv1.SchemeGroupVersion.WithKind("Deployment")

// Run is the Deployment controller, until ctx is done.
func Run(ctx context.Context, config *rest.Config) error {
	link, err := controller.NewLink(name, config)
	if err != nil {
		return err
	}
	all := link.Informers.Apps().V1().Deployments()
	sets := link.Informers.Apps().V1().ReplicaSets()
	queue := controller.NewQueue[cache.ObjectName]()
	d := &deployments{
		client:       link.Client,
		events:       link.Events,
		lister:       all.Lister(),
		sets:         sets.Informer().GetIndexer(),
		queue:        queue,
		expectations: controller.NewExpectations(),
		superseded:   controller.NewSuperseded(),
		departures:   newDepartures(link.Client, queue),
	}
	if err := d.observe(all.Informer(), sets.Informer()); err != nil {
		queue.ShutDown()
		return fmt.Errorf("%s: %w", name, err)
	}
	return link.Run(ctx, func(ctx context.Context) {
		queue.Run(ctx, workers, d.sync)
		d.departures.wait()
	})
}

// deployments holds what a sync works with.
type deployments struct {
	client kubernetes.Interface
	events record.EventRecorder

	lister appslisters.DeploymentLister
	sets   cache.Indexer // ReplicaSets, indexed by controller

	queue        *controller.Queue[cache.ObjectName]
	expectations *controller.Expectations
	superseded   *controller.Superseded
	departures   *departures
}

// observe turns events into names to look at.
func (d *deployments) observe(all, sets cache.SharedIndexInformer) error {
	if err := sets.AddIndexers(controller.ByController()); err != nil {
		return err
	}
	if _, err := all.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    d.enqueue,
		UpdateFunc: func(_, now any) { d.enqueue(now) },
		DeleteFunc: d.deleted,
	}); err != nil {
		return err
	}
	_, err := sets.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    d.setAdded,
		UpdateFunc: d.setUpdated,
		DeleteFunc: d.setDeleted,
	})
	return err
}

func (d *deployments) enqueue(object any) {
	if key, ok := controller.Key(object); ok {
		d.queue.Add(key)
	}
}

func (d *deployments) deleted(object any) {
	if deployment, ok := controller.Object(object); ok {
		d.expectations.Forget(deployment.GetUID())
		d.superseded.Forget(deployment.GetUID())
		d.departures.forget(deployment.GetUID())
	}
	// One of the same name may stand there already.
	d.enqueue(object)
}

func (d *deployments) setAdded(object any) {
	set := object.(*appsv1.ReplicaSet)
	if owner := metav1.GetControllerOfNoCopy(set); owner != nil {
		d.expectations.Seen(owner.UID, set)
		d.wake(set, owner)
		return
	}
	d.offer(set)
}

func (d *deployments) setUpdated(before, now any) {
	old, set := before.(*appsv1.ReplicaSet), now.(*appsv1.ReplicaSet)
	if old.ResourceVersion == set.ResourceVersion {
		return // a relist
	}
	if old.UID != set.UID {
		d.setDeleted(old)
		d.setAdded(set)
		return
	}
	previous, owner := metav1.GetControllerOfNoCopy(old), metav1.GetControllerOfNoCopy(set)
	if previous != nil && (owner == nil || owner.UID != previous.UID) {
		d.expectations.Gone(previous.UID, set)
		d.wake(set, previous)
	}
	switch {
	case owner != nil:
		d.expectations.Seen(owner.UID, set)
		d.wake(set, owner)
	case previous != nil || !maps.Equal(old.Labels, set.Labels):
		d.offer(set)
	}
}

func (d *deployments) setDeleted(object any) {
	set, ok := controller.Object(object)
	if !ok {
		return
	}
	d.superseded.Forget(set.GetUID())
	if owner := metav1.GetControllerOfNoCopy(set); owner != nil {
		d.expectations.Gone(owner.UID, set)
		d.wake(set, owner)
	}
}

// wake queues the Deployment that a controller reference names.
func (d *deployments) wake(set metav1.Object, owner *metav1.OwnerReference) {
	if owner.Kind == kind.Kind {
		d.queue.Add(cache.NewObjectName(set.GetNamespace(), owner.Name))
	}
}

// offer queues every Deployment that may adopt the ReplicaSet.
func (d *deployments) offer(set *appsv1.ReplicaSet) {
	all, err := d.lister.Deployments(set.Namespace).List(labels.Everything())
	if err != nil {
		return // the lister reads memory: there is no error
	}
	for _, deployment := range all {
		selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
		if err == nil && !selector.Empty() && selector.Matches(labels.Set(set.Labels)) {
			d.enqueue(deployment)
		}
	}
}
