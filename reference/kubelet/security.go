package kubelet

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/ptr"
)

// What of /proc and /sys a container that is not privileged does not see, or
// cannot change.
var (
	maskedPaths = []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
		"/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
	}
	readonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// security says what a container may: its own word counts before the Pod's.
func security(pod *corev1.Pod, c *corev1.Container) *runtimeapi.LinuxContainerSecurityContext {
	ofPod, own := ptr.Deref(pod.Spec.SecurityContext, corev1.PodSecurityContext{}), ptr.Deref(c.SecurityContext, corev1.SecurityContext{})
	s := &runtimeapi.LinuxContainerSecurityContext{
		NamespaceOptions:   namespaces(pod),
		RunAsUser:          id(own.RunAsUser, ofPod.RunAsUser),
		RunAsGroup:         id(own.RunAsGroup, ofPod.RunAsGroup),
		SupplementalGroups: ofPod.SupplementalGroups,
		Privileged:         ptr.Deref(own.Privileged, false),
		ReadonlyRootfs:     ptr.Deref(own.ReadOnlyRootFilesystem, false),
		NoNewPrivs:         !ptr.Deref(own.AllowPrivilegeEscalation, true),
	}
	if ofPod.FSGroup != nil {
		s.SupplementalGroups = append(s.SupplementalGroups[:len(s.SupplementalGroups):len(s.SupplementalGroups)], *ofPod.FSGroup)
	}
	if own.Capabilities != nil {
		s.Capabilities = &runtimeapi.Capability{}
		for _, name := range own.Capabilities.Add {
			s.Capabilities.AddCapabilities = append(s.Capabilities.AddCapabilities, string(name))
		}
		for _, name := range own.Capabilities.Drop {
			s.Capabilities.DropCapabilities = append(s.Capabilities.DropCapabilities, string(name))
		}
	}
	if !s.Privileged {
		s.MaskedPaths, s.ReadonlyPaths = maskedPaths, readonlyPaths
	}
	return s
}

// verifyNotRoot tells whether the container is to run as root although it is not to. Of
// the user that its image names the kubelet knows nothing here: that is taken to be
// another one.
func verifyNotRoot(pod *corev1.Pod, c *corev1.Container) error {
	ofPod, own := ptr.Deref(pod.Spec.SecurityContext, corev1.PodSecurityContext{}), ptr.Deref(c.SecurityContext, corev1.SecurityContext{})
	if !ptr.Deref(own.RunAsNonRoot, ptr.Deref(ofPod.RunAsNonRoot, false)) {
		return nil
	}
	if user := id(own.RunAsUser, ofPod.RunAsUser); user == nil || user.Value != 0 {
		return nil
	}
	return fmt.Errorf("container's runAsUser breaks non-root policy (pod: %q, container: %s)", fmt.Sprintf("%s_%s(%s)", pod.Name, pod.Namespace, pod.UID), c.Name)
}

// id is the first number that is given; nil if none is.
func id(given ...*int64) *runtimeapi.Int64Value {
	for _, value := range given {
		if value != nil {
			return &runtimeapi.Int64Value{Value: *value}
		}
	}
	return nil
}
