package conformance

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

// virtualClusters gives every example a cluster of its own in a testing/synctest bubble
// of its own.
type virtualClusters struct {
	implementation implementation.Virtual
	options        Options
}

func (v *virtualClusters) run(_ context.Context, t *testing.T, example *specification.Example) (e execution) {
	e = execution{example: example, facts: facts{notReached: "it ended without a verdict"}}
	v.implementation.Virtual(t, func(*testing.T) {
		// A context from outside of the bubble would tie its clock to the real one.
		ctx := context.Background()
		cluster, err := start(ctx, v.implementation)
		if err != nil {
			// Not wrapped: whatever it was, no link has had its chance.
			e = execution{example: example, facts: facts{err: fmt.Errorf("the cluster did not start: %v", err)}} //nolint:errorlint // see above
			return
		}
		e = execute(ctx, example, v.options, steps.Options{
			Cluster: cluster, Namespace: "podchain", Timeout: v.options.Timeout, Run: "virtual",
			// Links that never rest would keep the bubble's time from passing.
			NotConverging: func() { _ = cluster.Stop(ctx) }}, nil) // it is stopped again below
		err = stop(ctx, cluster)
		e.crashedAfter = crashed(cluster)
		if err = except(err, e.crashedAfter.err); err != nil {
			e.further = append(e.further, fmt.Errorf("the cluster did not end well: %w", err))
		}
	})
	return e
}

func (v *virtualClusters) exclusive(*specification.Example) bool { return false }

func (v *virtualClusters) spareClusters() int { return 0 }

func (v *virtualClusters) observationLag() history.Summary { return history.Summary{} }

func (v *virtualClusters) close() error { return nil }

// except returns what an error holds besides one that is known.
func except(err, known error) error {
	switch joined, ok := err.(interface{ Unwrap() []error }); {
	case err == nil || known != nil && err == known: //nolint:errorlint // this very one
		return nil
	case known == nil || !ok:
		return err
	default:
		var errs []error
		for _, part := range joined.Unwrap() {
			errs = append(errs, except(part, known))
		}
		return errors.Join(errs...)
	}
}
