package filter

import (
	"slices"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// resources sees to it that the requests on a node never exceed what it has to
// give (SCHED-07). What fits exactly, fits.
var resources = Filter{
	Name:  "NodeResourcesFit",
	Retry: cluster.NodeAdded | cluster.NodeAllocatable | cluster.PodRemoved | cluster.PodShrunk,
	Prepare: func(pod *cluster.Pod, _ cluster.View) (Check, error) {
		want := pod.Request
		return func(node *cluster.Node) *Refusal {
			// The common case costs no allocation.
			if fits(want, node) {
				return nil
			}
			return lacking(want, node)
		}, nil
	},
}

func fits(want cluster.Resources, node *cluster.Node) bool {
	have, used := &node.Allocatable, &node.Requested
	if short(want.Pods, used.Pods, have.Pods) || short(want.MilliCPU, used.MilliCPU, have.MilliCPU) ||
		short(want.Memory, used.Memory, have.Memory) ||
		short(want.EphemeralStorage, used.EphemeralStorage, have.EphemeralStorage) {
		return false
	}
	for name, amount := range want.Extended {
		if short(amount, used.Extended[name], have.Extended[name]) {
			return false
		}
	}
	return true
}

// short: what is not asked for is never short, even on an overcommitted node.
func short(want, used, have int64) bool { return want > 0 && want > have-used }

// lacking spells out everything that is short.
func lacking(want cluster.Resources, node *cluster.Node) *Refusal {
	refusal := &Refusal{}
	note := func(reason string, want, used, have int64) {
		if short(want, used, have) {
			refusal.Reasons = append(refusal.Reasons, reason)
			// More than the whole node: removing its Pods cannot help.
			refusal.Final = refusal.Final || want > have
		}
	}
	have, used := node.Allocatable, node.Requested
	note("Too many pods", want.Pods, used.Pods, have.Pods)
	note("Insufficient cpu", want.MilliCPU, used.MilliCPU, have.MilliCPU)
	note("Insufficient memory", want.Memory, used.Memory, have.Memory)
	note("Insufficient ephemeral-storage", want.EphemeralStorage, used.EphemeralStorage, have.EphemeralStorage)
	for name, amount := range want.Extended {
		note("Insufficient "+string(name), amount, used.Extended[name], have.Extended[name])
	}
	slices.Sort(refusal.Reasons)
	return refusal
}
