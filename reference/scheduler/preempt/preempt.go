// Package preempt finds the Pods that have to go so that one of higher priority
// fits (SCHED-19), and as little as possible with them (SCHED-20).
package preempt

import (
	"cmp"
	"math"
	"slices"
	"time"

	policyv1 "k8s.io/api/policy/v1"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// Plan is a node and the Pods to remove from it, the most important first.
type Plan struct {
	Node    string
	Victims []*cluster.Pod
	// Violations counts the victims that a PodDisruptionBudget protects.
	Violations int
}

// Fits tells whether the Pod fits on the node, which is in the view.
type Fits func(view cluster.View, node *cluster.Node) bool

// Choose returns the cheapest plan for the Pod on one of the nodes, or nil if
// there is none.
func Choose(pod *cluster.Pod, view cluster.View, nodes []*cluster.Node, budgets []*policyv1.PodDisruptionBudget, fits Fits) *Plan {
	var best *Plan
	for _, node := range nodes {
		if plan := planFor(pod, view, node, budgets, fits); plan != nil && (best == nil || cheaper(plan, best)) {
			best = plan
		}
	}
	return best
}

// planFor removes all Pods of lower priority, and puts back as many as it can:
// the protected and the important ones first.
func planFor(pod *cluster.Pod, view cluster.View, node *cluster.Node, budgets []*policyv1.PodDisruptionBudget, fits Fits) *Plan {
	var lower []*cluster.Pod
	for _, other := range node.Pods {
		if other.Priority() < pod.Priority() {
			lower = append(lower, other)
		}
	}
	if len(lower) == 0 {
		return nil
	}
	trial := node.Clone()
	for _, other := range lower {
		trial.Remove(other)
	}
	view = view.With(trial)
	if !fits(view, trial) {
		return nil
	}
	slices.SortFunc(lower, byImportance)
	guarded, free := divide(lower, budgets)
	plan := &Plan{Node: node.Name}
	reprieve := func(victim *cluster.Pod) bool {
		trial.Add(victim)
		if fits(view, trial) {
			return true
		}
		trial.Remove(victim)
		plan.Victims = append(plan.Victims, victim)
		return false
	}
	for _, victim := range guarded {
		if !reprieve(victim) {
			plan.Violations++
		}
	}
	for _, victim := range free {
		reprieve(victim)
	}
	if len(plan.Victims) == 0 {
		return nil
	}
	slices.SortFunc(plan.Victims, byImportance)
	return plan
}

// byImportance: higher priority, then longer running.
func byImportance(a, b *cluster.Pod) int {
	if c := cmp.Compare(b.Priority(), a.Priority()); c != 0 {
		return c
	}
	return startOf(a).Compare(startOf(b))
}

// startOf is when the Pod started; one that has not, starts now at the earliest.
func startOf(pod *cluster.Pod) time.Time {
	if pod.Status.StartTime != nil {
		return pod.Status.StartTime.Time
	}
	return time.Now()
}

// costs are compared in this order; the smaller is the better plan.
var costs = []func(*Plan) int64{
	func(p *Plan) int64 { return int64(p.Violations) },
	func(p *Plan) int64 { return int64(p.Victims[0].Priority()) },
	func(p *Plan) int64 {
		var sum int64
		for _, victim := range p.Victims {
			// Made positive, so that more victims never cost less.
			sum += int64(victim.Priority()) - math.MinInt32
		}
		return sum
	},
	func(p *Plan) int64 { return int64(len(p.Victims)) },
	func(p *Plan) int64 { return -earliestStart(p.Victims).UnixNano() },
}

func cheaper(a, b *Plan) bool {
	for _, cost := range costs {
		if c := cmp.Compare(cost(a), cost(b)); c != 0 {
			return c < 0
		}
	}
	return false
}

// earliestStart is the earliest start among the victims of highest priority.
func earliestStart(victims []*cluster.Pod) time.Time {
	return startOf(victims[0]) // they are in that order
}
