package reference

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/reference/link"
)

// replicas are the processes of a link that runs twice.
type replicas struct {
	running []*runningLink
	// leaders yields each when it begins to lead.
	leaders chan *runningLink
}

// StartReplica implements implementation.Replicas: the link's process makes way for
// two, and it returns when one of them leads.
func (c *Cluster) StartReplica(ctx context.Context, link chain.Link) error {
	c.control.Lock()
	defer c.control.Unlock()
	switch {
	case programs[link] == nil:
		return fmt.Errorf("the reference has no %s that could run twice", link)
	case c.replicas[link] != nil:
		return fmt.Errorf("the %s runs twice already", link)
	}
	if running := c.links[link]; running != nil {
		delete(c.links, link)
		if err := c.end(ctx, running); err != nil {
			return err
		}
	}
	pair := &replicas{leaders: make(chan *runningLink, 2)}
	c.replicas[link] = pair
	for number := range 2 {
		var self *runningLink
		ready := make(chan struct{})
		self = c.run(link, string(link), elected(link, fmt.Sprintf("%s-%d", link, number+1), programs[link], func() {
			<-ready
			pair.leaders <- self
		}))
		close(ready)
		pair.running = append(pair.running, self)
	}
	c.links[link] = pair.running[0]
	leader, err := pair.leader(ctx)
	if err == nil {
		pair.leaders <- leader
	}
	return err
}

// KillLeader implements implementation.Replicas. The Lease stays as it is: the other
// process has to wait until it has run out.
func (c *Cluster) KillLeader(ctx context.Context, link chain.Link) error {
	c.control.Lock()
	defer c.control.Unlock()
	pair := c.replicas[link]
	if pair == nil {
		return fmt.Errorf("the %s runs once: there is no leader", link)
	}
	leader, err := pair.leader(ctx)
	if err != nil {
		return err
	}
	for i, running := range pair.running {
		if running == leader {
			pair.running = append(pair.running[:i:i], pair.running[i+1:]...)
		}
	}
	if len(pair.running) > 0 {
		c.links[link] = pair.running[0]
	}
	return c.end(ctx, leader)
}

// StopReplicas implements implementation.Replicas: one process is left, which
// needs no Lease.
func (c *Cluster) StopReplicas(ctx context.Context, link chain.Link) error {
	c.control.Lock()
	pair := c.replicas[link]
	c.control.Unlock()
	if pair == nil {
		return nil
	}
	return errors.Join(c.StopLink(ctx, link), c.StartLink(ctx, link))
}

// leader waits until one of the processes leads.
func (r *replicas) leader(ctx context.Context) (*runningLink, error) {
	select {
	case leader := <-r.leaders:
		return leader, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("none of the processes leads: %w", ctx.Err())
	}
}

// endReplicas stops the processes of a link that runs twice. The caller holds
// control.
func (c *Cluster) endReplicas(ctx context.Context, pair *replicas) error {
	var errs []error
	for _, running := range pair.running {
		errs = append(errs, c.end(ctx, running))
	}
	return errors.Join(errs...)
}

// elected returns a program that runs another as long as it holds the link's Lease,
// and tells when it does. It keeps the Lease at its end, as a process does that crashes.
func elected(name chain.Link, identity string, run func(context.Context, *rest.Config) error, leads func()) func(context.Context, *rest.Config) error {
	return func(ctx context.Context, config *rest.Config) error {
		made, err := clients.New(config)
		if err != nil {
			return err
		}
		return link.Lead(ctx, made.Leases(metav1.NamespaceSystem), string(name), identity, func(leading context.Context) error {
			leads()
			return run(leading, config)
		})
	}
}
