package scheduler

import (
	"maps"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/podchain/podchain/reference/link"
	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// running selects the Pods that matter: a terminal Pod has given back its share
// (SCHED-07) and is seen as deleted.
var running = fields.AndSelectors(
	fields.OneTermNotEqualSelector("status.phase", string(v1.PodSucceeded)),
	fields.OneTermNotEqualSelector("status.phase", string(v1.PodFailed)),
)

// watch has the picture of the cluster follow the API server.
func (s *scheduler) watch(l *link.Link) {
	s.namespaces = link.Watch(l, l.Clients.Namespaces(), link.Trimmed(trimMeta))
	s.services = link.Watch(l, l.Clients.Services(metav1.NamespaceAll), link.Trimmed(trimMeta))
	s.budgets = link.Watch(l, l.Clients.PodDisruptionBudgets(metav1.NamespaceAll), link.Trimmed(trimMeta))
	nodes := link.Watch(l, l.Clients.Nodes(), link.Trimmed(trimNode))
	pods := link.Watch(l, l.Clients.Pods(metav1.NamespaceAll), link.Where(running), link.Trimmed(trimPod))

	link.Handle(l, s.namespaces, link.On[*v1.Namespace]{Update: s.namespaceUpdated})
	link.Handle(l, nodes, link.On[*v1.Node]{Add: s.nodeAdded, Update: s.nodeUpdated, Delete: s.nodeRemoved})
	link.Handle(l, pods, link.On[*v1.Pod]{Add: s.podAdded, Update: s.podUpdated, Delete: s.podRemoved})
}

func (s *scheduler) namespaceUpdated(old, now *v1.Namespace) {
	if !maps.Equal(old.Labels, now.Labels) {
		s.queue.Notify(cluster.NamespaceLabels)
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
	namespace, err := s.namespaces.Get(name)
	if err != nil {
		return nil // it does not exist
	}
	return namespace.Labels
}
