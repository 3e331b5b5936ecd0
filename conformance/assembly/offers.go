package assembly

import (
	"context"
	"fmt"
	"slices"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

var (
	_ implementation.Composite     = (*cluster)(nil)
	_ implementation.CrashReporter = (*cluster)(nil)
	_ implementation.Explainer     = (*cluster)(nil)
	_ implementation.Versioned     = (*cluster)(nil)
	_ implementation.Faults        = (*cluster)(nil)
)

// Parts implements implementation.Composite: what is about a link is offered if
// who the link is of offers it.
func (c *cluster) Parts() []any {
	var parts []any
	if every[implementation.Links](c, chain.AllLinks) {
		parts = append(parts, links{c})
	}
	if every[implementation.Replicas](c, elected()) {
		parts = append(parts, replicas{c})
	}
	if store, ok := owned[implementation.Compactor](c, chain.APIServer); ok {
		parts = append(parts, struct{ implementation.Compactor }{store})
	}
	if store, ok := owned[implementation.Store](c, chain.APIServer); ok {
		parts = append(parts, struct{ implementation.Store }{store})
	}
	if outage, ok := owned[implementation.Outage](c, chain.APIServer); ok {
		parts = append(parts, struct{ implementation.Outage }{outage})
	}
	if offered, ok := owned[implementation.Nodes](c, chain.Kubelet); ok {
		parts = append(parts, nodes{offered, c})
	}
	if kubelets, ok := owned[implementation.Kubelets](c, chain.Kubelet); ok {
		parts = append(parts, struct{ implementation.Kubelets }{kubelets})
	}
	if runtime, ok := owned[implementation.Runtime](c, chain.Kubelet); ok {
		parts = append(parts, struct{ implementation.Runtime }{runtime})
	}
	if images, ok := owned[implementation.Images](c, chain.Kubelet); ok {
		parts = append(parts, struct{ implementation.Images }{images})
	}
	return parts
}

// elected are the links of which one leads where there are several.
func elected() []chain.Link {
	return slices.DeleteFunc(slices.Clone(chain.AllLinks), func(link chain.Link) bool {
		return !link.Elected()
	})
}

// owned returns what the owner of a link offers.
func owned[T any](c *cluster, link chain.Link) (offered T, ok bool) {
	owner := c.owners[link]
	if owner == nil {
		return offered, false
	}
	return implementation.As[T](owner)
}

// every tells whether the owners of all links offer something; those that are left
// out do not matter.
func every[T any](c *cluster, all []chain.Link) bool {
	return !slices.ContainsFunc(all, func(link chain.Link) bool {
		_, ok := owned[T](c, link)
		return c.owners[link] != nil && !ok
	})
}

// Crashed implements implementation.CrashReporter.
func (c *cluster) Crashed() (first chain.Link, crash error) {
	for _, member := range c.members {
		crashing, ok := implementation.As[implementation.CrashReporter](member)
		if !ok {
			continue
		}
		if link, err := crashing.Crashed(); err != nil && (crash == nil || before(link, first)) {
			first, crash = link, err
		}
	}
	return first, crash
}

func before(a, b chain.Link) bool { return a.Position() < b.Position() }

// WhyMissing implements implementation.Explainer: the owner of the link that a
// capability is about knows.
func (c *cluster) WhyMissing(capability string) string {
	if owner := c.owners[implementation.CapabilityOf(capability).Link]; owner != nil {
		return implementation.WhyMissing(owner, capability)
	}
	return ""
}

// Version implements implementation.Versioned: each owner knows of its links.
func (c *cluster) Version(link chain.Link) string {
	if owner, ok := owned[implementation.Versioned](c, link); ok {
		return owner.Version(link)
	}
	return ""
}

// absent is the error for a link that was left out.
func absent(link chain.Link) error {
	return fmt.Errorf("the cluster has no %s: it was assembled without", link)
}

// links has each link started and stopped by its owner.
type links struct{ c *cluster }

// StopLink implements implementation.Links. A link that has been left out is
// stopped.
func (l links) StopLink(ctx context.Context, link chain.Link) error {
	owner, ok := owned[implementation.Links](l.c, link)
	if !ok {
		return nil
	}
	l.c.stopped.Store(link, true)
	if err := owner.StopLink(ctx, link); err != nil {
		return err
	}
	return l.c.taps.Idle(ctx, link)
}

// StartLink implements implementation.Links.
func (l links) StartLink(ctx context.Context, link chain.Link) error {
	owner, ok := owned[implementation.Links](l.c, link)
	if !ok {
		return absent(link)
	}
	l.c.stopped.Delete(link)
	return owner.StartLink(ctx, link)
}

// runs tells whether the cluster has the link, and it has not been stopped.
func (c *cluster) runs(link chain.Link) bool {
	_, stopped := c.stopped.Load(link)
	return c.owners[link] != nil && !stopped
}

// replicas has each link's processes counted by its owner.
type replicas struct{ c *cluster }

// StartReplica implements implementation.Replicas.
func (r replicas) StartReplica(ctx context.Context, link chain.Link) error {
	return r.of(link, func(owner implementation.Replicas) error { return owner.StartReplica(ctx, link) })
}

// KillLeader implements implementation.Replicas. It does not wait for the taps to
// be idle: what the other process of the link writes goes on.
func (r replicas) KillLeader(ctx context.Context, link chain.Link) error {
	return r.of(link, func(owner implementation.Replicas) error { return owner.KillLeader(ctx, link) })
}

// StopReplicas implements implementation.Replicas.
func (r replicas) StopReplicas(ctx context.Context, link chain.Link) error {
	return r.of(link, func(owner implementation.Replicas) error { return owner.StopReplicas(ctx, link) })
}

func (r replicas) of(link chain.Link, do func(implementation.Replicas) error) error {
	owner, ok := owned[implementation.Replicas](r.c, link)
	if !ok {
		return absent(link)
	}
	return do(owner)
}
