package scheduler

import (
	"context"
	"encoding/json"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/scheduler/cluster"
	"github.com/podchain/podchain/reference/scheduler/queue"
)

// reportUnschedulable evicts the victims, if that is the plan, reports in the Pod's
// status why it has no node (SCHED-05), and returns it to the queue.
func (s *scheduler) reportUnschedulable(ctx context.Context, entry *queue.Entry, pod *cluster.Pod, d decision) {
	if d.plan != nil {
		if err := s.evict(ctx, pod, d.plan); err != nil {
			s.nominations.drop(pod.UID)
			s.handle(ctx, pod.Pod, err)
			s.queue.Failed(entry)
			return
		}
	}
	if s.report(ctx, entry, v1.PodReasonUnschedulable, d.message) {
		s.queue.Unschedulable(entry, d.retry)
	}
}

// reportError says that the Pod could not be handled, and tries it again later.
func (s *scheduler) reportError(ctx context.Context, entry *queue.Entry, failure error) {
	if s.report(ctx, entry, v1.PodReasonSchedulerError, failure.Error()) {
		s.queue.Failed(entry)
	}
}

// report writes the condition and the event if they say something new: who
// waits is not news. It returns false if the entry has been given back.
func (s *scheduler) report(ctx context.Context, entry *queue.Entry, reason, message string) bool {
	pod := entry.Pod
	before := entry.Reported
	if before == nil {
		before = condition(&pod.Status, v1.PodScheduled)
	}
	now := v1.PodCondition{
		Type: v1.PodScheduled, Status: v1.ConditionFalse, Reason: reason, Message: message,
		LastTransitionTime: metav1.Now(),
	}
	said := before != nil && before.Status == now.Status && before.Reason == now.Reason && before.Message == now.Message
	if before != nil && before.Status == now.Status {
		now.LastTransitionTime = before.LastTransitionTime
	}
	patch := statusPatch{}
	if !said {
		patch.Conditions = []v1.PodCondition{now}
		s.events.EventV1(pod, nil, v1.EventTypeWarning, "FailedScheduling", "Scheduling", message)
	}
	if nominated := s.nominations.node(pod.UID); nominated != pod.Status.NominatedNodeName {
		patch.NominatedNodeName = &nominated
	}
	if patch.Conditions == nil && patch.NominatedNodeName == nil {
		return true
	}
	switch err := s.patchStatus(ctx, pod, patch); {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		// If the Pod is gone, or another has its name, the watch will remove it from
		// the queue. Until then it stays there.
		s.queue.Failed(entry)
		return false
	case err != nil:
		s.handle(ctx, pod, err)
		s.queue.Failed(entry)
		return false
	}
	entry.Reported = &now
	return true
}

// statusPatch is what the scheduler writes of a Pod (SCHED-26).
type statusPatch struct {
	Conditions []v1.PodCondition
	// NominatedNodeName is left alone if nil, and removed if empty.
	NominatedNodeName *string
}

func (s *scheduler) patchStatus(ctx context.Context, pod *v1.Pod, patch statusPatch) error {
	status := map[string]any{}
	if patch.Conditions != nil {
		status["conditions"] = patch.Conditions
	}
	if patch.NominatedNodeName != nil {
		if status["nominatedNodeName"] = *patch.NominatedNodeName; *patch.NominatedNodeName == "" {
			status["nominatedNodeName"] = nil
		}
	}
	body, err := json.Marshal(map[string]any{
		// The uid makes the server refuse the patch for another Pod.
		"metadata": map[string]any{"uid": pod.UID},
		"status":   status,
	})
	if err != nil {
		return err
	}
	_, err = s.clients.Pods(pod.Namespace).Patch(ctx, pod.Name,
		types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
	return err
}

// handle reports an error that is not the Pod's fault.
func (s *scheduler) handle(ctx context.Context, pod *v1.Pod, err error) {
	if ctx.Err() == nil {
		utilruntime.HandleErrorWithContext(ctx, err, "Scheduling failed", "pod", fmt.Sprintf("%s/%s", pod.Namespace, pod.Name))
	}
}

func condition(status *v1.PodStatus, kind v1.PodConditionType) *v1.PodCondition {
	for i := range status.Conditions {
		if status.Conditions[i].Type == kind {
			return ptr.To(status.Conditions[i])
		}
	}
	return nil
}
