package kinds

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func validatePod(pod *corev1.Pod) field.ErrorList {
	f := &errs{}
	f.pod(pod)
	return f.list()
}

func (f *errs) pod(pod *corev1.Pod) {
	path := field.NewPath("spec")
	f.podAnnotations(pod.Annotations, field.NewPath("metadata", "annotations"))
	f.podSpec(&pod.Spec, path)
	for _, list := range []struct {
		name       string
		containers []corev1.Container
	}{{"containers", pod.Spec.Containers}, {"initContainers", pod.Spec.InitContainers}} {
		for i, c := range list.containers {
			if strings.TrimSpace(c.Image) != c.Image {
				f.invalid(path.Child(list.name).Index(i).Child("image"), c.Image, "must not have leading or trailing whitespace")
			}
		}
	}
	if len(pod.Spec.SchedulingGates) > 0 && pod.Spec.NodeName != "" {
		f.forbidden(path.Child("nodeName"), "cannot be set until all schedulingGates have been cleared")
	}
}

func validatePodStatusUpdate(pod, old *corev1.Pod) field.ErrorList {
	f := &errs{}
	path := field.NewPath("status")
	if pod.Status.ObservedGeneration < 0 {
		f.invalid(path.Child("observedGeneration"), pod.Status.ObservedGeneration, "must be a non-negative integer")
	}
	if nominated := pod.Status.NominatedNodeName; nominated != "" && nominated != old.Status.NominatedNodeName && old.Spec.NodeName != "" {
		f.forbidden(path.Child("nominatedNodeName"), "may not be set on pods that are already bound to a node")
	}
	f.immutable(path.Child("qosClass"), pod.Status.QOSClass, old.Status.QOSClass)
	f.noReturn(pod.Status.ContainerStatuses, old.Status.ContainerStatuses, old.Spec.Containers, &old.Spec, path.Child("containerStatuses"))
	f.noReturn(pod.Status.InitContainerStatuses, old.Status.InitContainerStatuses, old.Spec.InitContainers, &old.Spec, path.Child("initContainerStatuses"))
	return f.list()
}

// noReturn demands that containers which have terminated, and which the restart
// policy does not restart, stay terminated (API-VALID-09).
func (f *errs) noReturn(statuses, old []corev1.ContainerStatus, containers []corev1.Container, spec *corev1.PodSpec, path *field.Path) {
	for i := range old {
		ended := old[i].State.Terminated
		if ended == nil {
			continue
		}
		now := slices.IndexFunc(statuses, func(s corev1.ContainerStatus) bool { return s.Name == old[i].Name })
		if now < 0 || statuses[now].State.Terminated != nil || mayRestart(containers, old[i].Name, spec, ended.ExitCode) {
			continue
		}
		f.forbidden(path.Index(i).Child("state"), "may not be transitioned to non-terminated state")
	}
}

// mayRestart says whether a container that ended with the code may start
// again: by its own policy, or else the Pod's.
func mayRestart(containers []corev1.Container, name string, spec *corev1.PodSpec, exitCode int32) bool {
	policy := spec.RestartPolicy
	if i := slices.IndexFunc(containers, func(c corev1.Container) bool { return c.Name == name }); i >= 0 {
		if len(containers[i].RestartPolicyRules) > 0 {
			return true
		}
		if own := containers[i].RestartPolicy; own != nil {
			policy = corev1.RestartPolicy(*own)
		}
	}
	return policy == corev1.RestartPolicyAlways || policy == corev1.RestartPolicyOnFailure && exitCode != 0
}
