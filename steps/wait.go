package steps

import (
	"context"
	"fmt"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
)

// How a step waits. None polls the API server: the history tells when something
// was recorded.
//
//	await          until the record is as it has to be: for what has to happen
//	settle         until the cluster is at rest: for what must not have happened
//	awaitListed    until the record has what the API server lists of a kind: before
//	               two kinds are compared, each of which has its own watch
//	awaitRecorded  until the record has what the links have done so far
//	AwaitRest      as settle, and for five seconds at most: before evidence is taken
//	pass           until that many seconds have passed: for a requirement about time

// await asks the history until holds returns nil or the timeout of the run is over.
func (w *World) await(ctx context.Context, what string, holds func(history.Record) error) error {
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	return w.History.Await(ctx, what, holds)
}

// settle returns when the cluster is at rest, as far as the scenario sees:
// nothing in its namespace was written for a while since it has done something. Every
// observation that something did not happen is made then.
func (w *World) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	if settler, ok := implementation.As[implementation.Settler](w.Cluster); ok {
		if err := settler.Settle(ctx); err != nil {
			return err
		}
	}
	return w.History.Quiet(ctx, calm, w.acted, ofInterest)
}

// calm is how long nothing may be written for a cluster to count as at rest.
const calm = time.Second

// awaitListed returns when the watch of a kind has brought what the API server holds of
// it by now, on a cluster that cannot tell when it is at rest.
func (w *World) awaitListed(ctx context.Context, kind string) error {
	if _, ok := implementation.As[implementation.Settler](w.Cluster); ok {
		return nil
	}
	list, err := w.client.Resource(chain.KindOf(kind).GroupVersionResource).Namespace(w.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("cannot list %ss: %w", kind, err)
	}
	return w.await(ctx, "the watch of "+kind+"s to catch up", func(record history.Record) error {
		for i := range list.Items {
			if listed := &list.Items[i]; !record.Has(listed) {
				return fmt.Errorf("%s %q of resourceVersion %s has not arrived", kind, listed.GetName(), listed.GetResourceVersion())
			}
		}
		return nil
	})
}

// awaitRecorded returns when everything that the links have done so far is recorded.
func (w *World) awaitRecorded(ctx context.Context) error {
	if settler, ok := implementation.As[implementation.Settler](w.Cluster); ok {
		return settler.Settle(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	return w.History.Quiet(ctx, lag, time.Now(), ofInterest)
}

// lag is more than the watches of one cluster differ in what they have brought.
const lag = 50 * time.Millisecond

// AwaitRest returns when the cluster is at rest, or has been given the time for
// it: a cluster that never comes to rest can be looked at too.
func (w *World) AwaitRest(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, restTimeout)
	defer cancel()
	if w.endRecord != nil {
		_ = w.settle(ctx) // there is nothing to do about it
	}
}

// restTimeout ends the wait before evidence is taken.
const restTimeout = 5 * time.Second

// ofInterest leaves out what is written all the time.
func ofInterest(version history.Version) bool {
	switch version.Object.GetKind() {
	case "Event", "Lease", "Node":
		return false
	}
	return true
}

// pass lets time pass, where a requirement is about time: until the given number of
// seconds after from.
func (w *World) pass(ctx context.Context, from time.Time, seconds string) error {
	number, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		return CouldNotRun{err}
	}
	timer := time.NewTimer(time.Until(from.Add(time.Duration(number * float64(time.Second)))))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
