// Package scheduler gives Pods their nodes: steps 6 and 7 of the chain.
//
// One loop takes the Pods that have no node from a [queue], one by one, looks
// which nodes are feasible (package filter), takes the best of them (package
// score) and books the Pod there in its picture of the cluster (package
// cluster). Everything that talks to the API server happens beside the loop:
// binding the Pod, or saying why it fits nowhere and, if its priority allows,
// making room for it (package preempt).
//
// A Pod that fits no node waits for a change in the cluster that can help it and
// delays no other Pod. The scheduler has no state that the API server does not have:
// after a restart it sees the same cluster (SCHED-24).
package scheduler
