package scheduler

import (
	"context"
	"maps"

	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// running selects the Pods that matter: a terminal Pod has given back its share
// (SCHED-07) and is seen as deleted.
var running = fields.AndSelectors(
	fields.OneTermNotEqualSelector("status.phase", string(v1.PodSucceeded)),
	fields.OneTermNotEqualSelector("status.phase", string(v1.PodFailed)),
)

// watch starts the informers. It returns what tells that they have caught up.
func (s *scheduler) watch(ctx context.Context) ([]cache.DoneChecker, error) {
	core, policy := s.client.CoreV1().RESTClient(), s.client.PolicyV1().RESTClient()
	var synced []cache.DoneChecker
	start := func(client rest.Interface, resource string, selector fields.Selector, example runtime.Object,
		trim cache.TransformFunc, handler cache.ResourceEventHandler,
	) (cache.Indexer, error) {
		informer := cache.NewSharedIndexInformer(
			cache.NewListWatchFromClient(client, resource, metav1.NamespaceAll, selector),
			example, 0, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
		if err := informer.SetTransform(trim); err != nil {
			return nil, err
		}
		registered := informer.HasSyncedChecker()
		if handler != nil {
			registration, err := informer.AddEventHandler(handler)
			if err != nil {
				return nil, err
			}
			registered = registration.HasSyncedChecker()
		}
		synced = append(synced, registered)
		s.background.Go(func() { informer.RunWithContext(ctx) })
		return informer.GetIndexer(), nil
	}

	var err error
	if s.namespaces, err = start(core, "namespaces", fields.Everything(), &v1.Namespace{}, trimMeta, on[*v1.Namespace]{
		update: func(old, now *v1.Namespace) {
			if !maps.Equal(old.Labels, now.Labels) {
				s.queue.Notify(cluster.NamespaceLabels)
			}
		},
	}.handler()); err != nil {
		return nil, err
	}
	if s.services, err = start(core, "services", fields.Everything(), &v1.Service{}, trimMeta, nil); err != nil {
		return nil, err
	}
	if s.budgets, err = start(policy, "poddisruptionbudgets", fields.Everything(), &policyv1.PodDisruptionBudget{}, trimMeta, nil); err != nil {
		return nil, err
	}
	if _, err = start(core, "nodes", fields.Everything(), &v1.Node{}, trimNode, on[*v1.Node]{
		add: s.nodeAdded, update: s.nodeUpdated, remove: s.nodeRemoved,
	}.handler()); err != nil {
		return nil, err
	}
	_, err = start(core, "pods", running, &v1.Pod{}, trimPod, on[*v1.Pod]{
		add: s.podAdded, update: s.podUpdated, remove: s.podRemoved,
	}.handler())
	return synced, err
}

// on is a typed event handler. An object that was replaced by another of its
// name while the watch was down is removed and added.
type on[T metav1.Object] struct {
	add, remove func(T)
	update      func(old, now T)
}

func (o on[T]) handler() cache.ResourceEventHandler {
	add := func(obj any) {
		if o.add != nil {
			o.add(obj.(T))
		}
	}
	remove := func(obj any) {
		if tombstone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = tombstone.Obj
		}
		if o.remove != nil {
			o.remove(obj.(T))
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc: add,
		UpdateFunc: func(old, now any) {
			if old.(T).GetUID() != now.(T).GetUID() {
				remove(old)
				add(now)
				return
			}
			o.update(old.(T), now.(T))
		},
		DeleteFunc: remove,
	}
}

func (s *scheduler) nodeAdded(node *v1.Node) {
	s.cache.SetNode(node)
	s.queue.Notify(cluster.NodeAdded)
}

func (s *scheduler) nodeUpdated(old, now *v1.Node) {
	changes := cluster.NoChange
	if !equality.Semantic.DeepEqual(old.Status.Allocatable, now.Status.Allocatable) {
		changes |= cluster.NodeAllocatable
	}
	if !maps.Equal(old.Labels, now.Labels) {
		changes |= cluster.NodeLabels
	}
	if old.Spec.Unschedulable != now.Spec.Unschedulable || !equality.Semantic.DeepEqual(old.Spec.Taints, now.Spec.Taints) {
		changes |= cluster.NodeTaints
	}
	if changes != cluster.NoChange || !equality.Semantic.DeepEqual(old.Status.Images, now.Status.Images) {
		s.cache.SetNode(now)
	}
	if changes != cluster.NoChange {
		s.queue.Notify(changes)
	}
}

func (s *scheduler) nodeRemoved(node *v1.Node) {
	s.cache.RemoveNode(node.Name)
	s.queue.Notify(cluster.NodeRemoved)
}

func (s *scheduler) podAdded(pod *v1.Pod) { s.podUpdated(nil, pod) }

// podUpdated takes over a version of a Pod; old is nil for the first one.
func (s *scheduler) podUpdated(old, pod *v1.Pod) {
	switch {
	case terminal(pod):
		s.podRemoved(pod)
	case pod.Spec.NodeName != "":
		s.podAssigned(old, pod)
	case !s.responsible(pod):
		s.queue.Delete(pod.UID)
		s.dropNomination(pod.UID)
	case s.cache.Has(pod.UID):
		// Older news than the booking: it is being bound, or is bound.
		s.queue.Update(pod)
	default:
		if p, err := cluster.NewPod(pod); err == nil {
			s.nominations.adopt(p)
		}
		s.queue.Set(pod, old != nil && schedulingChanged(old, pod))
	}
}

// responsible tells whether the Pod is this scheduler's to place now.
func (s *scheduler) responsible(pod *v1.Pod) bool {
	return pod.Spec.SchedulerName == Name && // SCHED-01
		len(pod.Spec.SchedulingGates) == 0 && // SCHED-21
		pod.DeletionTimestamp == nil // SCHED-22
}

// schedulingChanged tells whether the Pod may fare better than before.
func schedulingChanged(old, pod *v1.Pod) bool {
	return !maps.Equal(old.Labels, pod.Labels) || !equality.Semantic.DeepEqual(old.Spec, pod.Spec)
}

func terminal(pod *v1.Pod) bool {
	return pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed
}

func (s *scheduler) podAssigned(old, pod *v1.Pod) {
	s.queue.Delete(pod.UID)
	s.dropNomination(pod.UID)
	if old != nil && old.Spec.NodeName != "" && old.DeletionTimestamp.Equal(pod.DeletionTimestamp) && !schedulingChanged(old, pod) {
		if !equality.Semantic.DeepEqual(old.Status, pod.Status) {
			s.cachePod(pod)
		}
		return // a heartbeat of a running Pod
	}
	s.cachePod(pod)
	changes := cluster.PodPlaced
	if old != nil && old.Spec.NodeName != "" {
		changes = cluster.NoChange
		if !maps.Equal(old.Labels, pod.Labels) {
			changes |= cluster.PodLabels
		}
		if !old.DeletionTimestamp.Equal(pod.DeletionTimestamp) {
			changes |= cluster.PodLeaving
		}
		if !equality.Semantic.DeepEqual(old.Spec, pod.Spec) {
			changes |= cluster.PodShrunk
		}
	}
	s.queue.Notify(changes)
}

func (s *scheduler) cachePod(pod *v1.Pod) {
	if err := s.cache.SetPod(pod); err != nil {
		// Its affinity cannot be read: account for it without.
		pod = pod.DeepCopy()
		pod.Spec.Affinity = nil
		if err := s.cache.SetPod(pod); err != nil {
			panic(err) // nothing is left that could fail
		}
	}
}

func (s *scheduler) podRemoved(pod *v1.Pod) {
	s.queue.Delete(pod.UID)
	s.dropNomination(pod.UID)
	if s.cache.RemovePod(pod.UID) {
		s.queue.Notify(cluster.PodRemoved)
	}
}

// dropNomination frees the room that was kept for a Pod.
func (s *scheduler) dropNomination(uid types.UID) {
	if s.nominations.drop(uid) {
		s.queue.Notify(cluster.PodRemoved)
	}
}

func (s *scheduler) namespaceLabels(name string) labels.Set {
	obj, ok, err := s.namespaces.GetByKey(name)
	if err != nil || !ok {
		return nil
	}
	return obj.(*v1.Namespace).Labels
}
