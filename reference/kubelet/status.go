package kubelet

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/ptr"
)

// The waiting reasons, besides those of image.go.
const (
	reasonCreating     = "ContainerCreating"
	reasonInitializing = "PodInitializing"
	reasonCrashLoop    = "CrashLoopBackOff"
	reasonUnknown      = "ContainerStatusUnknown"
)

// observation is all that a Pod's status is made of, besides the Pod.
type observation struct {
	view *view
	// waiting is why containers that should run do not.
	waiting map[string]corev1.ContainerStateWaiting
	// started and ready tell what the probes found about a running container.
	started, ready func(c container) bool
	// runtimeName is the scheme of container ids.
	runtimeName string
	hostIP      string
	// ended says that the Pod is over: nothing runs, nothing will be started.
	ended bool
	// verdict ends the Pod as failed, whatever its containers did.
	verdict *rejection
	now     metav1.Time
}

// makeStatus returns the status of a Pod: a function of its spec, what was said
// before, and what is observed. The conditions are the kubelet's own only; those
// of others are theirs (KUBELET-05).
func makeStatus(pod *corev1.Pod, old *corev1.PodStatus, o observation) corev1.PodStatus {
	s := corev1.PodStatus{
		ObservedGeneration: pod.Generation,
		StartTime:          old.StartTime,
		HostIP:             o.hostIP,
		HostIPs:            []corev1.HostIP{{IP: o.hostIP}},
		PodIP:              old.PodIP,
		PodIPs:             old.PodIPs,
	}
	if s.StartTime == nil {
		s.StartTime = &o.now
	}
	switch {
	case pod.Spec.HostNetwork:
		s.PodIP = o.hostIP
	case o.view.address != "":
		s.PodIP = o.view.address
	}
	if s.PodIP != "" && (len(s.PodIPs) == 0 || s.PodIPs[0].IP != s.PodIP) {
		s.PodIPs = []corev1.PodIP{{IP: s.PodIP}}
	}
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		s.InitContainerStatuses = append(s.InitContainerStatuses, o.containerStatus(c, find(old.InitContainerStatuses, c.Name), waitsFor(pod), !sidecar(c)))
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		s.ContainerStatuses = append(s.ContainerStatuses, o.containerStatus(c, find(old.ContainerStatuses, c.Name), waitsFor(pod), false))
	}
	s.Phase = phase(pod, &s, o.view, o.ended)
	if terminal(old.Phase) {
		s.Phase = old.Phase // never left (KUBELET-27)
	} else if terminal(pod.Status.Phase) {
		s.Phase = pod.Status.Phase
	}
	if s.Phase == old.Phase {
		s.Reason, s.Message = old.Reason, old.Message
	}
	if o.ended {
		if o.verdict != nil && !terminal(old.Phase) {
			s.Phase, s.Reason, s.Message = corev1.PodFailed, o.verdict.reason, o.verdict.message
		}
		if !terminal(s.Phase) {
			s.Phase = corev1.PodFailed // ended before it began
		}
		endAll(s.InitContainerStatuses)
		endAll(s.ContainerStatuses)
	}
	s.Conditions = conditions(pod, &s, old, o)
	return s
}

// waitsFor is why a container does not run yet, where nothing else is known.
func waitsFor(pod *corev1.Pod) string {
	if len(pod.Spec.InitContainers) > 0 {
		return reasonInitializing
	}
	return reasonCreating
}

func find(statuses []corev1.ContainerStatus, name string) *corev1.ContainerStatus {
	for i := range statuses {
		if statuses[i].Name == name {
			return &statuses[i]
		}
	}
	return nil
}

// containerStatus returns the status of one container (KUBELET-07, KUBELET-13).
func (o *observation) containerStatus(c *corev1.Container, old *corev1.ContainerStatus, waiting string, regularInit bool) corev1.ContainerStatus {
	s := corev1.ContainerStatus{
		Name: c.Name, Image: c.Image, Started: ptr.To(false),
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: waiting}},
	}
	known := o.view.containers[c.Name]
	if len(known) == 0 {
		o.forgotten(&s, old)
	} else {
		newest := known[0]
		s.ContainerID = o.containerID(newest)
		s.ImageID = newest.ImageRef
		if image := newest.GetImage().GetImage(); image != "" {
			s.Image = image
		}
		s.RestartCount = int32(newest.GetMetadata().GetAttempt())
		switch newest.State {
		case runtimeapi.ContainerState_CONTAINER_RUNNING:
			s.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: stamp(newest.StartedAt)}}
			s.Started = ptr.To(o.started(newest))
			s.Ready = !regularInit && *s.Started && o.ready(newest)
		case runtimeapi.ContainerState_CONTAINER_EXITED:
			s.State = corev1.ContainerState{Terminated: o.terminated(newest)}
			s.Ready = regularInit && newest.ExitCode == 0
		}
		if len(known) > 1 && known[1].exited() {
			s.LastTerminationState.Terminated = o.terminated(known[1])
		} else if old != nil && old.RestartCount == s.RestartCount {
			s.LastTerminationState = old.LastTerminationState
		}
	}
	if reason, waits := o.waiting[c.Name]; waits && s.State.Running == nil && !o.ended {
		if s.State.Terminated != nil {
			s.LastTerminationState.Terminated = s.State.Terminated
		}
		s.State = corev1.ContainerState{Waiting: &reason}
		s.Ready = false
	}
	return s
}

// forgotten carries over what the runtime no longer knows of a container.
func (o *observation) forgotten(s *corev1.ContainerStatus, old *corev1.ContainerStatus) {
	switch {
	case old == nil:
	case old.State.Terminated != nil:
		*s = *old
		s.Started = ptr.To(false)
	case old.State.Running != nil:
		lost := &corev1.ContainerStateTerminated{
			ExitCode: 137, Reason: reasonUnknown,
			Message:     "The container could not be located when the pod was deleted.  The container used to be Running",
			ContainerID: old.ContainerID, StartedAt: old.State.Running.StartedAt,
		}
		s.ContainerID, s.ImageID, s.RestartCount = old.ContainerID, old.ImageID, old.RestartCount
		if o.ended {
			s.State = corev1.ContainerState{Terminated: lost}
		} else {
			s.LastTerminationState.Terminated = lost
			s.RestartCount++
		}
	case old.ContainerID != "" || old.RestartCount > 0:
		*s = *old
		s.Started, s.Ready = ptr.To(false), false
	}
}

func (o *observation) containerID(c container) string { return o.runtimeName + "://" + c.Id }

func (o *observation) terminated(c container) *corev1.ContainerStateTerminated {
	return &corev1.ContainerStateTerminated{
		ExitCode: c.ExitCode, Reason: c.Reason, Message: c.Message,
		StartedAt: stamp(c.StartedAt), FinishedAt: stamp(c.FinishedAt), ContainerID: o.containerID(c),
	}
}

// stamp has the resolution that times have in the API.
func stamp(nano int64) metav1.Time {
	if nano == 0 {
		return metav1.Time{}
	}
	return metav1.NewTime(time.Unix(0, nano).Truncate(time.Second))
}

// endAll puts an end to containers of which no end is known: the Pod is over.
func endAll(statuses []corev1.ContainerStatus) {
	for i := range statuses {
		s := &statuses[i]
		s.Started = ptr.To(false)
		if s.State.Terminated != nil {
			continue
		}
		s.Ready = false
		if last := s.LastTerminationState.Terminated; last != nil && s.State.Waiting != nil && last.ContainerID == s.ContainerID {
			s.State = corev1.ContainerState{Terminated: last}
			s.LastTerminationState = corev1.ContainerState{}
			continue
		}
		s.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: 137, Reason: reasonUnknown, Message: "The container could not be located when the pod was terminated",
		}}
	}
}

func terminal(phase corev1.PodPhase) bool {
	return phase == corev1.PodSucceeded || phase == corev1.PodFailed
}

// lastExit is how the container's last run ended, if it is not running now.
func lastExit(s *corev1.ContainerStatus) *corev1.ContainerStateTerminated {
	switch {
	case s.State.Terminated != nil:
		return s.State.Terminated
	case s.State.Waiting != nil:
		return s.LastTerminationState.Terminated
	}
	return nil
}

// phase sums the containers up (KUBELET-11, KUBELET-18, KUBELET-27).
func phase(pod *corev1.Pod, s *corev1.PodStatus, v *view, ended bool) corev1.PodPhase {
	var pending, running, waiting, stopped, final, failed int
	initialized := appStarted(pod, v)
	for i := range pod.Spec.InitContainers {
		c, status := &pod.Spec.InitContainers[i], &s.InitContainerStatuses[i]
		exit := lastExit(status)
		switch {
		case sidecar(c):
			if status.State.Running != nil {
				running++
			}
			if !initialized && exit == nil && !*status.Started {
				pending++
			}
		case exit != nil:
			if exit.ExitCode != 0 {
				if !restarts(pod, c, exit.ExitCode) {
					return corev1.PodFailed
				}
				pending++
			}
		default:
			pending++
		}
	}
	for i := range pod.Spec.Containers {
		c, status := &pod.Spec.Containers[i], &s.ContainerStatuses[i]
		exit := lastExit(status)
		switch {
		case status.State.Running != nil:
			running++
		case exit != nil:
			stopped++
			if ended || !restarts(pod, c, exit.ExitCode) {
				final++
			}
			if exit.ExitCode != 0 {
				failed++
			}
		default:
			waiting++
		}
	}
	switch {
	case pending > 0 && !initialized, waiting > 0:
		return corev1.PodPending
	case running > 0:
		return corev1.PodRunning
	case stopped == 0:
		return corev1.PodPending
	case final < stopped:
		return corev1.PodRunning // about to be restarted
	case failed > 0:
		return corev1.PodFailed
	}
	return corev1.PodSucceeded
}

// appStarted tells whether initialization is over: a container of the Pod
// proper has been started.
func appStarted(pod *corev1.Pod, v *view) bool {
	return slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool {
		current, found := v.current(c.Name)
		return found && current.State != runtimeapi.ContainerState_CONTAINER_CREATED
	})
}

// conditions returns the conditions that are the kubelet's (KUBELET-08 to 12).
func conditions(pod *corev1.Pod, s, old *corev1.PodStatus, o observation) []corev1.PodCondition {
	containersReady := containersReadyCondition(pod, s)
	list := []corev1.PodCondition{
		sandboxCondition(o.view),
		initializedCondition(pod, s, old, o.view),
		readyCondition(pod, containersReady),
		containersReady,
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
	}
	for i := range list {
		list[i].ObservedGeneration = pod.Generation
		list[i].LastTransitionTime = o.now
		for _, before := range slices.Concat(old.Conditions, pod.Status.Conditions) {
			if before.Type == list[i].Type {
				if before.Status == list[i].Status {
					list[i].LastTransitionTime = before.LastTransitionTime
				}
				break
			}
		}
	}
	return list
}

func condition(kind corev1.PodConditionType, reason, message string) corev1.PodCondition {
	c := corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason, Message: message}
	if reason != "" {
		c.Status = corev1.ConditionFalse
	}
	return c
}

func sandboxCondition(v *view) corev1.PodCondition {
	switch {
	case len(v.sandboxes) == 0:
		return condition(corev1.PodReadyToStartContainers, "PodSandboxNotReady", "no pod sandbox exists")
	case v.ready() == nil:
		return condition(corev1.PodReadyToStartContainers, "PodSandboxNotReady", "pod sandbox is not ready")
	}
	return condition(corev1.PodReadyToStartContainers, "", "")
}

func initializedCondition(pod *corev1.Pod, s, old *corev1.PodStatus, v *view) corev1.PodCondition {
	if s.Phase == corev1.PodSucceeded {
		return corev1.PodCondition{Type: corev1.PodInitialized, Status: corev1.ConditionTrue, Reason: "PodCompleted"}
	}
	if appStarted(pod, v) || terminal(s.Phase) && isTrue(old.Conditions, corev1.PodInitialized) {
		return condition(corev1.PodInitialized, "", "")
	}
	var incomplete []string
	for i := range pod.Spec.InitContainers {
		c, status := &pod.Spec.InitContainers[i], &s.InitContainerStatuses[i]
		if done := status.Ready; sidecar(c) && !*status.Started || !sidecar(c) && !done {
			incomplete = append(incomplete, c.Name)
		}
	}
	if len(incomplete) > 0 {
		return condition(corev1.PodInitialized, "ContainersNotInitialized", fmt.Sprintf("containers with incomplete status: %s", incomplete))
	}
	return condition(corev1.PodInitialized, "", "")
}

func containersReadyCondition(pod *corev1.Pod, s *corev1.PodStatus) corev1.PodCondition {
	switch s.Phase {
	case corev1.PodSucceeded:
		return condition(corev1.ContainersReady, "PodCompleted", "")
	case corev1.PodFailed:
		return condition(corev1.ContainersReady, "PodFailed", "")
	}
	var unready []string
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; sidecar(c) && !s.InitContainerStatuses[i].Ready {
			unready = append(unready, c.Name)
		}
	}
	for i := range s.ContainerStatuses {
		if !s.ContainerStatuses[i].Ready {
			unready = append(unready, s.ContainerStatuses[i].Name)
		}
	}
	if len(unready) > 0 {
		return condition(corev1.ContainersReady, "ContainersNotReady", fmt.Sprintf("containers with unready status: %s", unready))
	}
	return condition(corev1.ContainersReady, "", "")
}

// readyCondition: the containers first, then the readiness gates (KUBELET-12).
func readyCondition(pod *corev1.Pod, containersReady corev1.PodCondition) corev1.PodCondition {
	if containersReady.Status != corev1.ConditionTrue {
		return condition(corev1.PodReady, containersReady.Reason, containersReady.Message)
	}
	var missing []string
	for _, gate := range pod.Spec.ReadinessGates {
		index := slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == gate.ConditionType })
		switch {
		case index < 0:
			missing = append(missing, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType))
		case pod.Status.Conditions[index].Status != corev1.ConditionTrue:
			missing = append(missing, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %s", gate.ConditionType, pod.Status.Conditions[index].Status))
		}
	}
	if len(missing) > 0 {
		return condition(corev1.PodReady, "ReadinessGatesNotReady", strings.Join(missing, ", "))
	}
	return condition(corev1.PodReady, "", "")
}

func isTrue(conditions []corev1.PodCondition, kind corev1.PodConditionType) bool {
	return slices.ContainsFunc(conditions, func(c corev1.PodCondition) bool {
		return c.Type == kind && c.Status == corev1.ConditionTrue
	})
}
