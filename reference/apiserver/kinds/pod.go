package kinds

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
)

func pod(k *Kind) {
	k.Default = on(defaultPod)
	k.PrepareForCreate = on(preparePod)
	k.PrepareForStatus = after(k.PrepareForStatus, onBoth(preparePodStatus))
	k.Validate = check(validatePod)
	k.ValidateUpdate = checkBoth(validatePodUpdate)
	k.ValidateStatus = checkBoth(validatePodStatusUpdate)
	k.Warnings = warnUnlessLabel("this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended")
	k.GracePeriod = func(obj runtime.Object, requested *int64) int64 {
		return podGracePeriod(obj.(*corev1.Pod), requested)
	}
	k.Columns, k.Row = podColumns, cells(podRow)
	selectable(k, podFields, &corev1.Pod{})
	k.IndexField = "spec.nodeName"
	k.IndexValue = func(obj runtime.Object) string { return obj.(*corev1.Pod).Spec.NodeName }
}

func defaultPod(pod *corev1.Pod) {
	defaultPodSpec(&pod.Spec)
	if grace := pod.Spec.TerminationGracePeriodSeconds; *grace < 0 {
		*grace = 1
	}
	orDefault(&pod.Spec.EnableServiceLinks, true)
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			requestLimits(&containers[i].Resources)
			if pod.Spec.HostNetwork {
				exposeOnHost(containers[i].Ports)
			}
		}
	}
	defaultPodIPs(&pod.Status)
}

// requestLimits makes a limit without a request a request as well.
func requestLimits(resources *corev1.ResourceRequirements) {
	if resources.Limits == nil {
		return
	}
	if resources.Requests == nil {
		resources.Requests = make(corev1.ResourceList, len(resources.Limits))
	}
	for name, limit := range resources.Limits {
		if _, requested := resources.Requests[name]; !requested {
			resources.Requests[name] = limit.DeepCopy()
		}
	}
}

func exposeOnHost(ports []corev1.ContainerPort) {
	for i := range ports {
		orValue(&ports[i].HostPort, ports[i].ContainerPort)
	}
}

// defaultPodIPs keeps podIP the first of podIPs; podIP wins where they differ.
func defaultPodIPs(status *corev1.PodStatus) {
	switch {
	case status.PodIP == "" && len(status.PodIPs) > 0:
		status.PodIP = status.PodIPs[0].IP
	case status.PodIP != "" && (len(status.PodIPs) == 0 || status.PodIPs[0].IP != status.PodIP):
		status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
	}
}

// preparePod gives a new Pod its first status (API-DEFAULT-06), whatever the
// client sent.
func preparePod(pod *corev1.Pod) {
	pod.Generation = 1
	pod.Status = corev1.PodStatus{Phase: corev1.PodPending, QOSClass: qosClass(&pod.Spec)}
	if len(pod.Spec.SchedulingGates) > 0 {
		pod.Status.Conditions = []corev1.PodCondition{{
			Type:    corev1.PodScheduled,
			Status:  corev1.ConditionFalse,
			Reason:  corev1.PodReasonSchedulingGated,
			Message: "Scheduling is blocked due to non-empty scheduling gates",

			LastTransitionTime: metav1.Now(),
		}}
	}
}

// preparePodStatus keeps what a write to /status must not lose (API-UPDATE-10):
// old clients send status without the fields they do not know.
func preparePodStatus(pod, old *corev1.Pod) {
	pod.DeletionTimestamp = old.DeletionTimestamp
	pod.OwnerReferences = old.OwnerReferences
	orValue(&pod.Status.QOSClass, old.Status.QOSClass)
	orValue(&pod.Status.ObservedGeneration, old.Status.ObservedGeneration)
	if pod.Status.ResourceClaimStatuses == nil {
		pod.Status.ResourceClaimStatuses = old.Status.ResourceClaimStatuses
	}
	observed := map[corev1.PodConditionType]int64{}
	for _, condition := range old.Status.Conditions {
		observed[condition.Type] = condition.ObservedGeneration
	}
	for i := range pod.Status.Conditions {
		condition := &pod.Status.Conditions[i]
		orValue(&condition.ObservedGeneration, observed[condition.Type])
	}
}

// qosClass derives the quality of service from what the containers ask for:
// nothing, exactly its limits for both cpu and memory, or something between.
func qosClass(spec *corev1.PodSpec) corev1.PodQOSClass {
	if spec.Resources != nil && (len(spec.Resources.Requests) > 0 || len(spec.Resources.Limits) > 0) {
		return qosOf(*spec.Resources)
	}
	all := make([]corev1.ResourceRequirements, 0, len(spec.Containers)+len(spec.InitContainers))
	for i := range spec.Containers {
		all = append(all, spec.Containers[i].Resources)
	}
	for i := range spec.InitContainers {
		all = append(all, spec.InitContainers[i].Resources)
	}
	return qosOf(all...)
}

func qosOf(all ...corev1.ResourceRequirements) corev1.PodQOSClass {
	asked, guaranteed := false, true
	for _, resources := range all {
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			request, limit := resources.Requests[name], resources.Limits[name]
			asked = asked || request.Sign() > 0 || limit.Sign() > 0
			guaranteed = guaranteed && limit.Sign() > 0 && request.Cmp(limit) == 0
		}
	}
	switch {
	case !asked:
		return corev1.PodQOSBestEffort
	case guaranteed:
		return corev1.PodQOSGuaranteed
	default:
		return corev1.PodQOSBurstable
	}
}

// podGracePeriod is how long the Pod's containers have to end (API-DELETE-07):
// no time at all if there is no kubelet that would have to end them.
func podGracePeriod(pod *corev1.Pod, requested *int64) int64 {
	if pod.Spec.NodeName == "" || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return 0
	}
	period := requested
	if period == nil {
		period = pod.Spec.TerminationGracePeriodSeconds
	}
	switch {
	case period == nil:
		return 0
	case *period < 0:
		return 1
	default:
		return *period
	}
}

func podFields(pod *corev1.Pod) fields.Set {
	return fields.Set{
		"spec.nodeName":            pod.Spec.NodeName,
		"spec.host":                pod.Spec.NodeName, // as it was called once
		"spec.restartPolicy":       string(pod.Spec.RestartPolicy),
		"spec.schedulerName":       pod.Spec.SchedulerName,
		"spec.serviceAccountName":  pod.Spec.ServiceAccountName,
		"spec.hostNetwork":         strconv.FormatBool(pod.Spec.HostNetwork),
		"status.phase":             string(pod.Status.Phase),
		"status.podIP":             pod.Status.PodIP,
		"status.podIPs":            pod.Status.PodIP,
		"status.nominatedNodeName": pod.Status.NominatedNodeName,
	}
}
