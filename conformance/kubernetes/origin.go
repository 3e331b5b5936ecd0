package kubernetes

import (
	"context"

	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/reference"
)

// Origin gives links of real Kubernetes to clusters that others give links to
// as well.
type Origin struct{ options Options }

var _ assembly.Origin = (*Origin)(nil)

// NewOrigin returns an origin that builds what it needs when it is started. The number
// of nodes and the directory of the logs are set for each part.
func NewOrigin(options Options) *Origin { return &Origin{options.withDefaults()} }

// ReferenceOnContainerd returns an origin whose nodes have containerd and, for a
// kubelet, the reference's. It has no other link. The program is podchain, or one
// that has its commands.
func ReferenceOnContainerd(program string, options Options) *Origin {
	options.Kubelet = program
	return NewOrigin(options)
}

// Describe implements assembly.Origin.
func (o *Origin) Describe() chain.Description {
	if o.options.Kubelet != "" {
		return chain.Description{Name: "reference+containerd", Version: reference.Version}
	}
	return New(o.options).Describe()
}

// Start implements assembly.Origin.
func (o *Origin) Start(ctx context.Context, part assembly.Part) (implementation.Cluster, error) {
	for _, link := range part.Links {
		if o.options.Kubelet != "" && link != chain.Kubelet {
			return nil, assembly.Lacking(o.Describe().Name, link)
		}
	}
	c, err := launch(ctx, o.options, part)
	if err != nil {
		return nil, err
	}
	return share{c}, nil
}

// share is a Cluster that offers no more than its own links allow.
type share struct{ cluster *Cluster }

var _ implementation.Composite = share{}

// Config implements implementation.Cluster.
func (s share) Config() *rest.Config { return s.cluster.Config() }

// Stop implements implementation.Cluster.
func (s share) Stop(ctx context.Context) error { return s.cluster.Stop(ctx) }

// Parts implements implementation.Composite.
func (s share) Parts() []any {
	c := s.cluster
	parts := []any{struct {
		implementation.Links
		implementation.Replicas
		implementation.CrashReporter
		implementation.Versioned
	}{c, c, c, c}}
	if c.part.Has(chain.APIServer) {
		parts = append(parts, struct {
			implementation.Compactor
			implementation.Store
			implementation.Outage
		}{c, c, c})
	}
	if c.part.Has(chain.Kubelet) {
		parts = append(parts, struct {
			implementation.Nodes
			implementation.Kubelets
			implementation.Runtime
			implementation.Images
		}{c, c, c, c})
	}
	return parts
}
