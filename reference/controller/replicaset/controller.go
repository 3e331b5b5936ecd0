// Package replicaset is the ReplicaSet controller: it reads how many Pods a
// ReplicaSet asks for and which Pods are its own, and creates or deletes Pods
// until the two agree. It starts nothing itself: the API server stores the
// Pods, and the scheduler takes them from there.
package replicaset

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
	name    = "replicaset-controller"
	workers = 5

	// A look at a ReplicaSet costs time in proportion to its Pods. When many
	// Pods become ready one by one, the looks that only bring the status up to
	// date are therefore put together: they wait settlePerReplica for each
	// replica, if there are more than promptUpTo.
	promptUpTo       = 100
	settlePerReplica = 20 * time.Microsecond
)

var kind = appsv1.SchemeGroupVersion.WithKind("ReplicaSet")

// Run is the ReplicaSet controller, until ctx is done.
func Run(ctx context.Context, config *rest.Config) error {
	link, err := controller.NewLink(name, config)
	if err != nil {
		return err
	}
	sets := link.Informers.Apps().V1().ReplicaSets()
	pods := link.Informers.Core().V1().Pods()
	r := &replicaSets{
		client:       link.Client,
		events:       link.Events,
		lister:       sets.Lister(),
		sets:         sets.Informer().GetIndexer(),
		pods:         pods.Informer().GetIndexer(),
		queue:        controller.NewQueue[cache.ObjectName](),
		expectations: controller.NewExpectations(),
		superseded:   controller.NewSuperseded(),
	}
	if err := r.observe(sets.Informer(), pods.Informer()); err != nil {
		r.queue.ShutDown()
		return fmt.Errorf("%s: %w", name, err)
	}
	return link.Run(ctx, func(ctx context.Context) { r.queue.Run(ctx, workers, r.sync) })
}

// replicaSets holds what a sync works with.
type replicaSets struct {
	client kubernetes.Interface
	events record.EventRecorder

	lister appslisters.ReplicaSetLister
	// sets and pods are the caches, both indexed by controller.
	sets, pods cache.Indexer

	queue        *controller.Queue[cache.ObjectName]
	expectations *controller.Expectations
	superseded   *controller.Superseded
}

// observe turns events into names to look at.
func (r *replicaSets) observe(sets, pods cache.SharedIndexInformer) error {
	for _, informer := range []cache.SharedIndexInformer{sets, pods} {
		if err := informer.AddIndexers(controller.ByController()); err != nil {
			return err
		}
	}
	if err := pods.SetTransform(controller.TrimPod); err != nil {
		return err
	}
	if _, err := sets.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    r.setAdded,
		UpdateFunc: r.setUpdated,
		DeleteFunc: r.setDeleted,
	}); err != nil {
		return err
	}
	_, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    r.podAdded,
		UpdateFunc: r.podUpdated,
		DeleteFunc: r.podDeleted,
	})
	return err
}

func (r *replicaSets) setAdded(object any) {
	if key, ok := controller.Key(object); ok {
		r.queue.Add(key)
	}
}

func (r *replicaSets) setUpdated(before, now any) {
	old, set := before.(*appsv1.ReplicaSet), now.(*appsv1.ReplicaSet)
	if old.UID != set.UID {
		r.setDeleted(old)
	}
	if old.UID == set.UID && old.Generation == set.Generation && old.DeletionTimestamp.Equal(set.DeletionTimestamp) {
		r.settle(cache.MetaObjectToName(set), *set.Spec.Replicas)
		return
	}
	r.queue.Add(cache.MetaObjectToName(set))
}

func (r *replicaSets) setDeleted(object any) {
	if set, ok := controller.Object(object); ok {
		r.expectations.Forget(set.GetUID())
		r.superseded.Forget(set.GetUID())
	}
}

func (r *replicaSets) podAdded(object any) {
	pod := object.(*corev1.Pod)
	owner := metav1.GetControllerOfNoCopy(pod)
	if owner == nil {
		r.offer(pod)
		return
	}
	r.expectations.Seen(owner.UID, pod)
	r.wake(pod, owner)
}

func (r *replicaSets) podUpdated(before, now any) {
	old, pod := before.(*corev1.Pod), now.(*corev1.Pod)
	if old.ResourceVersion == pod.ResourceVersion {
		return // a relist
	}
	if old.UID != pod.UID {
		r.podDeleted(old)
		r.podAdded(pod)
		return
	}
	previous, owner := metav1.GetControllerOfNoCopy(old), metav1.GetControllerOfNoCopy(pod)
	if previous != nil && (owner == nil || owner.UID != previous.UID) {
		// Released: the former owner must count again, and may not wait for it.
		r.expectations.Gone(previous.UID, pod)
		r.wake(pod, previous)
	}
	relabelled := !maps.Equal(old.Labels, pod.Labels)
	switch {
	case owner == nil:
		if previous != nil || relabelled {
			r.offer(pod)
		}
	case previous == nil || previous.UID != owner.UID || relabelled || controller.Active(old) != controller.Active(pod) || controller.Terminal(old) != controller.Terminal(pod):
		r.expectations.Seen(owner.UID, pod)
		r.wake(pod, owner)
	default:
		// The number of replicas is the same; what is ready may not be.
		r.expectations.Seen(owner.UID, pod)
		if owner.Kind == kind.Kind && !equality.Semantic.DeepEqual(controller.PodCondition(old, corev1.PodReady), controller.PodCondition(pod, corev1.PodReady)) {
			if set, err := r.lister.ReplicaSets(pod.Namespace).Get(owner.Name); err == nil {
				r.settle(cache.MetaObjectToName(set), *set.Spec.Replicas)
			}
		}
	}
}

func (r *replicaSets) podDeleted(object any) {
	pod, ok := controller.Object(object)
	if !ok {
		return
	}
	if owner := metav1.GetControllerOfNoCopy(pod); owner != nil {
		r.expectations.Gone(owner.UID, pod)
		r.wake(pod, owner)
	}
}

// wake queues the ReplicaSet that a controller reference names.
func (r *replicaSets) wake(pod metav1.Object, owner *metav1.OwnerReference) {
	if owner.Kind == kind.Kind {
		r.queue.Add(cache.NewObjectName(pod.GetNamespace(), owner.Name))
	}
}

// settle queues a ReplicaSet of which only the status needs a look.
func (r *replicaSets) settle(key cache.ObjectName, replicas int32) {
	if replicas <= promptUpTo {
		r.queue.Add(key)
		return
	}
	r.queue.AddAfter(key, time.Duration(replicas)*settlePerReplica)
}

// offer queues every ReplicaSet that may adopt the Pod.
func (r *replicaSets) offer(pod *corev1.Pod) {
	if !controller.Active(pod) {
		return
	}
	sets, err := r.lister.ReplicaSets(pod.Namespace).List(labels.Everything())
	if err != nil {
		return // the lister reads memory: there is no error
	}
	for _, set := range sets {
		selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector)
		if err == nil && !selector.Empty() && selector.Matches(labels.Set(pod.Labels)) {
			r.queue.Add(cache.MetaObjectToName(set))
		}
	}
}

// sync brings one ReplicaSet's Pods, and then its status, in line.
func (r *replicaSets) sync(ctx context.Context, key cache.ObjectName) error {
	set, err := r.lister.ReplicaSets(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if r.superseded.Stale(set) {
		return nil
	}
	if after, pending := r.expectations.Pending(set.UID); pending {
		r.queue.AddAfter(key, after)
		return nil
	}
	owned, err := r.claim(ctx, set)
	if err != nil {
		return err
	}

	var failure error
	if set.DeletionTimestamp == nil {
		var settled bool
		if settled, failure = r.manage(ctx, set, owned); settled {
			// The Pods' events bring the next look, with numbers worth telling.
			return nil
		}
	}
	if errors.Is(failure, errNamespaceTerminating) {
		return nil // no retry: it will not change its mind
	}
	status, next := statusOf(set, owned, failure, time.Now())
	if next > 0 {
		r.queue.AddAfter(key, next) // RS-15: time alone makes Pods available
	}
	if err := r.report(ctx, set, status); err != nil {
		return err
	}
	return failure
}

// claim returns the Pods that the ReplicaSet owns, in whatever state.
func (r *replicaSets) claim(ctx context.Context, set *appsv1.ReplicaSet) ([]*corev1.Pod, error) {
	selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("selector: %w", err)
	}
	owned, err := controller.Owned[*corev1.Pod](r.pods, set.UID)
	if err != nil {
		return nil, err
	}
	orphans, err := controller.Orphans[*corev1.Pod](r.pods, set.Namespace)
	if err != nil {
		return nil, err
	}
	// A Pod that has ended or is on its way out is left as it is: it neither
	// counts nor is worth a write. If its labels match, it is told in the status.
	candidates, ending := make([]*corev1.Pod, 0, len(owned)+len(orphans)), []*corev1.Pod(nil)
	for _, pod := range owned {
		switch {
		case controller.Active(pod):
			candidates = append(candidates, pod)
		case selector.Matches(labels.Set(pod.Labels)):
			ending = append(ending, pod)
		}
	}
	for _, pod := range orphans {
		if controller.Active(pod) {
			candidates = append(candidates, pod)
		}
	}
	active, err := controller.Claim[*appsv1.ReplicaSet, *corev1.Pod]{
		Owner:    set,
		Kind:     kind,
		Selector: selector,
		Owners:   r.client.AppsV1().ReplicaSets(set.Namespace),
		Objects:  r.client.CoreV1().Pods(set.Namespace),
	}.Sort(ctx, candidates)
	return append(active, ending...), err
}

// report writes the status if it says something new.
func (r *replicaSets) report(ctx context.Context, set *appsv1.ReplicaSet, status appsv1.ReplicaSetStatus) error {
	if equality.Semantic.DeepEqual(set.Status, status) {
		return nil
	}
	update := set.DeepCopy()
	update.Status = status
	written, err := r.client.AppsV1().ReplicaSets(set.Namespace).UpdateStatus(ctx, update, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	r.superseded.Wrote(set, written)
	return nil
}
