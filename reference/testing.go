package reference

import (
	"context"
	"testing"
	"time"
)

// startTimeout is far more than a start takes; a cluster that is not up by then
// never will be.
const startTimeout = time.Minute

// StartForTest starts a cluster for a test, in real time or, within a bubble of
// testing/synctest, in virtual time. It returns when all nodes are Ready, and
// stops the cluster when the test ends. In a bubble a test has to be done with
// its clients by then, as it has to be done with everything else.
func StartForTest(t testing.TB, options Options) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	cluster, err := Start(ctx, options)
	if err != nil {
		t.Fatalf("start the reference: %v", err)
	}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		if err := cluster.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("stop the reference: %v", err)
		}
	})
	if err := cluster.WaitReady(ctx); err != nil {
		t.Fatalf("start the reference: %v", err)
	}
	return cluster
}
