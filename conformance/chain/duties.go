package chain

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/objects"
)

// object is what predicates are about.
type object = *unstructured.Unstructured

func deleting(of object) bool { return of.GetDeletionTimestamp() != nil }

// unlessDeleted leaves out objects that are being deleted.
func unlessDeleted(undone func(History, object) string) func(History, object) string {
	return func(history History, of object) string {
		if deleting(of) {
			return ""
		}
		return undone(history, of)
	}
}

// observes: the controller has observed the present spec.
var observes = unlessDeleted(func(_ History, of object) string {
	if observed := objects.Int(of, "status", "observedGeneration"); observed < of.GetGeneration() {
		return fmt.Sprintf("%s %q is at generation %d, observed is %d", of.GetKind(), of.GetName(), of.GetGeneration(), observed)
	}
	return ""
})

// hasAccount: a namespace has its ServiceAccount, without which it has no Pods.
var hasAccount = unlessDeleted(func(history History, namespace object) string {
	if history.Live("ServiceAccount", "default") == nil {
		return fmt.Sprintf("namespace %q has no ServiceAccount default", namespace.GetName())
	}
	return ""
})

// hasReplicaSet: a Deployment that is not paused has one.
var hasReplicaSet = unlessDeleted(func(history History, deployment object) string {
	paused, _, _ := unstructured.NestedBool(deployment.Object, "spec", "paused")
	if !paused && len(history.LiveOf("ReplicaSet", objects.ControlledBy(deployment.GetUID()))) == 0 {
		return fmt.Sprintf("Deployment %q has no ReplicaSet", deployment.GetName())
	}
	return ""
})

// hasPods: an owner has as many Pods as it asks for.
var hasPods = unlessDeleted(func(history History, owner object) string {
	pods := activePods(history, owner.GetUID())
	if want := objects.Int(owner, "spec", "replicas"); int64(len(pods)) != want {
		return fmt.Sprintf("%s %q asks for %d Pods and has %d", owner.GetKind(), owner.GetName(), want, len(pods))
	}
	return ""
})

// inTurn is for an owner that waits for each of its Pods in turn: as long as one is not
// ready, it is for the links after it to bring it on.
func inTurn(undone func(History, object) string) func(History, object) string {
	return func(history History, owner object) string {
		if slices.ContainsFunc(activePods(history, owner.GetUID()), func(pod object) bool { return !isTrue(pod, "Ready") }) {
			return ""
		}
		return undone(history, owner)
	}
}

func activePods(history History, owner types.UID) []object {
	return history.LiveOf(pod, func(pod object) bool { return objects.Active(pod) && objects.Controller(pod) == owner })
}

func isTrue(of object, condition string) bool { return objects.Condition(of, condition) == "True" }

// isPlaced: the scheduler has given a Pod a node, or said why not.
var isPlaced = unlessDeleted(func(_ History, pod object) string {
	waits := objects.Text(pod, "spec", "nodeName") == "" && objects.Text(pod, "spec", "schedulerName") == "default-scheduler" &&
		len(objects.List(pod, "spec", "schedulingGates")) == 0 && objects.Active(pod)
	if waits && objects.Condition(pod, "PodScheduled") == "" {
		return fmt.Sprintf("Pod %q has no node, and nothing says why", pod.GetName())
	}
	return ""
})

// nodeFor: where a Pod waits for a node, there is one that accept accepts.
func nodeFor(why string, accept func(node object) bool) func(History, object) string {
	return func(history History, pod object) string {
		if !objects.Active(pod) || objects.Text(pod, "spec", "nodeName") != "" || len(history.LiveOf("Node", accept)) > 0 {
			return ""
		}
		return fmt.Sprintf("%s, and Pod %q waits for one", why, pod.GetName())
	}
}

func isReady(of object) bool { return isTrue(of, "Ready") }

// isOpen: of the nodes that are ready, one at least has lost the taint of a beginner, or
// of one that was lost.
func isOpen(history History, node object) string {
	ready := history.LiveOf("Node", isReady)
	if !isReady(node) || slices.ContainsFunc(ready, func(node object) bool { return lastingTaint(node) == "" }) {
		return ""
	}
	return fmt.Sprintf("node %q is ready and still has the taint %s", node.GetName(), lastingTaint(node))
}

// lastingTaint is the taint by which a node says that it is not ready.
func lastingTaint(node object) string {
	for _, taint := range objects.List(node, "spec", "taints") {
		if key, _ := taint["key"].(string); slices.Contains([]string{"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}, key) {
			return key
		}
	}
	return ""
}

// isTaken: the kubelet of a bound Pod has taken it. Where the node is not there, no
// kubelet is late.
func isTaken(history History, pod object) string {
	node := objects.Text(pod, "spec", "nodeName")
	if objects.Text(pod, "status", "startTime") == "" && history.Live("Node", node) != nil {
		return fmt.Sprintf("Pod %q is bound to node %q, whose kubelet has not taken it", pod.GetName(), node)
	}
	return ""
}

// longStart is how long a kubelet may be at starting a container.
const longStart = 20 * time.Second

// isStarted: the kubelet that has taken a Pod does not say for long, of all its
// containers, that it is about to start them.
func isStarted(_ History, pod object) string {
	statuses := objects.List(pod, "status", "containerStatuses")
	starting := func(status map[string]any) bool {
		reason, _, _ := unstructured.NestedString(status, "state", "waiting", "reason")
		return reason == "ContainerCreating"
	}
	if !objects.Active(pod) || objects.Text(pod, "status", "startTime") == "" || len(statuses) == 0 ||
		slices.ContainsFunc(statuses, func(status map[string]any) bool { return !starting(status) }) {
		return ""
	}
	return fmt.Sprintf("Pod %q is on its node, and its containers have not been started", pod.GetName())
}

// takenAt is when the kubelet was first seen to have taken a Pod.
func takenAt(history History, pod object) time.Time {
	for _, version := range history.ByUID(pod.GetUID()) {
		if objects.Text(version.Object, "status", "startTime") != "" {
			return version.At
		}
	}
	return time.Now()
}

// heedsGates: a Pod is ready only if its readiness gates are open.
func heedsGates(_ History, pod object) string {
	if !objects.Active(pod) || !isReady(pod) {
		return ""
	}
	for _, gate := range readinessGates(pod) {
		if !isTrue(pod, gate) {
			return fmt.Sprintf("Pod %q is ready, and its readiness gate %q is not open", pod.GetName(), gate)
		}
	}
	return ""
}

func readinessGates(pod object) []string {
	var names []string
	for _, gate := range objects.List(pod, "spec", "readinessGates") {
		if name, ok := gate["conditionType"].(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// countsPods: an owner reports how many of its Pods are ready.
var countsPods = unlessDeleted(func(history History, owner object) string {
	ready := int64(0)
	for _, pod := range activePods(history, owner.GetUID()) {
		if isReady(pod) {
			ready++
		}
	}
	if counted := objects.Int(owner, "status", "readyReplicas"); counted != ready {
		return fmt.Sprintf("%s %q has %d ready Pods and counts %d", owner.GetKind(), owner.GetName(), ready, counted)
	}
	return ""
})

// sumsReplicaSets: a Deployment reports the sums of what its ReplicaSets report.
var sumsReplicaSets = unlessDeleted(func(history History, deployment object) string {
	for _, counter := range []string{"readyReplicas", "availableReplicas"} {
		sum := int64(0)
		for _, set := range history.LiveOf("ReplicaSet", objects.ControlledBy(deployment.GetUID())) {
			sum += objects.Int(set, "status", counter)
		}
		if counted := objects.Int(deployment, "status", counter); counted != sum {
			return fmt.Sprintf("Deployment %q: status.%s is %d, its ReplicaSets report %d", deployment.GetName(), counter, counted, sum)
		}
	}
	return ""
})

// isCollected: an object goes when its owners are all gone.
var isCollected = unlessDeleted(func(history History, of object) string {
	owners := of.GetOwnerReferences()
	if len(owners) == 0 {
		return ""
	}
	gone := sets.New[types.UID]()
	for _, version := range history.All() {
		if version.Type == watch.Deleted {
			gone.Insert(version.Object.GetUID())
		}
	}
	for _, owner := range owners {
		if !gone.Has(owner.UID) {
			return ""
		}
	}
	return fmt.Sprintf("%s %q is left, its owner is gone", of.GetKind(), of.GetName())
})

// isEmptied: a namespace that is being deleted, and holds no Pod any more, goes.
func isEmptied(history History, namespace object) string {
	if deleting(namespace) && len(history.LiveOf(pod, nil)) == 0 {
		return fmt.Sprintf("namespace %q is being deleted, has no Pods left, and still exists", namespace.GetName())
	}
	return ""
}
