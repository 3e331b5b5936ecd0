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
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	coordinationinformers "k8s.io/client-go/informers/coordination/v1"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/podchain/podchain/reference/controller"
)

const (
	// Name is what the link calls itself in requests and Events.
	Name = "node-lifecycle-controller"

	// workers is how many nodes, and how many Pods, are dealt with at a time.
	workers = 8
)

// Run is the node lifecycle controller, until ctx is done.
func Run(ctx context.Context, config *rest.Config) error {
	link, err := controller.NewLink(Name, config)
	if err != nil {
		return err
	}
	nodes := link.Informers.Core().V1().Nodes()
	pods := link.Informers.Core().V1().Pods()
	leases := link.Informers.InformerFor(&coordinationv1.Lease{}, func(client kubernetes.Interface, resync time.Duration) cache.SharedIndexInformer {
		return coordinationinformers.NewLeaseInformer(client, corev1.NamespaceNodeLease, resync, cache.Indexers{})
	})
	l := &lifecycle{
		client:    link.Client,
		events:    link.Events,
		nodes:     nodes.Lister(),
		pods:      pods.Informer().GetIndexer(),
		signs:     newSigns(),
		ready:     newReadyNodes(),
		missing:   newClock[string](),
		tolerated: newClock[podID](),
		nodeQueue: controller.NewQueue[string](),
		podQueue:  controller.NewQueue[cache.ObjectName](),
	}
	if err := l.observe(nodes.Informer(), pods.Informer(), leases); err != nil {
		l.nodeQueue.ShutDown()
		l.podQueue.ShutDown()
		return fmt.Errorf("%s: %w", Name, err)
	}
	return link.Run(ctx,
		func(ctx context.Context) { l.nodeQueue.Run(ctx, workers, l.lookAtNode) },
		func(ctx context.Context) { l.podQueue.Run(ctx, workers, l.lookAtPod) })
}

// lifecycle holds what a look works with.
type lifecycle struct {
	client kubernetes.Interface
	events record.EventRecorder

	nodes corelisters.NodeLister
	pods  cache.Indexer // indexed by node

	// signs of life of the nodes, and which nodes are ready.
	signs *signs
	ready *readyNodes
	// missing are the nodes that Pods are bound to and that do not exist, and
	// tolerated the Pods that may stay for a while on a node that sends them away.
	missing   *clock[string]
	tolerated *clock[podID]

	nodeQueue *controller.Queue[string]
	podQueue  *controller.Queue[cache.ObjectName]
}

// byNode is the index of Pods by the node that they are bound to.
const byNode = "node"

// observe turns events into nodes and Pods to look at.
func (l *lifecycle) observe(nodes, pods, leases cache.SharedIndexInformer) error {
	if err := pods.AddIndexers(cache.Indexers{byNode: nodeOf}); err != nil {
		return err
	}
	if err := pods.SetTransform(trim); err != nil {
		return err
	}
	if _, err := leases.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(added any) { l.signs.renewed(added.(*coordinationv1.Lease)) },
		UpdateFunc: func(_, now any) { l.signs.renewed(now.(*coordinationv1.Lease)) },
	}); err != nil {
		return err
	}
	if _, err := nodes.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(added any) { l.nodeSeen(nil, added.(*corev1.Node)) },
		UpdateFunc: func(before, now any) { l.nodeSeen(before.(*corev1.Node), now.(*corev1.Node)) },
		DeleteFunc: l.nodeDeleted,
	}); err != nil {
		return err
	}
	_, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(added any) { l.podSeen(nil, added.(*corev1.Pod)) },
		UpdateFunc: func(before, now any) { l.podSeen(before.(*corev1.Pod), now.(*corev1.Pod)) },
		DeleteFunc: l.podDeleted,
	})
	return err
}

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
