// Package nodelifecycle is the node lifecycle controller. A node that fails cannot
// report it: this controller notices, keeps new Pods off the node, and evicts those on
// it. It does the work of three controllers of Kubernetes, node lifecycle, taint
// eviction and Pod garbage collection:
//
//	health.go   the conditions of a node without heartbeats are Unknown (NODE-04)
//	taints.go   each problem of a node is a taint on it (NODE-05)
//	node.go     one sync of a node; the Pods of an unreachable one are not ready (NODE-06)
//	evict.go    Pods that do not tolerate a NoExecute taint are deleted (NODE-07)
//	collect.go  Pods that no kubelet will terminate are removed (NODE-09)
//	pod.go      one sync of a Pod
//
// Nothing is polled: what is due later is queued for then.
package nodelifecycle

import (
	"context"
	"fmt"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/reference/controller"
	"github.com/podchain/podchain/reference/link"
)

const (
	// Name is what the link calls itself in requests and Events.
	Name = "node-lifecycle-controller"

	// workers is how many nodes, and how many Pods, are dealt with at a time.
	workers = 8
)

// Run is the node lifecycle controller, until ctx is done.
func Run(ctx context.Context, config *rest.Config) error {
	process, err := link.New(Name, config)
	if err != nil {
		return err
	}
	nodes := link.Watch(process, process.Clients.Nodes())
	pods := link.Watch(process, process.Clients.Pods(metav1.NamespaceAll),
		link.Indexed(cache.Indexers{byNode: nodeOf}), link.Trimmed(trim))
	leases := link.Watch(process, process.Clients.Leases(corev1.NamespaceNodeLease))
	l := &lifecycle{
		clients:   process.Clients,
		events:    process.Events,
		nodes:     nodes,
		pods:      pods.GetIndexer(),
		signs:     newSigns(),
		ready:     newReadyNodes(),
		missing:   newClock[string](),
		tolerated: newClock[podID](),
		nodeQueue: link.NewQueue[string](),
		podQueue:  link.NewQueue[cache.ObjectName](),
	}
	link.Handle(process, leases, link.On[*coordinationv1.Lease]{
		Add:    func(lease *coordinationv1.Lease) { l.signs.renewed(lease) },
		Update: func(_, now *coordinationv1.Lease) { l.signs.renewed(now) },
	})
	link.Handle(process, nodes, link.On[*corev1.Node]{
		Add:    func(node *corev1.Node) { l.nodeSeen(nil, node) },
		Update: l.nodeSeen,
		Delete: l.nodeDeleted,
	})
	link.Handle(process, pods, link.On[*corev1.Pod]{
		Add:    func(pod *corev1.Pod) { l.podSeen(nil, pod) },
		Update: l.podSeen,
		Delete: l.podDeleted,
	})
	return process.Run(ctx,
		func(ctx context.Context) { l.nodeQueue.Run(ctx, workers, l.lookAtNode) },
		func(ctx context.Context) { l.podQueue.Run(ctx, workers, l.lookAtPod) })
}

// lifecycle holds what a look works with.
type lifecycle struct {
	clients *clients.Clients
	events  record.EventRecorder

	nodes link.Cache[*corev1.Node]
	pods  cache.Indexer // indexed by node

	// signs of life of the nodes, and which nodes are ready.
	signs *signs
	ready *readyNodes
	// missing are the nodes that Pods are bound to and that do not exist, and
	// tolerated the Pods that may stay for a while on a node that sends them away.
	missing   *clock[string]
	tolerated *clock[podID]

	nodeQueue *link.Queue[string]
	podQueue  *link.Queue[cache.ObjectName]
}

// byNode is the index of Pods by the node that they are bound to.
const byNode = "node"

func nodeOf(object any) ([]string, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return nil, fmt.Errorf("index by node: %T is not a Pod", object)
	}
	if pod.Spec.NodeName == "" {
		return nil, nil
	}
	return []string{pod.Spec.NodeName}, nil
}

// podsOn returns the Pods that are bound to a node. They belong to the cache.
func (l *lifecycle) podsOn(node string) ([]*corev1.Pod, error) {
	objects, err := l.pods.ByIndex(byNode, node)
	if err != nil {
		return nil, err
	}
	pods := make([]*corev1.Pod, len(objects))
	for i := range objects {
		pods[i] = objects[i].(*corev1.Pod)
	}
	return pods, nil
}

// trim is the transform of the Pods' informer: it keeps what this controller
// reads, a fraction of a Pod.
func trim(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	slim := &corev1.Pod{
		Spec:   corev1.PodSpec{NodeName: pod.Spec.NodeName, Tolerations: pod.Spec.Tolerations},
		Status: corev1.PodStatus{Phase: pod.Status.Phase},
	}
	slim.Name, slim.Namespace, slim.UID = pod.Name, pod.Namespace, pod.UID
	slim.ResourceVersion, slim.Generation = pod.ResourceVersion, pod.Generation
	slim.DeletionTimestamp, slim.DeletionGracePeriodSeconds = pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds
	if ready := controller.PodCondition(pod, corev1.PodReady); ready != nil {
		slim.Status.Conditions = []corev1.PodCondition{{Type: ready.Type, Status: ready.Status}}
	}
	return slim, nil
}
