package score

import (
	"math"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// leastAllocated prefers nodes of which, with the Pod, less is requested: the
// mean of the free shares of cpu and memory.
func leastAllocated(pod *cluster.Pod, nodes []*cluster.Node, _ Context) []int64 {
	ratings := make([]int64, len(nodes))
	for i, node := range nodes {
		var sum, resources int64
		rate := func(requested, allocatable int64) {
			if allocatable == 0 {
				return
			}
			resources++
			if requested <= allocatable {
				sum += Max * (allocatable - requested) / allocatable
			}
		}
		rate(node.Ranked.MilliCPU+pod.Ranked.MilliCPU, node.Allocatable.MilliCPU)
		rate(node.Ranked.Memory+pod.Ranked.Memory, node.Allocatable.Memory)
		if resources > 0 {
			ratings[i] = sum / resources
		}
	}
	return ratings
}

// balancedAllocation prefers nodes where the Pod brings the shares of cpu and
// memory closer together. A Pod that requests neither makes no difference.
func balancedAllocation(pod *cluster.Pod, nodes []*cluster.Node, _ Context) []int64 {
	if pod.Request.MilliCPU == 0 && pod.Request.Memory == 0 {
		return nil
	}
	ratings := make([]int64, len(nodes))
	for i, node := range nodes {
		before := balance(node.Requested.MilliCPU, node.Requested.Memory, node)
		after := balance(node.Requested.MilliCPU+pod.Request.MilliCPU, node.Requested.Memory+pod.Request.Memory, node)
		// A balance is at least Max/2, so the difference is within ±Max/2:
		// 75 means no change.
		ratings[i] = Max/2 + (Max/2+after-before)/2
	}
	return ratings
}

// balance is Max less the standard deviation of the two shares.
func balance(milliCPU, memory int64, node *cluster.Node) int64 {
	if node.Allocatable.MilliCPU == 0 || node.Allocatable.Memory == 0 {
		return Max
	}
	cpuShare := min(1, float64(milliCPU)/float64(node.Allocatable.MilliCPU))
	memoryShare := min(1, float64(memory)/float64(node.Allocatable.Memory))
	return int64((1 - math.Abs(cpuShare-memoryShare)/2) * Max)
}
