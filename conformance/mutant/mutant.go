// Package mutant has links that do one thing wrongly, on purpose: each is a named
// behaviour that a tap puts between the link and the API server, so that the link
// itself stays as it is. What the suite makes of them is how it is known to notice.
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
	// Does says in a sentence what it does.
	Does string
	// Notices is the id of a requirement that fails because of it.
	Notices string

	// requests that it is about, by method and path, and what becomes of them.
	requests *regexp.Regexp
	exchange exchange
}

// All mutants, in the order of the chain: one of each link at least that the
// reference has.
var All = []Mutant{
	{
		"api-server/forgets-the-strategy", chain.APIServer,
		"A Deployment that is created is answered without the strategy that is the default.", "API-CREATE-01",
		to(`POST .*/deployments`), answered(without("spec", "strategy")),
	}, {
		"deployment-controller/disowns-its-replicaset", chain.DeploymentController,
		"ReplicaSets have no owner, and get none later.", "CHAIN-02",
		to(`POST .*/replicasets|PATCH .*/replicasets/[^/]+`), sent(without("metadata", "ownerReferences")),
	}, {
		"replicaset-controller/disowns-its-pods", chain.ReplicaSetController,
		"Pods have no owner, and get none later.", "RS-04",
		to(`POST .*/pods|PATCH .*/pods/[^/]+`), sent(without("metadata", "ownerReferences")),
	}, {
		"replicaset-controller/places-its-pods", chain.ReplicaSetController,
		"Pods are created with a node, which is the scheduler's to choose.", "CHAIN-03",
		to(`POST .*/pods`), sent(with("node-1", "spec", "nodeName")),
	}, {
		"scheduler/chooses-any-node", chain.Scheduler,
		"Every Pod is bound to node-1, whatever it asks for.", "SCHED-08",
		to(`POST .*/binding`), sent(with("node-1", "target", "name")),
	}, {
		"kubelet/is-ready-too-early", chain.Kubelet,
		"A Pod is said to be ready before anything of it runs.", "CHAIN-03",
		to(`PATCH .*/pods/[^/]+/status`), sent(readyTooEarly),
	}, {
		"kubelet/gives-up-on-conflicts", chain.Kubelet,
		"The status of a Pod is not written any more after three conflicts in a row.", "IDEMP-02",
		to(`PATCH .*/pods/[^/]+/status`), givesUpAfter(3),
	}, {
		"statefulset-controller/forgets-the-ordinal", chain.StatefulSetController,
		"Pods are created without the label that tells their ordinal.", "STS-01",
		to(`POST .*/pods`), sent(without("metadata", "labels", "apps.kubernetes.io/pod-index")),
	}, {
		"daemonset-controller/leaves-the-node-open", chain.DaemonSetController,
		"Pods are created without the affinity to their node.", "DS-02",
		to(`POST .*/pods`), sent(without("spec", "affinity")),
	}, {
		"garbage-collector/lets-things-lie", chain.GarbageCollector,
		"What has no owner left stays.", "GC-01",
		to(`DELETE .*`), unsent,
	}, {
		"garbage-collector/gives-up-on-conflicts", chain.GarbageCollector,
		"What could not be deleted for three conflicts in a row stays.", "IDEMP-02",
		to(`DELETE .*`), givesUpAfter(3),
	}, {
		"namespace-controller/never-lets-go", chain.NamespaceController,
		"A namespace that is empty is not finalized.", "NS-01",
		to(`PUT .*/finalize`), unsent,
	}, {
		"node-lifecycle-controller/taints-mildly", chain.NodeLifecycle,
		"A node that is not ready sends nothing away: its taints are of NoSchedule only.", "NODE-05",
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

// Tap returns what the requests of a link go through on their way to next: those of
// any other link than the mutant's go on untouched.
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

// to are the requests that the pattern matches as a whole.
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

// mildly leaves out the taints that send Pods away.
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
