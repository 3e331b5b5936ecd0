package nodelifecycle

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/controller"
)

// quarantine is how long a node may be missing before its Pods are given up: it
// may be that only its registration is late.
const quarantine = 40 * time.Second

// collectOrphans removes the Pods of a node that has been missing for the time
// of quarantine, or comes back when it has been (NODE-09).
func (l *lifecycle) collectOrphans(ctx context.Context, node string) error {
	pods, err := l.podsOn(node)
	if err != nil {
		return err
	}
	if len(pods) == 0 {
		l.missing.end(node)
		return nil
	}
	if left := quarantine - l.missing.since(node); left > 0 {
		l.nodeQueue.AddAfter(node, left)
		return nil
	}
	// It may be there, and the watch be late.
	_, err = l.clients.Nodes().Get(ctx, node, metav1.GetOptions{})
	switch {
	case err == nil:
		l.missing.end(node)
		return nil
	case !apierrors.IsNotFound(err):
		return err
	}
	err = controller.Parallel(len(pods), func(i int) error {
		return l.collect(ctx, pods[i], disrupted(pods[i], "DeletionByPodGC", "PodGC: node no longer exists"))
	})
	if err != nil {
		return err
	}
	l.missing.end(node)
	return nil
}

// endless returns whether no kubelet can terminate a Pod that is being deleted: it has
// no node, or the node is out of service.
func endless(pod *corev1.Pod, node *corev1.Node) bool {
	if node == nil {
		return pod.Spec.NodeName == ""
	}
	return !isReady(node) && slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool {
		return taint.Key == corev1.TaintNodeOutOfService
	})
}

// collect removes the Pod without waiting for a kubelet. It has failed then,
// whatever its containers do, and the condition, where there is one, says why.
func (l *lifecycle) collect(ctx context.Context, pod *corev1.Pod, why *corev1.PodCondition) error {
	if !controller.Terminal(pod) {
		status := map[string]any{"phase": corev1.PodFailed}
		if why != nil {
			status["conditions"] = []any{why}
		}
		if err := l.patchStatus(ctx, pod, status); apierrors.IsNotFound(err) {
			return nil
		} else if err != nil {
			return err
		}
	}
	if pod.DeletionTimestamp != nil && ptr.Deref(pod.DeletionGracePeriodSeconds, 0) == 0 {
		return nil // it is deleted without a grace period, and a finalizer holds it
	}
	return l.remove(ctx, pod, ptr.To[int64](0))
}
