package etcd

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/podchain/podchain/reference/store"
)

// failure is what a failed request means to the caller.
func (s *Store) failure(ctx context.Context, what string, err error) error {
	switch fault := s.fault.Load(); {
	case fault != nil:
		return fmt.Errorf("etcd: %s: %w", what, fault)
	case s.ctx.Err() != nil:
		return store.ErrClosed
	case ctx.Err() != nil:
		return fmt.Errorf("etcd: %s: %w", what, ctx.Err()) // gRPC has errors of its own for it
	}
	return failure(what, err)
}

func failure(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, rpctypes.ErrCompacted):
		return store.ErrCompacted
	case errors.Is(err, rpctypes.ErrFutureRev):
		return store.ErrFuture
	}
	return fmt.Errorf("etcd: %s: %w", what, err)
}
