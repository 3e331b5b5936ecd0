// Package hooks starts implementations that run in this process with the suite's hooks:
// taps between links and API server, and a journal of what kubelets ask of their runtimes.
package hooks

import (
	"context"

	"github.com/podchain/podchain/conformance/crijournal"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/tap"
)

// Start starts a cluster, with hooks where the implementation takes them: the cluster
// then offers what they make of it.
func Start(ctx context.Context, starting implementation.Implementation) (implementation.Cluster, error) {
	hookable, ok := starting.(implementation.Hookable)
	if !ok {
		return starting.Start(ctx)
	}
	taps, journal := tap.New(), crijournal.New()
	cluster, err := hookable.StartHooked(ctx, implementation.Hooks{Tap: taps.Through, Call: journal.Record})
	if err != nil {
		return nil, err
	}
	return implementation.With(cluster, taps, journal), nil
}
