package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"

	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/chain"
)

// electionTimeout is how long an election with one candidate may take.
const electionTimeout = time.Minute

// StartReplica implements implementation.Replicas. The two take part in the election
// of the program that they are, which no other process of it does here.
func (c *Cluster) StartReplica(ctx context.Context, link chain.Link) error {
	c.control.Lock()
	defer c.control.Unlock()
	switch {
	case !c.part.Has(link):
		return assembly.Lacking("this part of Kubernetes", link)
	case link == chain.APIServer || link == chain.Kubelet:
		return fmt.Errorf("the %s elects no leader", link)
	case c.waiting[link] != nil:
		return fmt.Errorf("the %s runs twice already", link)
	}
	leases, lease, err := c.election(link)
	if err != nil {
		return err
	}
	if err := errors.Join(c.links[link].stop(ctx), c.part.Taps.Idle(ctx, link)); err != nil {
		return err
	}
	delete(c.links, link)
	// What an earlier election has left would have to run out first.
	if err := leases.Delete(ctx, lease, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	leader, _, err := c.spawnLink(link, "--leader-elect=true")
	if err != nil {
		return err
	}
	c.links[link] = leader
	ctx, cancel := context.WithTimeout(ctx, electionTimeout)
	defer cancel()
	if err := await(ctx, lease, leases.Watch, func(lease *coordinationv1.Lease) bool { return holder(lease) != "" }); err != nil {
		return fmt.Errorf("%s: waited %s for it to lead: %w; %s", leader.name, electionTimeout, err, leader.log.Last())
	}
	waiting, asked, err := c.spawnLink(link, "--leader-elect=true")
	if err != nil {
		return err
	}
	c.waiting[link] = waiting
	return waiting.begins(ctx, asked)
}

// KillLeader implements implementation.Replicas: the first of the two leads, since
// the other one has come when it did, and leads no more without ending by itself.
func (c *Cluster) KillLeader(ctx context.Context, link chain.Link) error {
	c.control.Lock()
	defer c.control.Unlock()
	leader, waiting := c.links[link], c.waiting[link]
	if waiting == nil {
		return fmt.Errorf("the %s runs once: there is no leader", link)
	}
	if err := errors.Join(leader.crash(), waiting.crash()); err != nil {
		return err
	}
	c.links[link] = waiting
	delete(c.waiting, link)
	return errors.Join(leader.kill(), c.part.Taps.Idle(ctx, link))
}

// StopReplicas implements implementation.Replicas: one process is left, without leader
// election.
func (c *Cluster) StopReplicas(ctx context.Context, link chain.Link) error {
	return errors.Join(c.StopLink(ctx, link), c.StartLink(ctx, link))
}

// election returns where the link's program keeps the Lease by which it elects.
func (c *Cluster) election(link chain.Link) (leases coordination.LeaseInterface, name string, err error) {
	client, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return nil, "", err
	}
	name = controllerManager
	if link == chain.Scheduler {
		name = scheduler
	}
	return client.CoordinationV1().Leases(metav1.NamespaceSystem), name, nil
}

// holder returns the holder of a Lease, "" if it is not held.
func holder(lease *coordinationv1.Lease) string {
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}
