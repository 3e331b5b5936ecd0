package reference

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/reference/runtime"
)

// Origin gives links of the reference to clusters that others give links to as
// well.
type Origin struct{ options Options }

var _ assembly.Origin = (*Origin)(nil)

// NewOrigin returns an origin whose links have the given options. Which of them
// there are, on which API server and with how many nodes is said by each part.
func NewOrigin(options Options) *Origin { return &Origin{options} }

// Describe implements assembly.Origin.
func (o *Origin) Describe() chain.Description { return o.options.describe() }

// Start implements assembly.Origin.
func (o *Origin) Start(ctx context.Context, part assembly.Part) (implementation.Cluster, error) {
	for _, link := range part.Links {
		if !Has(link) {
			return nil, assembly.Lacking("the reference", link)
		}
	}
	options := o.options.through(func(link chain.Link, next http.RoundTripper) http.RoundTripper {
		return part.Taps.Through(link, part.Taps.Finish(link, next))
	})
	options.API, options.Shared = part.API, true
	options.Without = slices.DeleteFunc(slices.Clone(chain.AllLinks), part.Has)
	options.Nodes = -1
	if part.Has(chain.Kubelet) && part.Nodes > 0 {
		options.Nodes = part.Nodes
	}
	cluster, err := start(ctx, options, runtime.NewJournal())
	if err != nil {
		return nil, err
	}
	if err := cluster.WaitReady(ctx); err != nil {
		return nil, errors.Join(err, cluster.Stop(context.WithoutCancel(ctx)))
	}
	return journaledCluster{cluster}, nil
}
