package implementation

import (
	"maps"
	"slices"
)

// Composite is a cluster that is put together from parts: what it offers
// besides the methods of Cluster are other values.
type Composite interface {
	Cluster
	// Parts implement one or more of the optional interfaces each. Where several
	// implement the same, the first one counts.
	Parts() []any
}

// Offered returns what implements the optional interface T for the cluster: the
// cluster itself, or a part of it.
func Offered[T any](cluster Cluster) (offered T, ok bool) {
	if offered, ok = cluster.(T); ok {
		return offered, true
	}
	composite, ok := cluster.(Composite)
	if !ok {
		return offered, false
	}
	for _, part := range composite.Parts() {
		if offered, ok = part.(T); ok {
			return offered, true
		}
	}
	return offered, false
}

func offers[T any](cluster Cluster) bool {
	_, ok := Offered[T](cluster)
	return ok
}

// capabilities are the optional interfaces by the names that features use.
var capabilities = map[string]func(Cluster) bool{
	"links": offers[Links],
	"nodes": offers[Nodes],
	// Sizes are Nodes', unless whoever adds a node says that its kubelet goes by
	// its own.
	"sizes":      func(cluster Cluster) bool { return offers[Nodes](cluster) && Withheld(cluster, "sizes") == "" },
	"kubelets":   offers[Kubelets],
	"cri":        offers[Runtime],
	"images":     offers[Images],
	"compaction": offers[Compactor],
	"faults":     offers[Faults],
	"store":      offers[Store],
	"outage":     offers[Outage],
	"replicas":   offers[Replicas],
	// Nobody has to do anything for his containers to be used: whose kubelets only
	// report that they run some, says so.
	"containers": func(cluster Cluster) bool { return Withheld(cluster, "containers") == "" },
}

// Disturbs tells whether what a capability does is felt by everybody who uses the
// cluster: a link that is stopped is missing for all, a node that joins gets the
// Pods of every DaemonSet.
func Disturbs(capability string) bool {
	return capability == "nodes" || capability == "sizes" || capability == "kubelets" || NeedsCalm(capability)
}

// NeedsCalm tells whether no other scenario can go on while a capability is made
// use of. Faults do not: a scenario has them in its own namespace only.
func NeedsCalm(capability string) bool {
	switch capability {
	case "links", "compaction", "outage", "replicas":
		return true
	}
	return false
}

// Withholding is offered by a cluster that says why it does not offer more: it
// could and may not, or its links do without, as a kubelet that runs no
// containers.
type Withholding interface {
	// Withheld returns why a capability is not offered, "" if it is or nothing is
	// known of it.
	Withheld(capability string) (why string)
}

// Withheld returns why the cluster does not offer a capability, as it or one of
// its parts says; "" where nothing is known.
func Withheld(cluster Cluster, capability string) string {
	parts := []any{cluster}
	if composite, ok := cluster.(Composite); ok {
		parts = append(parts, composite.Parts()...)
	}
	for _, part := range parts {
		if withholding, ok := part.(Withholding); ok {
			if why := withholding.Withheld(capability); why != "" {
				return why
			}
		}
	}
	return ""
}

// Capabilities are the names of all that a requirement may need of a cluster
// (tag @needs-NAME), in alphabetical order.
func Capabilities() []string { return slices.Sorted(maps.Keys(capabilities)) }

// Lacks returns those of the needed capabilities that the cluster does not
// offer. What is not the name of a capability nobody offers.
func Lacks(cluster Cluster, needed []string) []string {
	return slices.DeleteFunc(slices.Clone(needed), func(name string) bool {
		offered := capabilities[name]
		return offered != nil && offered(cluster)
	})
}
