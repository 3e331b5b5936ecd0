package kubelet

import corev1 "k8s.io/api/core/v1"

// The reasons of the kubelet's events (KUBELET-26).
const (
	eventPulling             = "Pulling"
	eventPulled              = "Pulled"
	eventCreated             = "Created"
	eventStarted             = "Started"
	eventKilling             = "Killing"
	eventBackOff             = "BackOff"
	eventFailed              = "Failed"
	eventUnhealthy           = "Unhealthy"
	eventInspectFailed       = "InspectFailed"
	eventNeverPull           = "ErrImageNeverPull"
	eventSandboxChanged      = "SandboxChanged"
	eventFailedMount         = "FailedMount"
	eventFailedCreateSandbox = "FailedCreatePodSandBox"
	eventFailedKillPod       = "FailedKillPod"
	eventFailedPostStart     = "FailedPostStartHook"
	eventFailedPreStop       = "FailedPreStopHook"
	eventDeadlineExceeded    = "DeadlineExceeded"
	eventStarting            = "Starting"
)

// remembered is for how many Pods and containers repeated Events are counted: few of a node
// repeat themselves at a time.
const remembered = 512

// containerReference is what an Event about a container is about.
func containerReference(pod *corev1.Pod, name string) *corev1.ObjectReference {
	reference := podReference(pod)
	list := "containers"
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name == name {
			list = "initContainers"
		}
	}
	reference.FieldPath = "spec." + list + "{" + name + "}"
	return reference
}

func podReference(pod *corev1.Pod) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		Kind: "Pod", APIVersion: "v1", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
	}
}
