package steps

import (
	"context"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

// runTwice has a link run in two processes for the rest of the scenario, one of
// which leads (capability "replicas").
func (w *World) runTwice(ctx context.Context, name string) error {
	replicas, link, err := w.replicas(name)
	if err != nil {
		return err
	}
	w.stimulus()
	w.cleanup = append(w.cleanup, func(ctx context.Context) error { return replicas.StopReplicas(ctx, link) })
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	return replicas.StartReplica(ctx, link)
}

func (w *World) killLeader(ctx context.Context, name string) error {
	replicas, link, err := w.replicas(name)
	if err != nil {
		return err
	}
	w.stimulus()
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	return replicas.KillLeader(ctx, link)
}

func (w *World) replicas(name string) (implementation.Replicas, chain.Link, error) {
	link, err := chain.ParseLink(name)
	if err != nil {
		return nil, "", CouldNotRun{err}
	}
	replicas, err := implementation.Need[implementation.Replicas](w.Cluster)
	if err != nil {
		return nil, "", CouldNotRun{err}
	}
	return replicas, link, nil
}
