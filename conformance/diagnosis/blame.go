// Package diagnosis tells what a recorded history shows of the chain: which link
// was the first that did not do its part, and what was last written.
package diagnosis

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/objects"
	"github.com/podchain/podchain/conformance/runresources"
)

// Blame is a link and the part of it that is missing.
type Blame struct {
	Link    chain.Link
	Missing string
}

// check looks for something that a link has left undone, and returns it, "" if
// there is nothing.
type check struct {
	link    chain.Link
	missing func(history.Record) string
	// evenStopped: the link left it undone before the scenario stopped it.
	evenStopped bool
}

// checks are in the order of the chain: what comes first is blamed first, since
// everything after it can only wait.
var checks = []check{
	{link: chain.NamespaceController, missing: accountMissing},
	{link: chain.DeploymentController, missing: deploymentUnseen},
	{link: chain.ReplicaSetController, missing: podsMissing("ReplicaSet")},
	{link: chain.StatefulSetController, missing: podsMissing("StatefulSet")},
	{link: chain.DaemonSetController, missing: unseen("DaemonSet")},
	{link: chain.Scheduler, missing: podUnplaced},
	{link: chain.Kubelet, missing: nodeUnknown, evenStopped: true},
	{link: chain.Kubelet, missing: nodeMissing},
	{link: chain.NodeLifecycle, missing: nodesClosed},
	{link: chain.Kubelet, missing: podUntaken},
	{link: chain.Kubelet, missing: podUnstarted},
	{link: chain.Kubelet, missing: gateOpened},
	{link: chain.Kubelet, missing: gatePassed},
	{link: chain.ReplicaSetController, missing: countsStale("ReplicaSet")},
	{link: chain.StatefulSetController, missing: countsStale("StatefulSet")},
	{link: chain.DeploymentController, missing: deploymentStale},
	{link: chain.GarbageCollector, missing: orphanLeft},
	{link: chain.NamespaceController, missing: namespaceLeft},
}

// FirstBroken returns the first link, in the order of the chain, that has left
// something undone in the last state of the record. Links that the scenario
// itself has stopped are passed over. ok is false if all have done their part:
// then what was done was done wrongly.
func FirstBroken(record history.Record, stopped sets.Set[chain.Link]) (blame Blame, ok bool) {
	for _, check := range checks {
		if stopped.Has(check.link) && !check.evenStopped {
			continue
		}
		if missing := check.missing(record); missing != "" {
			return Blame{check.link, missing}, true
		}
	}
	return Blame{}, false
}

func accountMissing(record history.Record) string {
	for _, namespace := range record.LiveOf("Namespace", nil) {
		if namespace.GetDeletionTimestamp() == nil && record.Live("ServiceAccount", "default") == nil {
			return fmt.Sprintf("namespace %q has no ServiceAccount default", namespace.GetName())
		}
	}
	return ""
}

func deploymentUnseen(record history.Record) string {
	for _, deployment := range record.LiveOf("Deployment", running) {
		paused, _, _ := unstructured.NestedBool(deployment.Object, "spec", "paused")
		sets := record.LiveOf("ReplicaSet", objects.ControlledBy(deployment.GetUID()))
		if !paused && len(sets) == 0 {
			return fmt.Sprintf("Deployment %q has no ReplicaSet", deployment.GetName())
		}
		if missing := behind(deployment); missing != "" {
			return missing
		}
	}
	return ""
}

func running(object *unstructured.Unstructured) bool { return object.GetDeletionTimestamp() == nil }

// behind says that a controller has not observed the present spec.
func behind(object *unstructured.Unstructured) string {
	if observed := objects.Int(object, "status", "observedGeneration"); observed < object.GetGeneration() {
		return fmt.Sprintf("%s %q is at generation %d, observed is %d", object.GetKind(), object.GetName(), object.GetGeneration(), observed)
	}
	return ""
}

func unseen(kind string) func(history.Record) string {
	return func(record history.Record) string {
		for _, object := range record.LiveOf(kind, running) {
			if missing := behind(object); missing != "" {
				return missing
			}
		}
		return ""
	}
}

func podsMissing(kind string) func(history.Record) string {
	return func(record history.Record) string {
		for _, owner := range record.LiveOf(kind, running) {
			pods := active(record, owner.GetUID())
			want := objects.Int(owner, "spec", "replicas")
			// A StatefulSet waits for each Pod in turn: a Pod that is not ready is
			// somebody else's to bring on.
			if kind == "StatefulSet" && len(pods) > 0 && !allReady(pods) {
				continue
			}
			if int64(len(pods)) != want {
				return fmt.Sprintf("%s %q asks for %d Pods and has %d", kind, owner.GetName(), want, len(pods))
			}
			if missing := behind(owner); missing != "" {
				return missing
			}
		}
		return ""
	}
}

func active(record history.Record, owner types.UID) []*unstructured.Unstructured {
	return record.LiveOf("Pod", func(pod *unstructured.Unstructured) bool {
		return objects.Active(pod) && objects.Controller(pod) == owner
	})
}

func allReady(pods []*unstructured.Unstructured) bool {
	for _, pod := range pods {
		if objects.Condition(pod, "Ready") != "True" {
			return false
		}
	}
	return true
}

// podUnplaced finds a Pod that waits for the scheduler: it has neither a node
// nor the condition by which the scheduler says why not.
func podUnplaced(record history.Record) string {
	for _, pod := range record.LiveOf("Pod", running) {
		scheduler := objects.Text(pod, "spec", "schedulerName")
		gates, _, _ := unstructured.NestedSlice(pod.Object, "spec", "schedulingGates")
		if objects.Text(pod, "spec", "nodeName") == "" && scheduler == "default-scheduler" && len(gates) == 0 &&
			objects.Condition(pod, "PodScheduled") == "" && objects.Active(pod) {
			return fmt.Sprintf("Pod %q has no node, and nothing says why", pod.GetName())
		}
	}
	return ""
}

// nodes returns the nodes that there are for the Pods of the record: those that
// another scenario has brought are for its own.
func nodes(record history.Record) []*unstructured.Unstructured {
	return record.LiveOf("Node", func(node *unstructured.Unstructured) bool {
		of := node.GetLabels()[runresources.NodesLabel]
		return of == "" || record.Live("Namespace", of) != nil
	})
}

// nodeUnknown finds a Pod that the scheduler can place nowhere, since no kubelet
// has ever registered a node.
func nodeUnknown(record history.Record) string {
	if len(nodes(record)) > 0 {
		return ""
	}
	return waitingForNode(record, "no kubelet has registered a node")
}

// nodeMissing finds a Pod that the scheduler can place nowhere, since no kubelet
// keeps its node ready.
func nodeMissing(record history.Record) string {
	for _, node := range nodes(record) {
		if objects.Condition(node, "Ready") == "True" {
			return ""
		}
	}
	return waitingForNode(record, "no node is ready")
}

// nodesClosed finds that no node takes Pods, although there are some that are
// ready: none has lost the taint of a beginner, or of one that was lost.
func nodesClosed(record history.Record) string {
	closed := ""
	for _, node := range nodes(record) {
		if objects.Condition(node, "Ready") != "True" {
			continue
		}
		taint := lastingTaint(node)
		if taint == "" {
			return ""
		}
		closed = fmt.Sprintf("node %q is ready and still has the taint %s", node.GetName(), taint)
	}
	return closed
}

// lastingTaint is the taint by which a node says that it is not ready.
func lastingTaint(node *unstructured.Unstructured) string {
	taints, _, _ := unstructured.NestedSlice(node.Object, "spec", "taints")
	for _, entry := range taints {
		taint, _ := entry.(map[string]any)
		switch key, _ := taint["key"].(string); key {
		case corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable:
			return key
		}
	}
	return ""
}

func waitingForNode(record history.Record, why string) string {
	for _, pod := range record.LiveOf("Pod", history.Active) {
		if objects.Text(pod, "spec", "nodeName") == "" {
			return fmt.Sprintf("%s, and Pod %q waits for one", why, pod.GetName())
		}
	}
	return ""
}

// podUntaken finds a bound Pod that its kubelet has not taken.
func podUntaken(record history.Record) string {
	for _, pod := range record.LiveOf("Pod", nil) {
		node := objects.Text(pod, "spec", "nodeName")
		if record.Live("Node", node) == nil {
			continue // it has none, or one that is not there: no kubelet is late
		}
		if objects.Text(pod, "status", "startTime") == "" {
			return fmt.Sprintf("Pod %q is bound to node %q, whose kubelet has not taken it", pod.GetName(), node)
		}
	}
	return ""
}

// longStart is how long a kubelet may be at starting a container before that counts
// as left undone.
const longStart = 20 * time.Second

// podUnstarted finds a Pod whose kubelet has taken it long ago and says since then,
// of all its containers, that it is about to start them.
func podUnstarted(record history.Record) string {
	for _, pod := range record.LiveOf("Pod", history.Active) {
		statuses, _, _ := unstructured.NestedSlice(pod.Object, "status", "containerStatuses")
		starting := func(entry any) bool {
			status, _ := entry.(map[string]any)
			reason, _, _ := unstructured.NestedString(status, "state", "waiting", "reason")
			return reason == "ContainerCreating"
		}
		if len(statuses) == 0 || slices.ContainsFunc(statuses, func(entry any) bool { return !starting(entry) }) {
			continue
		}
		versions := record.ByUID(pod.GetUID())
		taken := slices.IndexFunc(versions, func(v history.Version) bool { return objects.Text(v.Object, "status", "startTime") != "" })
		if taken < 0 {
			continue
		}
		if since := time.Since(versions[taken].At); since > longStart {
			return fmt.Sprintf("Pod %q is on its node for %s, and its containers have not been started", pod.GetName(), since.Round(time.Second))
		}
	}
	return ""
}

// gateOpened finds a Pod whose kubelet has answered a readiness gate itself: the
// condition became true in one write with what only a kubelet writes. From then on
// everybody takes the Pod for ready who should have waited.
func gateOpened(record history.Record) string {
	for _, pod := range record.LiveOf("Pod", nil) {
		versions := record.ByUID(pod.GetUID())
		for i := 1; i < len(versions); i++ {
			before, now := versions[i-1].Object, versions[i].Object
			if objects.Condition(before, "ContainersReady") == objects.Condition(now, "ContainersReady") {
				continue
			}
			for _, gate := range readinessGates(now) {
				if objects.Condition(before, gate) != "True" && objects.Condition(now, gate) == "True" {
					return fmt.Sprintf("the kubelet itself opened the readiness gate %q of Pod %q, which is for others to open", gate, pod.GetName())
				}
			}
		}
	}
	return ""
}

// gatePassed finds a Pod that is ready though one of its gates is shut.
func gatePassed(record history.Record) string {
	for _, pod := range record.LiveOf("Pod", history.Active) {
		if objects.Condition(pod, "Ready") != "True" {
			continue
		}
		for _, gate := range readinessGates(pod) {
			if objects.Condition(pod, gate) != "True" {
				return fmt.Sprintf("Pod %q is ready, and its readiness gate %q is not open", pod.GetName(), gate)
			}
		}
	}
	return ""
}

func readinessGates(pod *unstructured.Unstructured) []string {
	var names []string
	gates, _, _ := unstructured.NestedSlice(pod.Object, "spec", "readinessGates")
	for _, entry := range gates {
		gate, _ := entry.(map[string]any)
		if name, ok := gate["conditionType"].(string); ok {
			names = append(names, name)
		}
	}
	return names
}

func countsStale(kind string) func(history.Record) string {
	return func(record history.Record) string {
		for _, owner := range record.LiveOf(kind, running) {
			ready := int64(0)
			for _, pod := range active(record, owner.GetUID()) {
				if objects.Condition(pod, "Ready") == "True" {
					ready++
				}
			}
			if counted := objects.Int(owner, "status", "readyReplicas"); counted != ready {
				return fmt.Sprintf("%s %q has %d ready Pods and counts %d", kind, owner.GetName(), ready, counted)
			}
		}
		return ""
	}
}

func deploymentStale(record history.Record) string {
	for _, deployment := range record.LiveOf("Deployment", running) {
		for _, counter := range []string{"readyReplicas", "availableReplicas"} {
			sum := int64(0)
			for _, set := range record.LiveOf("ReplicaSet", objects.ControlledBy(deployment.GetUID())) {
				sum += objects.Int(set, "status", counter)
			}
			if counted := objects.Int(deployment, "status", counter); counted != sum {
				return fmt.Sprintf("Deployment %q: status.%s is %d, its ReplicaSets report %d", deployment.GetName(), counter, counted, sum)
			}
		}
	}
	return ""
}

// orphanLeft finds an object whose owners are all gone.
func orphanLeft(record history.Record) string {
	gone := sets.New[types.UID]()
	for _, version := range record.All() {
		if version.Type == "DELETED" {
			gone.Insert(version.Object.GetUID())
		}
	}
	for _, kind := range []string{"ReplicaSet", "Pod", "ControllerRevision", "ConfigMap"} {
		for _, object := range record.LiveOf(kind, running) {
			owners := object.GetOwnerReferences()
			left := len(owners)
			for _, owner := range owners {
				if gone.Has(owner.UID) {
					left--
				}
			}
			if len(owners) > 0 && left == 0 {
				return fmt.Sprintf("%s %q is left, its owner is gone", kind, object.GetName())
			}
		}
	}
	return ""
}

func namespaceLeft(record history.Record) string {
	for _, namespace := range record.LiveOf("Namespace", nil) {
		if namespace.GetDeletionTimestamp() != nil && len(record.LiveOf("Pod", nil)) == 0 {
			return fmt.Sprintf("namespace %q is being deleted, has no Pods left, and still exists", namespace.GetName())
		}
	}
	return ""
}
