package implementation

import (
	"context"
	"net/http"
	"slices"

	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
)

// Hooks are what the suite puts into an implementation that runs in its process.
type Hooks struct {
	// Tap returns what the requests of a link, or of its process on one node, go through
	// on their way to next. Nil: nothing.
	Tap func(link chain.Link, next http.RoundTripper) http.RoundTripper
	// Call observes the calls of kubelets on their runtimes. Nil: they are not observed.
	Call CallObserver
}

// CallObserver is called with a CRI request of a node's kubelet before the runtime gets
// it, and what it returns with the response or the error.
type CallObserver func(node string, request any) (done func(response any, err error))

// Hookable is offered by an implementation that runs in the suite's process and takes
// hooks: that gives its clusters the capabilities "faults" and "cri".
type Hookable interface {
	Implementation
	// StartHooked is Start with hooks.
	StartHooked(ctx context.Context, hooks Hooks) (Cluster, error)
}

// Divisible is offered by an implementation that runs in the suite's process and can start
// any of its links for a cluster whose other links come from elsewhere.
type Divisible interface {
	Implementation
	// StartLinks starts the links of the share, and returns when they are at work: the
	// API server, if it is one of them, answers; nodes, if the kubelet is, are Ready.
	// What the cluster offers beyond its Config and Stop is about these links only.
	StartLinks(ctx context.Context, share Share, hooks Hooks) (Cluster, error)
}

// Share is what one implementation gives to a cluster.
type Share struct {
	// Links that are to be started, in the order of the chain.
	Links []chain.Link
	// API is how an administrator reaches the API server. Nil: the API server is
	// one of the links.
	API *rest.Config
	// Nodes is how many nodes there are from the start, named node-1 and so on,
	// where the kubelet is one of the links.
	Nodes int
}

// Has tells whether the share has the link.
func (s Share) Has(link chain.Link) bool { return slices.Contains(s.Links, link) }

// With returns the cluster with further offers, which count before its own.
func With(cluster Cluster, offers ...any) Cluster {
	return extended{cluster, offers}
}

type extended struct {
	Cluster
	offers []any
}

// Parts implements Composite.
func (e extended) Parts() []any {
	return slices.AppendSeq(slices.Clone(e.offers), parts(e.Cluster))
}
