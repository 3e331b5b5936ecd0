package implementation

import (
	"fmt"
	"iter"
	"reflect"
	"slices"

	"github.com/podchain/podchain/conformance/chain"
)

// Capability is something that a requirement may need of a cluster (tag @needs-NAME),
// and that not every cluster offers.
type Capability struct {
	Name string
	// Link that it is about; "" for the cluster as a whole.
	Link chain.Link
	// Disruptive is what affects other users of the cluster: a link that is stopped is
	// missing for all, a node that joins gets the Pods of every DaemonSet.
	Disruptive bool
	// Exclusive is what no other scenario can run beside. Faults are not: a scenario
	// has them in its own namespace only.
	Exclusive bool

	// offers is the optional interface that a cluster offers it by; nil for one that
	// every cluster has, unless it explains why not.
	offers *optional
	// unlessExplained is offered only where the cluster does not say why it is missing.
	unlessExplained bool
}

// optional is an optional interface of a cluster.
type optional struct {
	of      reflect.Type
	offered func(Cluster) bool
}

func by[T any]() *optional {
	return &optional{reflect.TypeFor[T](), func(cluster Cluster) bool {
		_, ok := As[T](cluster)
		return ok
	}}
}

// capabilities is the table, in alphabetical order.
var capabilities = []Capability{
	{Name: "compaction", Link: chain.APIServer, Disruptive: true, Exclusive: true, offers: by[Compactor]()},
	// Every container runs, unless the kubelets say that they only report so.
	{Name: "containers", Link: chain.Kubelet, unlessExplained: true},
	{Name: "cri", Link: chain.Kubelet, offers: by[Runtime]()},
	{Name: "faults", offers: by[Faults]()},
	{Name: "images", Link: chain.Kubelet, offers: by[Images]()},
	{Name: "kubelets", Link: chain.Kubelet, Disruptive: true, offers: by[Kubelets]()},
	{Name: "links", Disruptive: true, Exclusive: true, offers: by[Links]()},
	{Name: "nodes", Link: chain.Kubelet, Disruptive: true, offers: by[Nodes]()},
	{Name: "outage", Link: chain.APIServer, Disruptive: true, Exclusive: true, offers: by[Outage]()},
	{Name: "replicas", Disruptive: true, Exclusive: true, offers: by[Replicas]()},
	// A node is as large as asked, unless its kubelet says that it knows better.
	{Name: "sizes", Link: chain.Kubelet, Disruptive: true, offers: by[Nodes](), unlessExplained: true},
	{Name: "store", Link: chain.APIServer, offers: by[Store]()},
}

// Capabilities are the names of all, in alphabetical order.
func Capabilities() []string {
	names := make([]string, len(capabilities))
	for i, capability := range capabilities {
		names[i] = capability.Name
	}
	return names
}

// CapabilityOf returns the row of a name, or an empty one.
func CapabilityOf(name string) Capability {
	at := slices.IndexFunc(capabilities, func(row Capability) bool { return row.Name == name })
	if at < 0 {
		return Capability{}
	}
	return capabilities[at]
}

// Exclusive tells whether the row of that name is.
func Exclusive(name string) bool { return CapabilityOf(name).Exclusive }

// Missing returns those of the needed capabilities that the cluster does not offer.
// What is not the name of a capability is always missing.
func Missing(cluster Cluster, needed []string) []string {
	return slices.DeleteFunc(slices.Clone(needed), func(name string) bool { return CapabilityOf(name).offeredBy(cluster) })
}

func (c Capability) offeredBy(cluster Cluster) bool {
	return c.Name != "" && (c.offers == nil || c.offers.offered(cluster)) &&
		(!c.unlessExplained || WhyMissing(cluster, c.Name) == "")
}

// Composite is a cluster that is put together from parts: what it offers
// besides the methods of Cluster are other values.
type Composite interface {
	Cluster
	// Parts implement one or more of the optional interfaces each. Where several
	// implement the same, the first one counts.
	Parts() []any
}

// As returns what implements the optional interface T for the cluster: the cluster
// itself, or a part of it.
func As[T any](cluster Cluster) (offered T, ok bool) {
	for part := range parts(cluster) {
		if offered, ok = part.(T); ok {
			return offered, true
		}
	}
	return offered, false
}

// Need returns the same for a step that cannot do without. The error names the tag
// that the scenario lacks: with it, the scenario would not be applicable.
func Need[T any](cluster Cluster) (offered T, err error) {
	offered, ok := As[T](cluster)
	if ok {
		return offered, nil
	}
	for _, capability := range capabilities {
		if capability.offers != nil && capability.offers.of == reflect.TypeFor[T]() {
			return offered, fmt.Errorf("the cluster does not offer the capability %q: tag the scenario @needs-%[1]s", capability.Name)
		}
	}
	return offered, fmt.Errorf("the cluster does not implement %s, which is no capability", reflect.TypeFor[T]())
}

// parts yields the cluster itself, and what it is put together from.
func parts(cluster Cluster) iter.Seq[any] {
	return func(yield func(any) bool) {
		if !yield(cluster) {
			return
		}
		if composite, ok := cluster.(Composite); ok {
			slices.Values(composite.Parts())(yield)
		}
	}
}

// Explainer is offered by a cluster that says why it does not offer more: it could and
// may not, or its links do without, as a kubelet that runs no containers.
type Explainer interface {
	// WhyMissing returns why a capability is not offered, "" if it is, or if the
	// reason is not known.
	WhyMissing(capability string) string
}

// WhyMissing returns why the cluster does not offer a capability, as it or one of its
// parts says; "" where nothing is known.
func WhyMissing(cluster Cluster, capability string) string {
	for part := range parts(cluster) {
		if explainer, ok := part.(Explainer); ok {
			if why := explainer.WhyMissing(capability); why != "" {
				return why
			}
		}
	}
	return ""
}
