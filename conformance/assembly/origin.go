package assembly

import (
	"context"
	"fmt"
	"net/http"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/crijournal"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/tap"
)

// Origin is where links of a cluster come from: the reference, real Kubernetes of
// some version, somebody's programs.
type Origin interface {
	// Describe names it for reports.
	Describe() chain.Description
	// Start starts the links of a part, and returns when they are at work: the API
	// server, if it is one of them, answers; nodes, if the kubelet is, are
	// registered. What the cluster offers beyond its Config and Stop (links that
	// stop and start, nodes, a runtime, images, a store, …) is about these links
	// only.
	Start(ctx context.Context, part Part) (implementation.Cluster, error)
}

// Part is what one origin gives to a cluster.
type Part struct {
	implementation.Share
	// Taps that the links talk through: a client in this process through
	// Taps.Through, a program through Taps.OpenProxy. It may impersonate whom it is.
	Taps *tap.Taps
	// Logs is a directory for what programs print.
	Logs string
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

// InProcess returns the origin of links that an implementation runs in this process.
func InProcess(from implementation.Divisible) Origin { return &inProcess{from} }

type inProcess struct{ from implementation.Divisible }

// Describe implements Origin.
func (i *inProcess) Describe() chain.Description { return i.from.Describe() }

// Start implements Origin.
func (i *inProcess) Start(ctx context.Context, part Part) (implementation.Cluster, error) {
	journal := crijournal.New()
	cluster, err := i.from.StartLinks(ctx, part.Share, implementation.Hooks{
		Tap: func(link chain.Link, next http.RoundTripper) http.RoundTripper {
			return part.Taps.Through(link, part.Taps.TrackInFlight(link, next))
		},
		Call: journal.Record,
	})
	if err != nil {
		return nil, err
	}
	return implementation.With(cluster, journal), nil
}

// Lacking is the error for a link that an origin has not got.
func Lacking(origin string, link chain.Link) error {
	return fmt.Errorf("%s has no %s", origin, link)
}
