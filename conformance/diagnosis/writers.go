package diagnosis

import (
	"strings"

	"github.com/podchain/podchain/conformance/implementation"
)

// written says whose part it is to write a field. Where a field is of several, the
// first is the one that has most to do with it. The API server is among those whose
// writing it decides about: what a client may not write, what is there from the
// beginning. Of a kind, the first row counts that the field begins with.
var written = []struct {
	kind, field string
	writers     []implementation.Link
}{
	{"Pod", "spec.nodeName", []implementation.Link{implementation.Scheduler}},
	{"Pod", "status.nominatedNodeName", []implementation.Link{implementation.Scheduler, implementation.APIServer}},
	{"Pod", "status.conditions[type=PodScheduled]", []implementation.Link{implementation.Scheduler, implementation.Kubelet, implementation.APIServer}},
	{"Pod", "status.conditions[type=Ready]", []implementation.Link{implementation.Kubelet, implementation.NodeLifecycle}},
	{"Pod", "status.conditions[type=DisruptionTarget]", []implementation.Link{implementation.NodeLifecycle, implementation.Scheduler, implementation.Kubelet}},
	{"Pod", "status.phase", []implementation.Link{implementation.Kubelet, implementation.APIServer, implementation.GarbageCollector}},
	{"Pod", "status.qosClass", []implementation.Link{implementation.APIServer}},
	{"Pod", "status", []implementation.Link{implementation.Kubelet}},
	{"Node", "spec.taints", []implementation.Link{implementation.NodeLifecycle, implementation.Kubelet}},
	{"Node", "status", []implementation.Link{implementation.Kubelet, implementation.NodeLifecycle}},
	{"Deployment", "status.observedGeneration", []implementation.Link{implementation.DeploymentController}},
	{"Deployment", "status", []implementation.Link{implementation.DeploymentController, implementation.APIServer}},
	{"ReplicaSet", "status.observedGeneration", []implementation.Link{implementation.ReplicaSetController}},
	{"ReplicaSet", "status", []implementation.Link{implementation.ReplicaSetController, implementation.APIServer}},
	{"StatefulSet", "status", []implementation.Link{implementation.StatefulSetController, implementation.APIServer}},
	{"DaemonSet", "status", []implementation.Link{implementation.DaemonSetController, implementation.APIServer}},
	{"Job", "status", []implementation.Link{implementation.JobController, implementation.APIServer}},
}

// Writers returns the links whose part it is to write a field, given as the tables
// of the features name it: first the one to look at first. None are known of what
// is as a client asks for it.
func Writers(kind, field string) []implementation.Link {
	for _, part := range written {
		if part.kind == kind && begins(field, part.field) {
			return part.writers
		}
	}
	return nil
}

// begins tells whether a path is another one, or below it.
func begins(path, with string) bool {
	rest, ok := strings.CutPrefix(path, with)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
