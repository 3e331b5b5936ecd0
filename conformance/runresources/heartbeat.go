package runresources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/conformance/implementation/clients"
)

const (
	// lease is the name of the Lease in the namespace of a run.
	lease = "run"
	// Timeout is how long a run may go without a heartbeat and still count as
	// running.
	Timeout = 15 * time.Second
	// pace is the time between two heartbeats.
	pace = 3 * time.Second
)

// ErrRemoved says that the namespace of a run was deleted while it was running.
var ErrRemoved = errors.New("the namespace of the run was deleted while it was running")

// Heartbeat renews the Lease of a run while it is running.
type Heartbeat struct {
	client *clients.Clients
	run    string
	cancel context.CancelFunc
	done   sync.WaitGroup
	lost   context.Context
}

// Begin creates the namespace of a run and its Lease there, renewed until End. What
// it has made when it fails is gone again. Once begun it is not interrupted: a
// request that is broken off may have made something all the same.
func Begin(ctx context.Context, client *clients.Clients, run string) (*Heartbeat, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Timeout)
	defer cancel()
	labels := map[string]string{RunLabel: run}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: RunNamespace(run), Labels: labels}}
	if _, err := client.Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return nil, fmt.Errorf("cannot create the run's namespace: %w", err)
	}
	l := &Heartbeat{client: client, run: run}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	sign := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: lease, Namespace: RunNamespace(run), Labels: labels},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity:       ptr.To(fmt.Sprintf("podchain verify, process %d on %s", os.Getpid(), host)),
			LeaseDurationSeconds: ptr.To(int32(Timeout / time.Second)),
			AcquireTime:          ptr.To(metav1.NowMicro()), RenewTime: ptr.To(metav1.NowMicro()),
		},
	}
	if _, err := client.Leases(RunNamespace(run)).Create(ctx, sign, metav1.CreateOptions{}); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot create the Lease of the run: %w", err), l.removeNamespace(context.WithoutCancel(ctx)))
	}
	var renewing context.Context
	renewing, l.cancel = context.WithCancel(context.Background())
	lost, lose := context.WithCancelCause(context.Background())
	l.lost = lost
	l.done.Go(func() { l.renew(renewing, lose) })
	return l, nil
}

// Lost is done, with ErrRemoved as its cause, when the namespace of the
// run was deleted: what the run has made goes, or has gone, with it.
func (l *Heartbeat) Lost() context.Context { return l.lost }

func (l *Heartbeat) renew(ctx context.Context, lose context.CancelCauseFunc) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		// An API server that is away or busy is no reason to give up: there is
		// another chance after the pace.
		if err := l.sign(ctx); apierrors.IsNotFound(err) {
			lose(ErrRemoved)
			return
		}
	}
}

func (l *Heartbeat) sign(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pace)
	defer cancel()
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"renewTime": metav1.NowMicro()}})
	if err != nil {
		return err
	}
	_, err = l.client.Leases(RunNamespace(l.run)).Patch(ctx, lease, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// End ends the heartbeat, and returns ErrRemoved if the namespace was gone before.
func (l *Heartbeat) End() error {
	l.cancel()
	l.done.Wait()
	return context.Cause(l.lost)
}

func (l *Heartbeat) removeNamespace(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	err := l.client.Namespaces().Delete(ctx, RunNamespace(l.run), metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
