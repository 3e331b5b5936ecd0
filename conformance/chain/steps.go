package chain

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/objects"
)

// Step is one of the steps by which a Deployment becomes running Pods, and how the
// objects show that it was taken.
type Step struct {
	// Number of the ten; 0 for what goes on beside them and on the way back.
	Number int
	// Name by which the time that it takes is reported, "" where it is not.
	Name string
	// Link that takes the step: it is notified of the object, or writes it.
	Link     Link
	Notified bool
	// Kind of the object, and Verb, Subresource and Note of the write. Without a verb, the
	// step shows in measurements only.
	Kind, Verb, Subresource, Note string
	// Taken tells whether a version of the object shows the step, of a Deployment that
	// asks for that number of Pods; nil: every version does.
	Taken func(object *unstructured.Unstructured, wanted int64) bool
	// By says who takes it, where the object names a process of the link or another one.
	By func(object *unstructured.Unstructured) string
}

// Steps are in the order in which they are taken. The first is the client's.
var Steps = []Step{
	{Number: 1, Link: APIServer, Kind: "Deployment", Verb: "create"},
	{Number: 2, Link: DeploymentController, Notified: true, Kind: "Deployment"},
	{Number: 3, Name: "replicaset", Link: DeploymentController, Kind: "ReplicaSet", Verb: "create"},
	{Number: 4, Link: ReplicaSetController, Notified: true, Kind: "ReplicaSet"},
	{Number: 5, Name: "pod", Link: ReplicaSetController, Kind: pod, Verb: "create"},
	{Number: 6, Link: Scheduler, Notified: true, Kind: pod, By: schedulerOf},
	// A binding leaves no trace in the managed fields.
	{Number: 7, Name: "bound", Link: Scheduler, Kind: pod, Verb: "create", Subresource: "binding", Taken: isBound, By: schedulerOf},
	{Number: 8, Link: Kubelet, Notified: true, Kind: pod, Taken: isBound, By: kubeletOf},
	{Name: "started", Link: Kubelet, Kind: pod, Taken: has("status", "startTime")},
	{Name: "running", Link: Kubelet, Kind: pod, Taken: func(pod object, _ int64) bool { return objects.Text(pod, "status", "phase") == "Running" }},
	{Number: 9, Link: Kubelet, Kind: pod, Verb: "update", Subresource: "status", Note: "running", Taken: containersRun},
	{Number: 10, Name: "ready", Link: Kubelet, Kind: pod, Verb: "update", Subresource: "status", Note: "ready",
		Taken: func(pod object, _ int64) bool { return isReady(pod) }},
	{Link: ReplicaSetController, Kind: "ReplicaSet", Verb: "update", Subresource: "status", Taken: func(set object, wanted int64) bool {
		return wanted > 0 && objects.Int(set, "status", "availableReplicas") == wanted
	}},
	{Name: "available", Link: DeploymentController, Kind: "Deployment", Verb: "update", Subresource: "status", Taken: allAvailable},
}

// TransitionNames are the steps that are measured, in their order.
func TransitionNames() []string {
	var names []string
	for _, step := range Steps {
		if step.Name != "" {
			names = append(names, step.Name)
		}
	}
	return names
}

func has(path ...string) func(object, int64) bool {
	return func(of object, _ int64) bool { return objects.Text(of, path...) != "" }
}

var isBound = has("spec", "nodeName")

func schedulerOf(pod object) string {
	if name := objects.Text(pod, "spec", "schedulerName"); name != "" && name != "default-scheduler" {
		return name
	}
	return string(Scheduler)
}

func kubeletOf(pod object) string {
	return string(Kubelet) + " of " + objects.Text(pod, "spec", "nodeName")
}

func containersRun(pod object, _ int64) bool {
	statuses := objects.List(pod, "status", "containerStatuses")
	for _, status := range statuses {
		if _, running, _ := unstructured.NestedMap(status, "state", "running"); !running {
			return false
		}
	}
	return len(statuses) > 0 && len(statuses) == len(objects.List(pod, "spec", "containers"))
}

// allAvailable says whether the status reports all Pods, of the present template and no
// others, as available.
func allAvailable(deployment object, wanted int64) bool {
	status := func(counter string) int64 { return objects.Int(deployment, "status", counter) }
	return status("observedGeneration") >= deployment.GetGeneration() &&
		status("updatedReplicas") == wanted && status("availableReplicas") == wanted && status("replicas") == wanted
}
