package steps

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/history"
)

// counters are, for each kind that runs Pods, the counters of its status which
// must have reached the number asked for.
var counters = map[string][]string{
	"Deployment":  {"replicas", "updatedReplicas", "readyReplicas", "availableReplicas"},
	"ReplicaSet":  {"replicas", "readyReplicas", "availableReplicas"},
	"StatefulSet": {"replicas", "updatedReplicas", "readyReplicas", "availableReplicas"},
	"DaemonSet":   {"currentNumberScheduled", "updatedNumberScheduled", "numberReady", "numberAvailable"},
}

// readiness returns nil if the object does what was asked for: its controller
// has seen it and all its Pods are available; the error says what is missing.
func readiness(object *unstructured.Unstructured) error {
	kind := object.GetKind()
	if counts, runsPods := counters[kind]; runsPods {
		if observed := history.Int(object, "status", "observedGeneration"); observed < object.GetGeneration() {
			return fmt.Errorf("observed generation %d of %d", observed, object.GetGeneration())
		}
		want := history.Int(object, "spec", "replicas")
		if kind == "DaemonSet" {
			want = history.Int(object, "status", "desiredNumberScheduled")
			if want == 0 {
				// Its controller may not have seen yet what was done for a node.
				return errors.New("there is no node for its Pods")
			}
		}
		for _, counter := range counts {
			if got := history.Int(object, "status", counter); got != want {
				return fmt.Errorf("status.%s is %d of %d", counter, got, want)
			}
		}
		return nil
	}
	switch kind {
	case "Pod", "Node":
		if status := history.Condition(object, "Ready"); status != "True" {
			return fmt.Errorf("condition Ready is %q, phase %s", status, history.Text(object, "status", "phase"))
		}
	case "Job":
		if status := history.Condition(object, "Complete"); status != "True" {
			return fmt.Errorf("condition Complete is %q", status)
		}
	case "Namespace":
		if phase := history.Text(object, "status", "phase"); phase != "Active" {
			return fmt.Errorf("phase is %q", phase)
		}
	}
	return nil
}
