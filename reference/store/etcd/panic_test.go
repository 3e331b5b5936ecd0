package etcd

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/implementation/crash"
)

// What panics in the background ends the store, says so to who wants to know, before or
// after, and in every answer; the program goes on.
func TestPanicInTheBackground(t *testing.T) {
	s := &Store{} // without a log there is nothing to follow
	s.ctx, s.cancel = context.WithCancel(t.Context())
	before, after := make(chan *crash.Panic, 1), make(chan *crash.Panic, 1)
	s.OnPanic(func(fault *crash.Panic) { before <- fault })
	s.begin()
	s.background.Wait()
	s.OnPanic(func(fault *crash.Panic) { after <- fault })
	fault := <-before
	assert.Same(t, fault, <-after)
	require.Error(t, s.ctx.Err(), "it has ended")
	err := s.failure(t.Context(), "get", context.Canceled)
	require.ErrorIs(t, err, fault)
	assert.ErrorContains(t, err, "etcd: get: panic: runtime error: invalid memory address")
	s.domain.Close()
}
