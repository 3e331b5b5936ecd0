package scheduler

import (
	"context"
	"errors"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podchain/podchain/reference/scheduler/cluster"
	"github.com/podchain/podchain/reference/scheduler/queue"
)

// bind assigns the Pod to the node on which it is booked (SCHED-02). The uid is
// in the request: a Pod that was created anew under the name is not the one
// that the decision was about (SCHED-22).
func (s *scheduler) bind(ctx context.Context, entry *queue.Entry, pod *cluster.Pod, node string) {
	err := s.clients.Bind(ctx, &v1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		Target:     v1.ObjectReference{Kind: "Node", Name: node},
	})
	if err != nil {
		err = s.verify(ctx, pod, node, err)
	}
	switch {
	case err == nil:
		// The booking stays until the watch shows the Pod there.
		s.queue.Done(entry)
		s.events.EventV1(pod.Pod, nil, v1.EventTypeNormal, "Scheduled", "Binding",
			fmt.Sprintf("Successfully assigned %s/%s to %s", pod.Namespace, pod.Name, node))
	case errors.Is(err, errSettled):
		s.release(pod)
		s.queue.Done(entry)
	case permanent(err):
		s.release(pod)
		s.reportError(ctx, entry, fmt.Errorf("binding rejected: %w", err))
	default:
		s.release(pod)
		s.queue.Failed(entry)
	}
}

// errSettled means that nothing is left to do for the Pod.
var errSettled = errors.New("the Pod is gone or assigned elsewhere")

// verify finds out whether a binding that got no reply or an error was made: if so,
// it must not be retried (SCHED-23).
func (s *scheduler) verify(ctx context.Context, pod *cluster.Pod, node string, failure error) error {
	now, err := s.clients.Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return errSettled
	case err != nil:
		// Unknown. Another try does no harm: it is refused if this one worked.
		return err
	case now.UID != pod.UID:
		return errSettled
	case now.Spec.NodeName == node:
		return nil
	case now.Spec.NodeName != "" || now.DeletionTimestamp != nil:
		return errSettled
	}
	return failure
}

// release takes the booking back; others may use the room.
func (s *scheduler) release(pod *cluster.Pod) {
	if s.cache.Forget(pod.UID) {
		s.queue.Notify(cluster.PodRemoved)
	}
}

// permanent tells the errors that come from the request itself.
func permanent(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsForbidden(err)
}
