package nodelifecycle

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// evict deletes the Pod if a taint on its node sends it away, or sees to it that
// this is done when the time is over for which it tolerates the taint (NODE-07).
func (l *lifecycle) evict(ctx context.Context, pod *corev1.Pod, node *corev1.Node) error {
	limit, forever := tolerance(node.Spec.Taints, pod.Spec.Tolerations)
	key := cache.MetaObjectToName(pod)
	if forever {
		if l.tolerated.end(pod.UID) {
			l.events.Eventf(pod, corev1.EventTypeNormal, "TaintManagerEviction", "Cancelling deletion of Pod %s", key)
		}
		return nil
	}
	if limit > 0 {
		if left := limit - l.tolerated.since(pod.UID); left > 0 {
			l.podQueue.AddAfter(key, left)
			return nil
		}
	}
	err := l.patchStatus(ctx, pod, map[string]any{"conditions": []any{
		disrupted(pod, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"),
	}})
	if err == nil {
		l.events.Eventf(pod, corev1.EventTypeNormal, "TaintManagerEviction", "Marking for deletion Pod %s", key)
		err = l.remove(ctx, pod, nil)
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// tolerance returns for how long the tolerations let a Pod stay on a node with
// the taints: for ever, or for a limited time from when that began.
func tolerance(taints []corev1.Taint, tolerations []corev1.Toleration) (limit time.Duration, forever bool) {
	forever = true
	for i := range taints {
		if taints[i].Effect != corev1.TaintEffectNoExecute {
			continue
		}
		toleration := tolerates(tolerations, &taints[i])
		switch {
		case toleration == nil:
			return 0, false
		case toleration.TolerationSeconds == nil:
			continue
		}
		seconds := time.Duration(max(0, *toleration.TolerationSeconds)) * time.Second
		if forever || seconds < limit {
			limit, forever = seconds, false
		}
	}
	return limit, forever
}

// tolerates returns the first toleration of the taint, or nil.
func tolerates(tolerations []corev1.Toleration, taint *corev1.Taint) *corev1.Toleration {
	for i := range tolerations {
		if tolerations[i].ToleratesTaint(klog.Background(), taint, false) {
			return &tolerations[i]
		}
	}
	return nil
}
