package controller

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestExpectations(t *testing.T) {
	pod := func(uid types.UID, deleted bool) *corev1.Pod {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: uid}}
		if deleted {
			pod.DeletionTimestamp = &metav1.Time{Time: time.Now()}
		}
		return pod
	}
	tests := map[string]struct {
		do      func(e *Expectations)
		pending bool
	}{
		"nothing written": {func(e *Expectations) {}, false},
		"created":         {func(e *Expectations) { e.Created("o", "a") }, true},
		"created and seen, in this order": {func(e *Expectations) {
			e.Created("o", "a")
			e.Seen("o", pod("a", false))
		}, false},
		"seen before the reply": {func(e *Expectations) {
			e.Seen("o", pod("a", false))
			e.Created("o", "a")
		}, false},
		"another one seen": {func(e *Expectations) {
			e.Created("o", "a")
			e.Seen("o", pod("b", false))
		}, true},
		"deletion not seen": {func(e *Expectations) {
			e.Deleting("o", "a")
			e.Seen("o", pod("a", false))
		}, true},
		"deletion seen": {func(e *Expectations) {
			e.Deleting("o", "a")
			e.Seen("o", pod("a", true))
		}, false},
		"gone at once": {func(e *Expectations) {
			e.Deleting("o", "a")
			e.Gone("o", pod("a", false))
		}, false},
		"deletion refused": {func(e *Expectations) {
			e.Deleting("o", "a")
			e.NotDeleted("o", "a")
		}, false},
		"created, and something else written": {func(e *Expectations) {
			e.Created("o", "a")
			e.Begin("o")()
		}, true},
		"seen before the reply, and something else written": {func(e *Expectations) {
			e.Seen("o", pod("a", false))
			e.Begin("o")()
			e.Created("o", "a")
		}, false},
		"of another owner": {func(e *Expectations) { e.Created("x", "a") }, false},
		"owner forgotten": {func(e *Expectations) {
			e.Created("o", "a")
			e.Forget("o")
		}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := NewExpectations()
				end := e.Begin("o")
				test.do(e)
				end()
				after, pending := e.Pending("o")
				assert.Equal(t, test.pending, pending)
				time.Sleep(after)
				_, pending = e.Pending("o")
				assert.False(t, pending, "no wait is for ever")
			})
		})
	}
}

func TestStaleCache(t *testing.T) {
	at := func(version string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "a", ResourceVersion: version}}
	}
	s := NewStaleCache()
	assert.False(t, s.Stale(at("1")))
	s.Wrote(at("1"), at("1"))
	assert.False(t, s.Stale(at("1")), "a write that changed nothing")
	s.Wrote(at("1"), at("2"))
	s.Wrote(at("2"), at("3"))
	assert.True(t, s.Stale(at("1")))
	assert.True(t, s.Stale(at("2")))
	assert.False(t, s.Stale(at("3")))
}
