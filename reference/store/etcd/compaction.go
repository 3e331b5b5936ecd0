package etcd

import (
	"context"
	"errors"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/podchain/podchain/reference/store"
)

// Revision implements store.Store.
//
// etcd does not tell up to where it has been compacted, and anybody may compact
// it, with a note of it (Kubernetes' compact_rev_key) or without. But a revision
// can be read exactly if it is not below the compacted one. So one that was the
// compacted one still is if it can be read, and the answer to that question
// bears the present revision: one request for both. If it cannot be read, the new
// one is found by halving the range, once per compaction.
func (s *Store) Revision(ctx context.Context) (current, compacted int64, err error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	known := s.compacted.Load()
	for {
		current, err = s.readable(ctx, known)
		if !errors.Is(err, store.ErrCompacted) {
			return current, known, err
		}
		compacted, err = s.findCompacted(ctx, known)
		if err != nil {
			return 0, 0, err
		}
		// Another caller may have found a later one.
		for known < compacted && !s.compacted.CompareAndSwap(known, compacted) {
			known = s.compacted.Load()
		}
		known = max(known, compacted)
	}
}

// findCompacted returns the revision up to which etcd has been compacted, which
// is above the one given.
func (s *Store) findCompacted(ctx context.Context, above int64) (int64, error) {
	current, err := s.readable(ctx, 0)
	if err != nil {
		return 0, err
	}
	low, high := above, current // low cannot be read, high can
	for high-low > 1 {
		middle := low + (high-low)/2
		switch _, err := s.readable(ctx, middle); {
		case err == nil:
			high = middle
		case errors.Is(err, store.ErrCompacted):
			low = middle
		default:
			return 0, err
		}
	}
	return high, nil
}

// readable returns the present revision, or ErrCompacted if the one asked about
// can no longer be read. The question is put to the quorum: a member that lags
// behind would not know.
func (s *Store) readable(ctx context.Context, revision int64) (current int64, err error) {
	response, err := s.client.Get(ctx, all, clientv3.WithRev(revision), clientv3.WithCountOnly())
	if err != nil {
		return 0, s.failure(ctx, "read the revision", err)
	}
	return response.Header.Revision, nil
}

// Compact implements store.Store.
func (s *Store) Compact(ctx context.Context, revision int64) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	_, err := s.client.Compact(ctx, revision)
	if err = s.failure(ctx, "compact", err); errors.Is(err, store.ErrCompacted) {
		// etcd says so too if it has been compacted to just there.
		_, compacted, asked := s.Revision(ctx)
		if asked == nil && compacted == revision {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	if err := s.follower.reach(ctx, revision); err != nil {
		return err
	}
	s.log.Forget(revision)
	return nil
}
