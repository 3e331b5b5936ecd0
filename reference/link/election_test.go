package link_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/reference/controller/controllertest"
	"github.com/podchain/podchain/reference/link"
)

// election is candidates for one Lease, and what became of them.
type election struct {
	*controllertest.World
	mu      sync.Mutex
	leading []string
	ended   map[string]error
	both    bool // there were two leaders at a time
}

func inElection(t *testing.T, test func(e *election)) {
	controllertest.InBubble(t, func(w *controllertest.World) {
		test(&election{World: w, ended: map[string]error{}})
	})
}

// enter starts a candidate. The returned function ends it, as a crash would.
func (e *election) enter(identity string, tap controllertest.Tap) (kill func()) {
	return e.Start(func(ctx context.Context, config *rest.Config) error {
		typed, err := clients.New(config)
		if err != nil {
			return err
		}
		err = link.Lead(ctx, typed.Leases("kube-system"), "scheduler", identity, func(ctx context.Context) error {
			e.mu.Lock()
			e.leading = append(e.leading, identity)
			e.both = e.both || len(e.leading) > 1
			e.mu.Unlock()
			<-ctx.Done()
			e.mu.Lock()
			e.leading = e.leading[1:]
			e.mu.Unlock()
			return nil
		})
		e.mu.Lock()
		defer e.mu.Unlock()
		e.ended[identity] = err
		return nil
	}, tap)
}

// leader returns who leads after some time.
func (e *election) leader(after time.Duration) string {
	time.Sleep(after)
	e.mu.Lock()
	defer e.mu.Unlock()
	assert.False(e, e.both, "two processes lead")
	if len(e.leading) == 0 {
		return ""
	}
	return e.leading[0]
}

func (e *election) lease() coordinationv1.LeaseSpec {
	lease, err := e.Leases("kube-system").Get(e.Context(), "scheduler", metav1.GetOptions{})
	require.NoError(e, err)
	return lease.Spec
}

func TestOneLeads(t *testing.T) {
	inElection(t, func(e *election) {
		e.enter("one", nil)
		assert.Equal(t, "one", e.leader(time.Millisecond))
		e.enter("two", nil)
		began := e.lease()
		assert.Equal(t, "one", e.leader(5*time.Minute))
		now := e.lease()
		assert.Equal(t, "one", *now.HolderIdentity)
		assert.EqualValues(t, 15, *now.LeaseDurationSeconds)
		assert.EqualValues(t, 0, *now.LeaseTransitions)
		assert.Equal(t, began.AcquireTime, now.AcquireTime)
		assert.LessOrEqual(t, time.Since(now.RenewTime.Time), 2*time.Second)
	})
}

// A leader that has crashed is waited for until its Lease has run out, and no longer.
func TestTakeover(t *testing.T) {
	inElection(t, func(e *election) {
		kill := e.enter("one", nil)
		assert.Equal(t, "one", e.leader(time.Minute+time.Second))
		e.enter("two", nil)
		time.Sleep(5 * time.Second)
		renewed := e.lease().RenewTime.Time
		kill()
		assert.Empty(t, e.leader(time.Until(renewed.Add(15*time.Second-time.Millisecond))))
		// It may see the last renewal four seconds late, and look again as late.
		assert.Equal(t, "two", e.leader(8*time.Second))
		now := e.lease()
		assert.Equal(t, "two", *now.HolderIdentity)
		assert.EqualValues(t, 1, *now.LeaseTransitions)
		assert.False(t, now.AcquireTime.Time.Before(renewed.Add(15*time.Second)))
	})
}

// A Lease without a holder is free.
func TestReleasedLease(t *testing.T) {
	inElection(t, func(e *election) {
		e.enter("one", nil)
		e.enter("two", nil)
		assert.NotEmpty(t, e.leader(time.Second))
		e.hold("")
		assert.NotEmpty(t, e.leader(5*time.Second))
		assert.EqualValues(t, 1, *e.lease().LeaseTransitions)
	})
}

// hold writes by hand who holds the Lease.
func (e *election) hold(identity string) {
	leases := e.Leases("kube-system")
	lease, err := leases.Get(e.Context(), "scheduler", metav1.GetOptions{})
	require.NoError(e, err)
	lease.Spec.HolderIdentity = &identity
	lease.Spec.RenewTime = ptr.To(metav1.NowMicro())
	_, err = leases.Update(e.Context(), lease, metav1.UpdateOptions{})
	require.NoError(e, err)
}

// A leader that sees another one in the Lease ends at once.
func TestLostToAnother(t *testing.T) {
	inElection(t, func(e *election) {
		e.enter("one", nil)
		assert.Equal(t, "one", e.leader(time.Second))
		e.hold("three")
		assert.Empty(t, e.leader(2*time.Second))
		assert.ErrorIs(t, e.ended["one"], link.ErrNotLeading)
	})
}

// A Lease that was deleted is made anew.
func TestDeletedLease(t *testing.T) {
	inElection(t, func(e *election) {
		e.enter("one", nil)
		assert.Equal(t, "one", e.leader(time.Second))
		require.NoError(t, e.Leases("kube-system").Delete(e.Context(), "scheduler", metav1.DeleteOptions{}))
		assert.Equal(t, "one", e.leader(3*time.Second))
		assert.Equal(t, "one", *e.lease().HolderIdentity)
	})
}

// What keeps a leader from renewing for a while is tried again; what keeps it from
// renewing for too long ends it before another may lead.
func TestRenewal(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		failures int32
		leads    bool
	}{
		"a request is lost": {1, true},
		"six are lost":      {6, true},
		"none gets through": {1 << 30, false},
		"eight are lost":    {8, false},
	} {
		t.Run(name, func(t *testing.T) {
			inElection(t, func(e *election) {
				var failures atomic.Int32
				e.enter("one", func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
					if r.Method == http.MethodPut && failures.Add(-1) >= 0 {
						return nil, broken
					}
					return next.RoundTrip(r)
				})
				assert.Equal(t, "one", e.leader(time.Second))
				e.enter("two", nil)
				failures.Store(test.failures)
				if test.leads {
					assert.Equal(t, "one", e.leader(time.Minute))
					return
				}
				assert.Empty(t, e.leader(11*time.Second), "it leads too long")
				assert.ErrorIs(t, e.ended["one"], link.ErrNotLeading)
				assert.Equal(t, "two", e.leader(10*time.Second))
			})
		})
	}
}

// A renewal counts from when it was asked for: the others may have seen it then.
func TestLateReply(t *testing.T) {
	inElection(t, func(e *election) {
		var asked atomic.Int64
		asked.Store(-1)
		e.enter("one", func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.Method != http.MethodPut || asked.Load() < 0 {
				return next.RoundTrip(r)
			}
			if asked.Add(1) > 1 {
				return nil, errors.New("broken")
			}
			defer time.Sleep(9 * time.Second)
			return next.RoundTrip(r)
		})
		assert.Equal(t, "one", e.leader(time.Second))
		asked.Store(0) // it renews in a second
		assert.Equal(t, "one", e.leader(9*time.Second))
		assert.Empty(t, e.leader(4*time.Second))
		assert.ErrorIs(t, e.ended["one"], link.ErrNotLeading)
	})
}

// Nor does a candidate lead with a Lease that has run out by the time of the reply.
func TestLateLease(t *testing.T) {
	inElection(t, func(e *election) {
		e.enter("one", func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			response, err := next.RoundTrip(r)
			if r.Method == http.MethodPost {
				select {
				case <-time.After(time.Minute):
				case <-r.Context().Done():
					return nil, r.Context().Err()
				}
			}
			return response, err
		})
		time.Sleep(time.Second)
		e.enter("two", nil)
		assert.Empty(t, e.leader(8*time.Second))
		assert.NotEmpty(t, e.leader(2*time.Minute))
	})
}

// Of two that see a Lease run out at the same time, one gets it: the other's write
// conflicts.
func TestConflict(t *testing.T) {
	inElection(t, func(e *election) {
		kill := e.enter("one", nil)
		assert.Equal(t, "one", e.leader(time.Second))
		kill()
		// The third takes the Lease over between the second's read and its write.
		e.enter("two", func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.Method == http.MethodPut {
				e.hold("three")
			}
			return next.RoundTrip(r)
		})
		assert.Empty(t, e.leader(30*time.Second))
		assert.Equal(t, "three", *e.lease().HolderIdentity)
	})
}

// An error of the work is the election's.
func TestWorkFails(t *testing.T) {
	controllertest.InBubble(t, func(w *controllertest.World) {
		failure := errors.New("it cannot work")
		ended := make(chan error, 1)
		w.Start(func(ctx context.Context, config *rest.Config) error {
			typed, err := clients.New(config)
			require.NoError(t, err)
			ended <- link.Lead(ctx, typed.Leases("kube-system"), "scheduler", "one", func(context.Context) error { return failure })
			return nil
		}, nil)
		assert.Equal(t, failure, <-ended)
	})
}
