package queue

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

func pod(name string, priority int32) *v1.Pod {
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)},
		Spec:       v1.PodSpec{Priority: ptr.To(priority)},
	}
}

// pop takes the next Pod and says how long that took.
func pop(t *testing.T, q *Queue) (*Entry, time.Duration) {
	t.Helper()
	start := time.Now()
	entry, ok := q.Pop(t.Context())
	require.True(t, ok)
	return entry, time.Since(start)
}

// empty asserts that nothing is ready for that long.
func empty(t *testing.T, q *Queue, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	entry, ok := q.Pop(ctx)
	assert.False(t, ok, "got %v", entry)
}

func bubble(name string, t *testing.T, f func(*testing.T, *Queue)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { f(t, New()) }) })
}

func TestOrder(t *testing.T) {
	bubble("priority, then age, then arrival", t, func(t *testing.T, q *Queue) {
		older := pod("older", 1)
		older.CreationTimestamp = metav1.NewTime(time.Now().Add(-time.Hour))
		younger := pod("younger", 1)
		younger.CreationTimestamp = metav1.Now()
		for _, p := range []*v1.Pod{pod("first", 0), pod("second", 0), younger, older, pod("high", 2)} {
			q.Set(p, false)
		}
		for _, want := range []string{"high", "older", "younger", "first", "second"} {
			entry, _ := pop(t, q)
			assert.Equal(t, want, entry.Pod.Name)
		}
	})
	bubble("who fits nowhere holds nobody up", t, func(t *testing.T, q *Queue) {
		q.Set(pod("stuck", 9), false)
		stuck, _ := pop(t, q)
		q.Unschedulable(stuck, cluster.NodeAdded)
		q.Set(pod("other", 0), false)
		entry, _ := pop(t, q)
		assert.Equal(t, "other", entry.Pod.Name)
	})
}

func TestRetry(t *testing.T) {
	bubble("the awaited change wakes at once", t, func(t *testing.T, q *Queue) {
		q.Set(pod("p", 0), false)
		entry, _ := pop(t, q)
		q.Unschedulable(entry, cluster.NodeAdded|cluster.NodeTaints)
		q.Notify(cluster.PodRemoved)
		empty(t, q, time.Minute)
		q.Notify(cluster.NodeTaints)
		_, took := pop(t, q)
		assert.Zero(t, took)
	})
	bubble("a change during the try is not lost", t, func(t *testing.T, q *Queue) {
		q.Set(pod("p", 0), false)
		entry, _ := pop(t, q)
		q.Notify(cluster.NodeAdded)
		q.Unschedulable(entry, cluster.NodeAdded)
		_, took := pop(t, q)
		assert.Zero(t, took)
	})
	bubble("useless retries back off from 1 s to 10 s", t, func(t *testing.T, q *Queue) {
		q.Set(pod("p", 0), false)
		for _, want := range []time.Duration{0, 0, 1, 2, 4, 8, 10, 10} {
			entry, took := pop(t, q)
			assert.Equal(t, want*time.Second, took)
			q.Unschedulable(entry, cluster.NodeAdded)
			q.Notify(cluster.NodeAdded)
		}
	})
	bubble("errors back off from the first", t, func(t *testing.T, q *Queue) {
		q.Set(pod("p", 0), false)
		entry, _ := pop(t, q)
		q.Failed(entry)
		_, took := pop(t, q)
		assert.Equal(t, time.Second, took)
	})
	bubble("a changed Pod is tried again", t, func(t *testing.T, q *Queue) {
		q.Set(pod("p", 0), false)
		entry, _ := pop(t, q)
		q.Unschedulable(entry, cluster.NodeAdded)
		q.Set(pod("p", 0), false)
		empty(t, q, time.Minute)
		q.Set(pod("p", 7), true)
		entry, took := pop(t, q)
		assert.Zero(t, took)
		assert.EqualValues(t, 7, *entry.Pod.Spec.Priority)
	})
	bubble("one that changes during the try, too", t, func(t *testing.T, q *Queue) {
		q.Set(pod("p", 0), false)
		entry, _ := pop(t, q)
		q.Set(pod("p", 7), true)
		q.Unschedulable(entry, cluster.NodeAdded)
		entry, took := pop(t, q)
		assert.Zero(t, took)
		assert.EqualValues(t, 7, *entry.Pod.Spec.Priority)
	})
	bubble("the timeout ends", t, func(t *testing.T, q *Queue) {
		q.Set(pod("p", 0), false)
		entry, _ := pop(t, q)
		q.Unschedulable(entry, cluster.NodeAdded)
		_, took := pop(t, q)
		assert.Equal(t, waitTimeout, took)
	})
}

func TestDelete(t *testing.T) {
	places := map[string]func(*testing.T, *Queue){
		"ready": func(*testing.T, *Queue) {},
		"waiting": func(t *testing.T, q *Queue) {
			entry, _ := pop(t, q)
			q.Unschedulable(entry, cluster.NodeAdded)
		},
		"backing off": func(t *testing.T, q *Queue) {
			entry, _ := pop(t, q)
			q.Failed(entry)
		},
	}
	for name, prepare := range places {
		bubble(name, t, func(t *testing.T, q *Queue) {
			q.Set(pod("p", 0), false)
			prepare(t, q)
			q.Delete("p")
			q.Notify(cluster.AnyChange)
			empty(t, q, time.Hour)
		})
	}
	bubble("old news of a bound Pod do not bring it back", t, func(t *testing.T, q *Queue) {
		q.Set(pod("p", 0), false)
		entry, _ := pop(t, q)
		q.Done(entry)
		q.Update(pod("p", 0))
		empty(t, q, time.Hour)
	})
	bubble("in flight", t, func(t *testing.T, q *Queue) {
		q.Set(pod("p", 0), false)
		entry, _ := pop(t, q)
		q.Delete("p")
		q.Unschedulable(entry, cluster.AnyChange)
		q.Notify(cluster.AnyChange)
		empty(t, q, time.Hour)
	})
}
