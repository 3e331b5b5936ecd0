package kinds

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

var podColumns = columns("Name", "Ready", "Status", "Restarts", "Age", "+IP", "+Node", "+Nominated Node", "+Readiness Gates")

func podRow(pod *corev1.Pod, now time.Time) []any {
	s := summarize(pod)
	restarts := strconv.Itoa(s.restarts)
	if s.restarts != 0 && !s.lastRestart.IsZero() {
		restarts = fmt.Sprintf("%d (%s ago)", s.restarts, duration.HumanDuration(now.Sub(s.lastRestart)))
	}
	return []any{
		pod.Name,
		fmt.Sprintf("%d/%d", s.ready, s.containers),
		s.status,
		restarts,
		age(pod.CreationTimestamp, now),
		or(pod.Status.PodIP, none),
		or(pod.Spec.NodeName, none),
		or(pod.Status.NominatedNodeName, none),
		readinessGates(pod),
	}
}

// podSummary is a Pod in one line.
type podSummary struct {
	status            string
	ready, containers int
	restarts          int
	lastRestart       time.Time
}

// summarize boils a Pod down to the one word that says best how it is: what
// keeps it from initializing, else what keeps a container from running, else
// its phase.
func summarize(pod *corev1.Pod) podSummary {
	s := podSummary{status: or(pod.Status.Reason, string(pod.Status.Phase)), containers: len(pod.Spec.Containers)}
	if hasCondition(pod, corev1.PodScheduled, func(c corev1.PodCondition) bool { return c.Reason == corev1.PodReasonSchedulingGated }) {
		s.status = corev1.PodReasonSchedulingGated
	}
	sidecars := podSummary{}
	initializing := s.initContainers(pod, &sidecars)
	if !initializing || hasCondition(pod, corev1.PodInitialized, isTrue) {
		// Restarts while initializing are no longer of interest.
		s.restarts, s.lastRestart = sidecars.restarts, sidecars.lastRestart
		s.regularContainers(pod)
	}
	switch {
	case pod.DeletionTimestamp == nil:
	case pod.Status.Reason == "NodeLost":
		s.status = "Unknown"
	case pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed:
		s.status = "Terminating"
	}
	return s
}

// initContainers looks for the first init container that the Pod waits for,
// and counts the restarts of sidecars apart.
func (s *podSummary) initContainers(pod *corev1.Pod, sidecars *podSummary) (initializing bool) {
	names := map[string]bool{}
	for i := range pod.Spec.InitContainers {
		if isSidecar(&pod.Spec.InitContainers[i]) {
			names[pod.Spec.InitContainers[i].Name] = true
			s.containers++
		}
	}
	for i, c := range pod.Status.InitContainerStatuses {
		s.count(c)
		if names[c.Name] {
			sidecars.count(c)
		}
		switch ended, waiting := c.State.Terminated, c.State.Waiting; {
		case ended != nil && ended.ExitCode == 0:
			continue
		case names[c.Name] && deref(c.Started):
			if c.Ready {
				s.ready++
			}
			continue
		case ended != nil:
			s.status = "Init:" + endReason(ended)
		case waiting != nil && waiting.Reason != "" && waiting.Reason != "PodInitializing":
			s.status = "Init:" + waiting.Reason
		default:
			s.status = fmt.Sprintf("Init:%d/%d", i, len(pod.Spec.InitContainers))
		}
		return true
	}
	return false
}

// regularContainers lets the first container that does not run have the word.
func (s *podSummary) regularContainers(pod *corev1.Pod) {
	running, failure := false, ""
	for _, c := range slices.Backward(pod.Status.ContainerStatuses) {
		s.count(c)
		switch ended, waiting := c.State.Terminated, c.State.Waiting; {
		case waiting != nil && waiting.Reason != "":
			s.status = waiting.Reason
		case ended != nil:
			s.status = endReason(ended)
			if ended.ExitCode != 0 {
				failure = s.status
			}
		case c.Ready && c.State.Running != nil:
			running = true
			s.ready++
		}
	}
	if s.status != "Completed" {
		return
	}
	switch {
	case running && hasCondition(pod, corev1.PodReady, isTrue):
		s.status = "Running"
	case failure != "":
		s.status = failure
	case running:
		s.status = "NotReady"
	}
}

func (s *podSummary) count(c corev1.ContainerStatus) {
	s.restarts += int(c.RestartCount)
	if last := c.LastTerminationState.Terminated; last != nil && last.FinishedAt.After(s.lastRestart) {
		s.lastRestart = last.FinishedAt.Time
	}
}

func endReason(ended *corev1.ContainerStateTerminated) string {
	switch {
	case ended.Reason != "":
		return ended.Reason
	case ended.Signal != 0:
		return fmt.Sprintf("Signal:%d", ended.Signal)
	default:
		return fmt.Sprintf("ExitCode:%d", ended.ExitCode)
	}
}

func hasCondition(pod *corev1.Pod, kind corev1.PodConditionType, is func(corev1.PodCondition) bool) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == kind && is(c) })
}

func isTrue(c corev1.PodCondition) bool { return c.Status == corev1.ConditionTrue }

func readinessGates(pod *corev1.Pod) string {
	if len(pod.Spec.ReadinessGates) == 0 {
		return none
	}
	open := 0
	for _, gate := range pod.Spec.ReadinessGates {
		if hasCondition(pod, gate.ConditionType, isTrue) {
			open++
		}
	}
	return fmt.Sprintf("%d/%d", open, len(pod.Spec.ReadinessGates))
}

var podTemplateColumns = columns("Name", "Containers", "Images", "Pod Labels")

func podTemplateRow(t *corev1.PodTemplate, _ time.Time) []any {
	return []any{t.Name, containerNames(t.Template.Spec.Containers), containerImages(t.Template.Spec.Containers),
		formatLabels(t.Template.Labels)}
}
