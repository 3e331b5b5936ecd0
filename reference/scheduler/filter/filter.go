// Package filter says on which nodes a Pod may run. Every rule is a [Filter] in
// one list; a node is feasible if none objects.
package filter

import (
	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// Filter is one rule.
type Filter struct {
	Name string
	// Prepare works out, once per decision, what the rule asks of a node. It
	// returns nil if the rule has nothing to say about this Pod.
	Prepare func(pod *cluster.Pod, view cluster.View) (Check, error)
	// Retry names the changes in the cluster that can make the rule accept a
	// node that it refused.
	Retry cluster.Change
}

// Check returns why the Pod may not run on the node, or nil if it may.
type Check func(node *cluster.Node) *Refusal

// Refusal is why a Pod may not run on a node.
type Refusal struct {
	Reasons []string
	// Final: no removal of Pods from this node would change it, so there is
	// nothing to gain by preemption.
	Final bool
}

// All is every filter, the cheap and decisive ones first: the first refusal
// decides, and its reason is what users read.
var All = []Filter{
	unschedulable,
	taints,
	nodeAffinity,
	ports,
	resources,
	claims,
	spread,
	podAffinity,
}

// Checks are the filters that have something to say about one Pod.
type Checks []prepared

type prepared struct {
	check Check
	retry cluster.Change
}

// Prepare makes the filters ready for one Pod.
func Prepare(filters []Filter, pod *cluster.Pod, view cluster.View) (Checks, error) {
	checks := make(Checks, 0, len(filters))
	for i := range filters {
		check, err := filters[i].Prepare(pod, view)
		if err != nil {
			return nil, err
		}
		if check != nil {
			checks = append(checks, prepared{check, filters[i].Retry})
		}
	}
	return checks, nil
}

// Refuses returns the first refusal of the node and what to wait for, or nil.
func (c Checks) Refuses(node *cluster.Node) (*Refusal, cluster.Change) {
	for i := range c {
		if refusal := c[i].check(node); refusal != nil {
			return refusal, c[i].retry
		}
	}
	return nil, cluster.NoChange
}
