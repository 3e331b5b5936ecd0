package diagnosis

import (
	"strings"

	"github.com/podchain/podchain/conformance/chain"
)

// written says whose part it is to write a field. Where a field is of several, the
// first is the one that has most to do with it. The API server is among those whose
// writing it decides about: what a client may not write, what is there from the
// beginning. Of a kind, the first row counts that the field begins with.
var written = []struct {
	kind, field string
	writers     []chain.Link
}{
	{"Pod", "spec.nodeName", []chain.Link{chain.Scheduler}},
	{"Pod", "status.nominatedNodeName", []chain.Link{chain.Scheduler, chain.APIServer}},
	{"Pod", "status.conditions[type=PodScheduled]", []chain.Link{chain.Scheduler, chain.Kubelet, chain.APIServer}},
	{"Pod", "status.conditions[type=Ready]", []chain.Link{chain.Kubelet, chain.NodeLifecycle}},
	{"Pod", "status.conditions[type=DisruptionTarget]", []chain.Link{chain.NodeLifecycle, chain.Scheduler, chain.Kubelet}},
	{"Pod", "status.phase", []chain.Link{chain.Kubelet, chain.APIServer, chain.GarbageCollector}},
	{"Pod", "status.qosClass", []chain.Link{chain.APIServer}},
	{"Pod", "status", []chain.Link{chain.Kubelet}},
	{"Node", "spec.taints", []chain.Link{chain.NodeLifecycle, chain.Kubelet}},
	{"Node", "status", []chain.Link{chain.Kubelet, chain.NodeLifecycle}},
	{"Deployment", "status.observedGeneration", []chain.Link{chain.DeploymentController}},
	{"Deployment", "status", []chain.Link{chain.DeploymentController, chain.APIServer}},
	{"ReplicaSet", "status.observedGeneration", []chain.Link{chain.ReplicaSetController}},
	{"ReplicaSet", "status", []chain.Link{chain.ReplicaSetController, chain.APIServer}},
	{"StatefulSet", "status", []chain.Link{chain.StatefulSetController, chain.APIServer}},
	{"DaemonSet", "status", []chain.Link{chain.DaemonSetController, chain.APIServer}},
	{"Job", "status", []chain.Link{chain.JobController, chain.APIServer}},
}

// Writers returns the links whose part it is to write a field, given as the tables
// of the features name it: first the one to look at first. None are known of what
// is as a client asks for it.
func Writers(kind, field string) []chain.Link {
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
