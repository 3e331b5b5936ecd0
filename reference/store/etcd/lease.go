package etcd

import (
	"context"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// leases are what ends values that live for a time only (STORE-09). Values that
// are written within a short time of each other share one, as they do in
// Kubernetes: an etcd bears few leases better than many.
type leases struct {
	mu     sync.Mutex
	latest map[time.Duration]lease
}

type lease struct {
	id   clientv3.LeaseID
	last time.Time // to hand it out
}

// shared is the part of its time for which a lease is handed out; it lives for as
// much longer.
const shared = 20

// take returns a lease of at least the given time to live; none for 0.
func (l *leases) take(ctx context.Context, client *clientv3.Client, live time.Duration) (clientv3.LeaseID, error) {
	if live <= 0 {
		return clientv3.NoLease, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.latest[live]; ok && time.Now().Before(known.last) {
		return known.id, nil
	}
	share := live / shared
	granted, err := client.Grant(ctx, int64((live+share+time.Second-1)/time.Second))
	if err != nil {
		return clientv3.NoLease, err
	}
	if l.latest == nil {
		l.latest = map[time.Duration]lease{}
	}
	l.latest[live] = lease{granted.ID, time.Now().Add(share)}
	return granted.ID, nil
}
