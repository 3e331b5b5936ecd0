// Package mutant makes links misbehave on purpose: each mutant is one named wrong
// behaviour that a tap puts between a link and the API server, so the link itself
// stays unchanged. A suite that fails on every mutant is known to notice.
//
//	mutant.go     the mutants
//	exchange.go   what happens to a request on its way
package mutant

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/chain"
)

// Mutant is one wrong behaviour of one link.
type Mutant struct {
	// Name is the link and what it does, such as "scheduler/chooses-any-node".
	Name string
	Link chain.Link
	// Does describes the wrong behaviour in one sentence.
	Does string
	// Notices is the id of a requirement that fails because of it.
	Notices string

	// requests that it changes, by method and path, and how.
	requests *regexp.Regexp
	exchange exchange
}

// All mutants, in the order of the chain: at least one for each link of the
// reference.
var All = []Mutant{
	{
		"api-server/forgets-the-strategy", chain.APIServer,
		"The answer to the creation of a Deployment lacks the default strategy.", "API-CREATE-01",
		to(`POST .*/deployments`), answered(without("spec", "strategy")),
	}, {
		"deployment-controller/disowns-its-replicaset", chain.DeploymentController,
		"ReplicaSets are created without an owner reference and never adopted.", "CHAIN-02",
		to(`POST .*/replicasets|PATCH .*/replicasets/[^/]+`), sent(without("metadata", "ownerReferences")),
	}, {
		"replicaset-controller/disowns-its-pods", chain.ReplicaSetController,
		"Pods are created without an owner reference and never adopted.", "RS-04",
		to(`POST .*/pods|PATCH .*/pods/[^/]+`), sent(without("metadata", "ownerReferences")),
	}, {
		"replicaset-controller/places-its-pods", chain.ReplicaSetController,
		"Pods are created with a node instead of leaving the choice to the scheduler.", "CHAIN-03",
		to(`POST .*/pods`), sent(with("node-1", "spec", "nodeName")),
	}, {
		"scheduler/chooses-any-node", chain.Scheduler,
		"Every Pod is bound to node-1, whether that node fits or not.", "SCHED-08",
		to(`POST .*/binding`), sent(with("node-1", "target", "name")),
	}, {
		"kubelet/is-ready-too-early", chain.Kubelet,
		"A Pod is reported as Ready before any of its containers runs.", "CHAIN-03",
		to(`PATCH .*/pods/[^/]+/status`), sent(readyTooEarly),
	}, {
		"kubelet/gives-up-on-conflicts", chain.Kubelet,
		"The status of a Pod is no longer retried after three conflicts in a row.", "IDEMP-02",
		to(`PATCH .*/pods/[^/]+/status`), givesUpAfter(3),
	}, {
		"statefulset-controller/forgets-the-ordinal", chain.StatefulSetController,
		"Pods are created without the label of their ordinal.", "STS-01",
		to(`POST .*/pods`), sent(without("metadata", "labels", "apps.kubernetes.io/pod-index")),
	}, {
		"daemonset-controller/leaves-the-node-open", chain.DaemonSetController,
		"Pods are created without the node affinity for their node.", "DS-02",
		to(`POST .*/pods`), sent(without("spec", "affinity")),
	}, {
		"garbage-collector/lets-things-lie", chain.GarbageCollector,
		"Objects whose owners are all gone are never deleted.", "GC-01",
		to(`DELETE .*`), unsent,
	}, {
		"garbage-collector/gives-up-on-conflicts", chain.GarbageCollector,
		"A deletion is no longer retried after three conflicts in a row.", "IDEMP-02",
		to(`DELETE .*`), givesUpAfter(3),
	}, {
		"namespace-controller/never-lets-go", chain.NamespaceController,
		"An empty namespace is never finalized.", "NS-01",
		to(`PUT .*/finalize`), unsent,
	}, {
		"node-lifecycle-controller/taints-mildly", chain.NodeLifecycle,
		"A node that is not ready evicts no Pods: its taints have the effect NoSchedule only.", "NODE-05",
		to(`PATCH .*/nodes/[^/]+`), sent(mildly),
	},
}

// Named returns the mutant of that name.
func Named(name string) (Mutant, error) {
	var names []string
	for _, m := range All {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Mutant{}, fmt.Errorf("there is no mutant %q: there are %s", name, strings.Join(names, ", "))
}

// Tap returns the transport for the requests of a link on their way to next. It
// changes requests of the mutant's link only.
func (m Mutant) Tap(link chain.Link, next http.RoundTripper) http.RoundTripper {
	if link != m.Link {
		return next
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if m.requests.MatchString(r.Method + " " + r.URL.Path) {
			return m.exchange(r, next)
		}
		return next.RoundTrip(r)
	})
}

// to compiles a pattern that has to match method and path as a whole.
func to(pattern string) *regexp.Regexp { return regexp.MustCompile("^(" + pattern + ")$") }

// with sets a field.
func with(value any, fields ...string) change {
	return func(object map[string]any) error { return unstructured.SetNestedField(object, value, fields...) }
}

// without removes a field.
func without(fields ...string) change {
	return func(object map[string]any) error {
		unstructured.RemoveNestedField(object, fields...)
		return nil
	}
}

// readyTooEarly adds the condition to the first status that a kubelet writes of a
// Pod: later ones do not say when it started.
func readyTooEarly(patch map[string]any) error {
	if _, first, _ := unstructured.NestedString(patch, "status", "startTime"); !first {
		return nil
	}
	return unstructured.SetNestedSlice(patch, []any{map[string]any{"type": "Ready", "status": "True"}}, "status", "conditions")
}

// mildly leaves out the taints that evict Pods.
func mildly(patch map[string]any) error {
	spec, _ := patch["spec"].(map[string]any)
	taints, some := spec["taints"].([]any)
	if !some {
		return nil
	}
	kept := []any{}
	for _, taint := range taints {
		if taint.(map[string]any)["effect"] != "NoExecute" {
			kept = append(kept, taint)
		}
	}
	spec["taints"] = kept
	return nil
}
