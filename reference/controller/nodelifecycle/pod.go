package nodelifecycle

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// podID is one Pod, not another one of the same name.
type podID = types.UID

// podSeen queues a Pod when something has changed that decides over it. The
// version before is nil for a Pod that is new here.
func (l *lifecycle) podSeen(before, pod *corev1.Pod) {
	bound := pod.Spec.NodeName != "" && (before == nil || before.Spec.NodeName == "")
	if bound {
		if _, err := l.nodes.Get(pod.Spec.NodeName); err != nil {
			l.nodeQueue.Add(pod.Spec.NodeName)
		}
	}
	if bound || before == nil || before.DeletionTimestamp == nil && pod.DeletionTimestamp != nil ||
		!equality.Semantic.DeepEqual(before.Spec.Tolerations, pod.Spec.Tolerations) {
		l.podQueue.Add(cache.MetaObjectToName(pod))
	}
}

func (l *lifecycle) podDeleted(pod *corev1.Pod) { l.tolerated.end(pod.UID) }

// lookAtPod decides whether a Pod may stay where it is.
func (l *lifecycle) lookAtPod(ctx context.Context, key cache.ObjectName) error {
	object, exists, err := l.pods.GetByKey(key.String())
	if err != nil || !exists {
		return err
	}
	pod := object.(*corev1.Pod)
	node, err := l.nodes.Get(pod.Spec.NodeName)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	switch {
	case pod.DeletionTimestamp != nil:
		if endless(pod, node) {
			return l.collect(ctx, pod, nil)
		}
		return nil
	case node == nil:
		return nil // its node is looked for (collectOrphans)
	}
	return l.evict(ctx, pod, node)
}

// patchStatus changes some of a Pod's status. A Pod that has changed since it was
// cached is looked at again: the error is a conflict.
func (l *lifecycle) patchStatus(ctx context.Context, pod *corev1.Pod, status map[string]any) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": pod.UID, "resourceVersion": pod.ResourceVersion},
		"status":   status,
	})
	if err != nil {
		return err
	}
	_, err = l.clients.Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

// remove deletes this Pod, and no other of its name.
func (l *lifecycle) remove(ctx context.Context, pod *corev1.Pod, grace *int64) error {
	err := l.clients.Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: grace,
		Preconditions:      metav1.NewUIDPreconditions(string(pod.UID)),
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// disrupted is the condition by which a Pod tells that it did not end by itself.
func disrupted(pod *corev1.Pod, reason, message string) *corev1.PodCondition {
	return &corev1.PodCondition{
		Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: reason, Message: message,
		ObservedGeneration: pod.Generation, LastTransitionTime: metav1.Now(),
	}
}
