package assembly

import (
	"context"
	"fmt"

	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/tap"
)

// Origin is where links of a cluster come from: the reference, real Kubernetes of
// some version, somebody's programs.
type Origin interface {
	// Describe names it for reports.
	Describe() implementation.Description
	// Start starts the links of a part, and returns when they are at work: the API
	// server, if it is one of them, answers; nodes, if the kubelet is, are
	// registered. What the cluster offers beyond its Config and Stop (links that
	// stop and start, nodes, a runtime, images, a store, …) is about these links
	// only.
	Start(ctx context.Context, part Part) (implementation.Cluster, error)
}

// Part is what one origin gives to a cluster.
type Part struct {
	// Links that are to be started, in the order of the chain. Those that
	// chain.AllLinks has and this does not are somebody else's, or
	// nobody's.
	Links []chain.Link
	// API is how an administrator reaches the API server. Nil: the API server is
	// one of the links, and the part's own Config reaches it.
	API *rest.Config
	// Taps that the links talk through: a client in this process through
	// Taps.Through, a program through Taps.Open. It may impersonate whom it is.
	Taps *tap.Taps
	// Nodes is how many nodes there are from the start, named node-1 and so on,
	// where the kubelet is one of the links.
	Nodes int
	// Logs is a directory for what programs print.
	Logs string
}

// Has tells whether the part has the link.
func (p Part) Has(link chain.Link) bool {
	for _, has := range p.Links {
		if has == link {
			return true
		}
	}
	return false
}

// LogsOf are patterns for the files of Part.Logs, and of the directories of further
// clusters below it, that what a link's programs print goes to, wherever they come from:
// what else is there is a user's.
func LogsOf(link chain.Link) (patterns []string) {
	names := []string{string(link) + ".log"}
	if link.PerNode() {
		names = append(names, string(link)+"-node-*.log", "nodes/*/*.log")
	}
	for _, name := range names {
		patterns = append(patterns, name, "cluster-*/"+name)
	}
	return patterns
}

// Lacking is the error for a link that an origin has not got.
func Lacking(origin string, link chain.Link) error {
	return fmt.Errorf("%s has no %s", origin, link)
}
