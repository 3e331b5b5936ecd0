package link

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/conformance/implementation/crash"
)

// The times of an election, as those of Kubernetes' own components.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

var (
	// ErrNotLeading says that a process has lost its Lease.
	ErrNotLeading = errors.New("it leads no longer")
	// errHeld says that the Lease belongs to another process.
	errHeld = errors.New("another process holds the Lease")
)

// Lead waits until the process with that identity holds the Lease, which it creates if
// it does not exist, and then runs the work, whose context ends when the Lease is lost. It
// returns when the work has ended, with its error. The Lease stays as it is at the end:
// another process takes it over when it has run out.
func Lead(ctx context.Context, leases clients.Client[*coordinationv1.Lease, *coordinationv1.LeaseList], name, identity string,
	work func(context.Context) error,
) error {
	c := &candidate{leases: leases, name: name, identity: identity}
	for !c.try(ctx) {
		// Candidates that start together must not retry in step.
		if !wait(ctx, retryPeriod+rand.N(retryPeriod)) {
			return nil
		}
	}
	leading, stop := context.WithCancelCause(ctx)
	var renewing crash.Group
	defer renewing.Wait()
	defer stop(nil)
	renewing.Go(func() {
		c.renew(leading)
		stop(ErrNotLeading)
	})
	err := work(leading)
	if errors.Is(context.Cause(leading), ErrNotLeading) {
		return errors.Join(ErrNotLeading, err)
	}
	return err
}

// candidate is a process that leads or wants to.
type candidate struct {
	leases         clients.Client[*coordinationv1.Lease, *coordinationv1.LeaseList]
	name, identity string

	// held is the Lease as the candidate wrote it last; nil if it is not known to hold it.
	held *coordinationv1.Lease
	// renewed is when it asked for the last write that succeeded: the others may have seen
	// that write long before the reply came.
	renewed time.Time
	// seen is what the Lease said when it was last seen to change, and when that was by
	// the candidate's own clock: those of the others may differ.
	seen   coordinationv1.LeaseSpec
	seenAt time.Time
}

// try tells whether the candidate holds the Lease now.
func (c *candidate) try(ctx context.Context) bool {
	attempt, cancel := context.WithTimeout(ctx, renewDeadline)
	defer cancel()
	err := c.claim(attempt)
	if err != nil && ctx.Err() == nil {
		klog.FromContext(ctx).V(2).Info("The Lease is not ours", "lease", c.name, "identity", c.identity, "reason", err)
	}
	return err == nil
}

// renew keeps the Lease. It returns when ctx is done or the Lease is lost: to another
// process, or because no renewal succeeded for as long as the others may still rely on it.
func (c *candidate) renew(ctx context.Context) {
	for wait(ctx, retryPeriod) {
		attempt, cancel := context.WithDeadline(ctx, c.renewed.Add(renewDeadline))
		err := c.claim(attempt)
		cancel()
		if errors.Is(err, errHeld) || err != nil && time.Since(c.renewed) >= renewDeadline {
			klog.FromContext(ctx).Info("The Lease is lost", "lease", c.name, "identity", c.identity, "reason", err)
			return
		}
	}
}

// claim creates, takes over or renews the Lease. That fails while another process holds
// it, and when another process was faster. A Lease that is held is renewed without looking;
// where that fails, the Lease says what is the matter.
func (c *candidate) claim(ctx context.Context) error {
	now := metav1.NowMicro()
	if c.held != nil {
		lease := c.held.DeepCopy()
		lease.Spec.RenewTime = &now
		if write(ctx, c, lease, c.leases.Update, metav1.UpdateOptions{}) == nil {
			return nil
		}
	}
	lease, err := c.leases.Get(ctx, c.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: c.name, Namespace: c.leases.GetNamespace()}}
		c.take(&lease.Spec, now, 0)
		return write(ctx, c, lease, c.leases.Create, metav1.CreateOptions{})
	}
	if err != nil {
		return err
	}
	c.observe(lease)
	switch holder := ptr.Deref(lease.Spec.HolderIdentity, ""); {
	case holder == c.identity:
		lease.Spec.RenewTime = &now
	case holder == "", !now.Before(&metav1.MicroTime{Time: c.expires()}):
		c.take(&lease.Spec, now, ptr.Deref(lease.Spec.LeaseTransitions, 0)+1)
	default:
		c.held = nil
		return fmt.Errorf("%w: %s", errHeld, holder)
	}
	return write(ctx, c, lease, c.leases.Update, metav1.UpdateOptions{})
}

// write creates or updates the Lease, which the candidate holds if that succeeds.
func write[O any](ctx context.Context, c *candidate, lease *coordinationv1.Lease,
	do func(context.Context, *coordinationv1.Lease, O) (*coordinationv1.Lease, error), options O,
) (err error) {
	asked := time.Now()
	if lease, err = do(ctx, lease, options); err == nil {
		c.held, c.renewed = lease, asked
		c.observe(lease)
	}
	return err
}

func (c *candidate) take(spec *coordinationv1.LeaseSpec, now metav1.MicroTime, transitions int32) {
	spec.HolderIdentity = &c.identity
	spec.LeaseDurationSeconds = ptr.To(int32(leaseDuration.Seconds()))
	spec.AcquireTime, spec.RenewTime = &now, &now
	spec.LeaseTransitions = &transitions
}

// observe notes when the Lease was seen to change.
func (c *candidate) observe(lease *coordinationv1.Lease) {
	if !equality.Semantic.DeepEqual(lease.Spec, c.seen) {
		c.seen, c.seenAt = *lease.Spec.DeepCopy(), time.Now()
	}
}

// expires is when the Lease runs out unless it is renewed.
func (c *candidate) expires() time.Time {
	return c.seenAt.Add(time.Duration(ptr.Deref(c.seen.LeaseDurationSeconds, 0)) * time.Second)
}

// wait returns false when ctx is done first.
func wait(ctx context.Context, period time.Duration) bool {
	timer := time.NewTimer(period)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
