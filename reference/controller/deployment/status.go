package deployment

import (
	"fmt"
	"math"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// Reasons of conditions.
const (
	reasonAvailable   = "MinimumReplicasAvailable"
	reasonUnavailable = "MinimumReplicasUnavailable"

	reasonCreated     = "NewReplicaSetCreated"
	reasonFound       = "FoundNewReplicaSet"
	reasonUpdated     = "ReplicaSetUpdated"
	reasonComplete    = "NewReplicaSetAvailable"
	reasonTimedOut    = "ProgressDeadlineExceeded"
	reasonPaused      = "DeploymentPaused"
	reasonResumed     = "DeploymentResumed"
	reasonCreateError = "ReplicaSetCreateError"
)

// outcome is what a step did, as far as the status has to tell it.
type outcome struct {
	// rollout: the step is one of a rollout, whose progress is to be judged. A mere
	// scaling is not (SCALE-07).
	rollout bool
	created bool
	failure error
	// collisions is the new count, if the name was taken.
	collisions int32
}

var (
	statusOnly  = outcome{}
	rolloutStep = outcome{rollout: true}
	createdSet  = outcome{rollout: true, created: true}
)

func createFailed(err error) outcome    { return outcome{rollout: true, failure: err} }
func collided(collisions int32) outcome { return outcome{rollout: true, collisions: collisions} }

// statusOf computes the status from the ReplicaSets' (DEPLOY-10..14, -24).
func statusOf(r *rollout, outcome outcome, now time.Time) appsv1.DeploymentStatus {
	status := counters(r)
	status.Conditions = slices.Clone(r.deployment.Status.Conditions)
	if outcome.collisions > 0 {
		status.CollisionCount = ptr.To(outcome.collisions)
	}

	if status.AvailableReplicas >= *r.deployment.Spec.Replicas-r.unavailable {
		set(&status, now, appsv1.DeploymentAvailable, corev1.ConditionTrue, reasonAvailable, "Deployment has minimum availability.")
	} else {
		set(&status, now, appsv1.DeploymentAvailable, corev1.ConditionFalse, reasonUnavailable, "Deployment does not have minimum availability.")
	}
	progress(&status, r, outcome, now)
	if failure := replicaFailure(r); failure != nil {
		set(&status, now, appsv1.DeploymentReplicaFailure, failure.Status, failure.Reason, failure.Message)
	} else {
		remove(&status, appsv1.DeploymentReplicaFailure)
	}
	return status
}

// resumedStatus is the status as it was, except that the pause is over.
func resumedStatus(r *rollout, now time.Time) appsv1.DeploymentStatus {
	status := *r.deployment.Status.DeepCopy()
	set(&status, now, appsv1.DeploymentProgressing, corev1.ConditionUnknown, reasonResumed, "Deployment is resumed")
	return status
}

// resumed says that the pause is over and the status does not say so yet.
func (r *rollout) resumed() bool {
	condition := get(r.deployment.Status, appsv1.DeploymentProgressing)
	return !r.deployment.Spec.Paused && hasDeadline(r.deployment) && condition != nil && condition.Reason == reasonPaused
}

// counters sums up.
func counters(r *rollout) appsv1.DeploymentStatus {
	status := appsv1.DeploymentStatus{
		ObservedGeneration:  r.deployment.Generation,
		CollisionCount:      r.deployment.Status.CollisionCount,
		TerminatingReplicas: ptr.To[int32](0),
	}
	for _, set := range r.all() {
		status.Replicas += set.Status.Replicas
		status.ReadyReplicas += set.Status.ReadyReplicas
		status.AvailableReplicas += set.Status.AvailableReplicas
		switch {
		case status.TerminatingReplicas == nil:
		case set.Status.TerminatingReplicas != nil:
			*status.TerminatingReplicas += *set.Status.TerminatingReplicas
		case set.Status.ObservedGeneration > 0:
			// A controller that does not count them: then the sum is not known.
			status.TerminatingReplicas = nil
		}
	}
	if r.current != nil {
		status.UpdatedReplicas = r.current.Status.Replicas
	}
	status.UnavailableReplicas = max(0, asked(r.all())-status.AvailableReplicas)
	return status
}

// progress judges the condition Progressing (DEPLOY-13, -16, ROLLOUT-10, -14).
func progress(status *appsv1.DeploymentStatus, r *rollout, outcome outcome, now time.Time) {
	deployment := r.deployment
	if !hasDeadline(deployment) {
		remove(status, appsv1.DeploymentProgressing)
		return
	}
	subject := fmt.Sprintf("Deployment %q", deployment.Name)
	if r.current != nil {
		subject = fmt.Sprintf("ReplicaSet %q", r.current.Name)
	}
	say := func(condition corev1.ConditionStatus, reason, message string) {
		set(status, now, appsv1.DeploymentProgressing, condition, reason, message)
	}
	condition := get(deployment.Status, appsv1.DeploymentProgressing)
	switch {
	case deployment.DeletionTimestamp != nil:
	case deployment.Spec.Paused:
		// What has timed out stays so.
		if condition == nil || condition.Reason != reasonTimedOut {
			say(corev1.ConditionUnknown, reasonPaused, "Deployment is paused")
		}
	case !outcome.rollout:
	case outcome.failure != nil:
		say(corev1.ConditionFalse, reasonCreateError, outcome.failure.Error())
	case outcome.created:
		say(corev1.ConditionTrue, reasonCreated, subject+" is created.")
	case condition == nil && r.current != nil && !complete(deployment, *status):
		say(corev1.ConditionTrue, reasonFound, subject+" is found.")
	case condition != nil && condition.Reason == reasonComplete && status.Replicas == status.UpdatedReplicas:
		// It was complete, and what has changed since is no rollout.
	case complete(deployment, *status):
		say(corev1.ConditionTrue, reasonComplete, subject+" has successfully progressed.")
	case progressed(deployment.Status, *status):
		// Written anew even if it was so before: the deadline counts from the last
		// time that there was progress.
		renew(status, now, appsv1.DeploymentProgressing, corev1.ConditionTrue, reasonUpdated, subject+" is progressing.")
	case timedOut(deployment, condition, now):
		say(corev1.ConditionFalse, reasonTimedOut, subject+" has timed out progressing.")
	}
}

// complete says that all replicas are of the current template and available,
// and no others are left (ROLLOUT-05).
func complete(deployment *appsv1.Deployment, status appsv1.DeploymentStatus) bool {
	replicas := *deployment.Spec.Replicas
	return status.UpdatedReplicas == replicas && status.Replicas == replicas && status.AvailableReplicas == replicas &&
		status.ObservedGeneration >= deployment.Generation
}

// progressed returns whether more replicas are new, ready or available than before, or
// fewer are old.
func progressed(before, now appsv1.DeploymentStatus) bool {
	return now.UpdatedReplicas > before.UpdatedReplicas ||
		now.Replicas-now.UpdatedReplicas < before.Replicas-before.UpdatedReplicas ||
		now.ReadyReplicas > before.ReadyReplicas ||
		now.AvailableReplicas > before.AvailableReplicas
}

// deadline is when the lack of progress becomes a failure; none after
// completion, and none twice.
func deadline(deployment *appsv1.Deployment, condition *appsv1.DeploymentCondition) (time.Time, bool) {
	if !hasDeadline(deployment) || deployment.Spec.Paused || condition == nil ||
		condition.Reason == reasonComplete || condition.Reason == reasonTimedOut {
		return time.Time{}, false
	}
	return condition.LastUpdateTime.Add(time.Duration(*deployment.Spec.ProgressDeadlineSeconds) * time.Second), true
}

func timedOut(deployment *appsv1.Deployment, condition *appsv1.DeploymentCondition, now time.Time) bool {
	at, ok := deadline(deployment, condition)
	return ok && at.Before(now)
}

// nextProgressCheck says after which time to look at the Deployment again if
// nothing happens; 0 stands for never. API times are cut to seconds, so that a
// second is added.
func nextProgressCheck(deployment *appsv1.Deployment, status appsv1.DeploymentStatus, now time.Time) time.Duration {
	at, ok := deadline(deployment, get(status, appsv1.DeploymentProgressing))
	if !ok || complete(deployment, status) {
		return 0
	}
	return max(at.Sub(now), 0) + time.Second
}

func hasDeadline(deployment *appsv1.Deployment) bool {
	seconds := deployment.Spec.ProgressDeadlineSeconds
	return seconds != nil && *seconds != math.MaxInt32
}

// replicaFailure finds a ReplicaSet's condition, the current one's before others' (DEPLOY-14).
func replicaFailure(r *rollout) *appsv1.ReplicaSetCondition {
	sets := r.all()
	slices.Reverse(sets)
	for _, set := range sets {
		for i := range set.Status.Conditions {
			if set.Status.Conditions[i].Type == appsv1.ReplicaSetReplicaFailure {
				return &set.Status.Conditions[i]
			}
		}
	}
	return nil
}
