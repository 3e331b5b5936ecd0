package statefulset

import (
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/controller"
)

// start is the ordinal of the first Pod, replicas the number of Pods asked for.
func start(set *appsv1.StatefulSet) int {
	if set.Spec.Ordinals != nil {
		return int(set.Spec.Ordinals.Start)
	}
	return 0
}

func replicas(set *appsv1.StatefulSet) int { return int(ptr.Deref(set.Spec.Replicas, 1)) }

// podName is the name of the Pod with that ordinal (STS-01).
func podName(set *appsv1.StatefulSet, ordinal int) string {
	return fmt.Sprintf("%s-%d", set.Name, ordinal)
}

// ordinalOf returns the ordinal in a Pod's name; it is not one of the set's
// names if ok is false.
func ordinalOf(set *appsv1.StatefulSet, name string) (ordinal int, ok bool) {
	digits, found := strings.CutPrefix(name, set.Name+"-")
	if !found {
		return 0, false
	}
	value, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || digits != strconv.FormatInt(value, 10) || value < 0 {
		return 0, false
	}
	return int(value), true
}

// inRange says whether the set wants a Pod of that ordinal.
func inRange(set *appsv1.StatefulSet, ordinal int) bool {
	return ordinal >= start(set) && ordinal < start(set)+replicas(set)
}

// identity returns the labels that every Pod of the set has beside those of its
// template (STS-01).
func identity(set *appsv1.StatefulSet, ordinal int) map[string]string {
	return map[string]string{
		appsv1.StatefulSetPodNameLabel: podName(set, ordinal),
		appsv1.PodIndexLabel:           strconv.Itoa(ordinal),
	}
}

// newPod makes the Pod with that ordinal from the template of a revision.
func newPod(set *appsv1.StatefulSet, template *corev1.PodTemplateSpec, revision string, ordinal int) *corev1.Pod {
	pod := controller.PodFromTemplate(template, set, kind)
	pod.Name = podName(set, ordinal) // the API server generates none then
	if pod.Labels == nil {
		pod.Labels = map[string]string{}
	}
	for key, value := range identity(set, ordinal) {
		pod.Labels[key] = value
	}
	pod.Labels[appsv1.StatefulSetRevisionLabel] = revision
	pod.Spec.Hostname = pod.Name
	pod.Spec.Subdomain = set.Spec.ServiceName
	pod.Spec.Volumes = volumes(set, ordinal, pod.Spec.Volumes)
	return pod
}

// revisionOf is the name of the revision that a Pod was made from.
func revisionOf(pod *corev1.Pod) string { return pod.Labels[appsv1.StatefulSetRevisionLabel] }
