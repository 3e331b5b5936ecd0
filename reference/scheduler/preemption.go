package scheduler

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/scheduler/cluster"
	"github.com/podchain/podchain/reference/scheduler/filter"
	"github.com/podchain/podchain/reference/scheduler/preempt"
)

// preempt looks for Pods that have to go so that this one fits (SCHED-19). It
// books the room at once: later decisions leave it to this Pod.
func (s *scheduler) preempt(pod *cluster.Pod, view cluster.View, r refused, d *decision) {
	if ptr.Deref(pod.Spec.PreemptionPolicy, v1.PreemptLowerPriority) == v1.PreemptNever {
		d.message += " preemption: not eligible due to preemptionPolicy=Never."
		return
	}
	if s.victimsLeave(pod, view) {
		d.retry |= cluster.PodRemoved
		d.message += " preemption: not eligible due to a terminating pod on the nominated node."
		return
	}
	fits := func(view cluster.View, node *cluster.Node) bool {
		checks, err := filter.Prepare(s.filters, pod, view)
		if err != nil {
			return false
		}
		refusal, _ := s.refuses(pod, view, node, checks)
		return refusal == nil
	}
	d.plan = preempt.Choose(pod, view, r.open, s.listBudgets(), fits)
	if d.plan == nil {
		s.nominations.drop(pod.UID)
		d.message += noRoom(len(view.Nodes), len(r.open))
		return
	}
	d.retry |= cluster.PodRemoved
	d.message += fmt.Sprintf(" preemption: found a potential placement for pod on node %s, preempting %d victims", d.plan.Node, len(d.plan.Victims))
	s.nominations.set(pod, d.plan.Node, d.plan.Victims)
}

func noRoom(nodes, open int) string {
	message := fmt.Sprintf(" preemption: 0/%d nodes are available", nodes)
	separator := ": "
	if open > 0 {
		message += fmt.Sprintf("%s%d No preemption victims found for incoming pod", separator, open)
		separator = ", "
	}
	if nodes > open {
		message += fmt.Sprintf("%s%d Preemption is not helpful for scheduling", separator, nodes-open)
	}
	return message + "."
}

// victimsLeave returns whether Pods that were preempted for this one still exist:
// until they are gone no other Pod is preempted.
func (s *scheduler) victimsLeave(pod *cluster.Pod, view cluster.View) bool {
	nominated := s.nominations.of(pod)
	if nominated == "" {
		return false
	}
	for _, node := range view.Nodes {
		if node.Name != nominated {
			continue
		}
		for _, other := range node.Pods {
			if s.nominations.victim(pod.UID, other.UID) || other.Priority() < pod.Priority() && leavesForAnother(other) {
				return true
			}
		}
	}
	return false
}

// leavesForAnother tells the same from the API alone, after a restart.
func leavesForAnother(pod *cluster.Pod) bool {
	condition := condition(&pod.Status, v1.DisruptionTarget)
	return pod.DeletionTimestamp != nil && condition != nil && condition.Status == v1.ConditionTrue &&
		condition.Reason == v1.PodReasonPreemptionByScheduler
}

// evict has the victims go: the condition says why, then they are deleted with
// their grace period.
func (s *scheduler) evict(ctx context.Context, pod *cluster.Pod, plan *preempt.Plan) error {
	for _, lower := range s.nominations.dropBelow(plan.Node, pod) {
		// They were promised room here. They have to look elsewhere.
		s.queue.Retry(lower)
	}
	for _, victim := range plan.Victims {
		if victim.DeletionTimestamp != nil {
			continue
		}
		if err := s.evictOne(ctx, pod, victim, plan.Node); err != nil {
			return fmt.Errorf("preempting %s/%s: %w", victim.Namespace, victim.Name, err)
		}
	}
	return nil
}

func (s *scheduler) evictOne(ctx context.Context, pod, victim *cluster.Pod, node string) error {
	err := s.patchStatus(ctx, victim.Pod, statusPatch{Conditions: []v1.PodCondition{{
		Type: v1.DisruptionTarget, Status: v1.ConditionTrue,
		Reason:             v1.PodReasonPreemptionByScheduler,
		Message:            Name + ": preempting to accommodate a higher priority pod",
		LastTransitionTime: metav1.Now(),
	}}})
	if err == nil {
		err = s.clients.Pods(victim.Namespace).Delete(ctx, victim.Name, metav1.DeleteOptions{
			Preconditions: metav1.NewUIDPreconditions(string(victim.UID)),
		})
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	s.events.EventV1(victim.Pod, pod.Pod, v1.EventTypeNormal, "Preempted", "Preempting",
		fmt.Sprintf("Preempted by pod %s on node %s", pod.UID, node))
	return nil
}
