package cluster

// Change is a set of things that can happen to a cluster and make an
// unschedulable Pod schedulable. A filter names the changes that can turn its
// "no" into a "yes"; Pods wait for exactly those (SCHED-17).
type Change uint16

// The changes that anything waits for.
const (
	NodeAdded Change = 1 << iota
	NodeRemoved
	NodeAllocatable
	NodeLabels
	NodeTaints // including cordon and uncordon
	PodPlaced
	PodLabels
	PodShrunk
	PodLeaving // has got its deletionTimestamp
	PodRemoved // is deleted or terminal: its room is free
	NamespaceLabels

	NoChange  Change = 0
	AnyChange Change = NamespaceLabels<<1 - 1
)
