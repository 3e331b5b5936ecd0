package nodelifecycle

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/reference/controller"
)

// nodeSeen notes the heartbeat in a new version of a Node, and queues what it concerns.
// The version before is nil for a Node that is new here.
func (l *lifecycle) nodeSeen(before, node *corev1.Node) {
	l.signs.reported(node)
	l.setReady(node.Name, isReady(node))
	l.nodeQueue.Add(node.Name)
	if before == nil || readyStatus(before) != readyStatus(node) || !equality.Semantic.DeepEqual(before.Spec.Taints, node.Spec.Taints) {
		l.queuePodsOn(node.Name)
	}
}

func (l *lifecycle) nodeDeleted(node *corev1.Node) {
	l.signs.forget(node.Name)
	l.setReady(node.Name, false)
	l.nodeQueue.Add(node.Name)
}

// setReady notes whether a node is ready: if it is the first one, or was the last
// one, that matters to all.
func (l *lifecycle) setReady(name string, ready bool) {
	if !l.ready.set(name, ready) {
		return
	}
	nodes, _ := l.nodes.List(labels.Everything()) // a cache answers without an error
	for _, node := range nodes {
		l.nodeQueue.Add(node.Name)
	}
}

func (l *lifecycle) queuePodsOn(node string) {
	pods, _ := l.podsOn(node) // the index exists
	for _, pod := range pods {
		l.podQueue.Add(cache.MetaObjectToName(pod))
	}
}

// lookAtNode brings a Node, and the Pods on it, to where the node's state calls
// for, and sees to the Pods of a node that does not exist.
func (l *lifecycle) lookAtNode(ctx context.Context, name string) error {
	node, err := l.nodes.Get(name)
	if apierrors.IsNotFound(err) {
		return l.collectOrphans(ctx, name)
	}
	if err != nil {
		return err
	}
	l.missing.end(name)
	// What follows from new conditions follows when they are seen: whether any
	// node is left that is ready is known then.
	if wrote, err := l.checkHealth(ctx, node); wrote || err != nil {
		return err
	}
	return errors.Join(l.markPods(ctx, node), l.taint(ctx, node))
}

// markPods marks the Pods on an unreachable node as not ready (NODE-06). A kubelet that
// reports its node as not ready still reports the status of its Pods.
func (l *lifecycle) markPods(ctx context.Context, node *corev1.Node) error {
	if readyStatus(node) != corev1.ConditionUnknown {
		return nil
	}
	pods, err := l.podsOn(node.Name)
	if err != nil {
		return err
	}
	err = controller.Parallel(len(pods), func(i int) error {
		pod := pods[i]
		if !controller.Ready(pod) {
			return nil
		}
		err := l.patchStatus(ctx, pod, map[string]any{"conditions": []any{map[string]any{
			"type": corev1.PodReady, "status": corev1.ConditionFalse, "lastTransitionTime": metav1.Now(),
		}}})
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return err
		}
		l.events.Event(pod, corev1.EventTypeWarning, "NodeNotReady", "Node is not ready")
		return nil
	})
	return err
}
