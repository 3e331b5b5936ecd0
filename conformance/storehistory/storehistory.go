// Package storehistory records every change of a store that speaks etcd's protocol, and
// answers questions about it. It is to the store what package history is to the
// API: one watch is opened before the stimulus, and a verdict is a function of what
// it has brought.
//
// Values are opaque: questions are about keys and revisions.
package storehistory

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/podchain/podchain/conformance/implementation"
)

// Change is one write of one key.
type Change struct {
	// Key without the prefix of the API server, such as "pods/default/web-1".
	Key string
	// Foreign says that the key does not have this prefix.
	Foreign bool
	// Revision of the write; CreateRevision is that of the first write since the
	// key was absent, 0 for a removal.
	Revision, CreateRevision int64
	// Deleted says that the key was removed.
	Deleted bool
	// Leased says that the key has, or until it was removed had, a lease.
	Leased bool
	// Lease of the key; 0 for none, and for a removal.
	Lease int64
}

// Created says that there was no such key before.
func (c Change) Created() bool { return !c.Deleted && c.CreateRevision == c.Revision }

func (c Change) String() string {
	what := "put"
	if c.Deleted {
		what = "delete"
	}
	return fmt.Sprintf("%s %s (revision %d)", what, c.Key, c.Revision)
}

// Recorder records a store since a revision. All methods may be called
// from any goroutine.
type Recorder struct {
	client *clientv3.Client
	prefix string
	since  int64
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	changes []Change
	broken  error
	changed chan struct{} // closed and replaced at every change
}

// requestTimeout bounds one request to the store.
const requestTimeout = 10 * time.Second

// Connect returns a client of the store. It is connected when it is first used.
func Connect(access implementation.StoreAccess) (*clientv3.Client, error) {
	certificates, err := clientTLS(access)
	if err != nil {
		return nil, fmt.Errorf("the store at %s: %w", strings.Join(access.Endpoints, ", "), err)
	}
	return clientv3.New(clientv3.Config{
		Endpoints: access.Endpoints, TLS: certificates, Logger: zap.NewNop(),
		// A store that has come back is found soon.
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: time.Second,
		})},
	})
}

// Ask sends the store a request, and returns why there is no answer. It does not
// wait for a store that is unavailable or refuses the client.
func Ask(ctx context.Context, access implementation.StoreAccess) error {
	client, err := Connect(access)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err = etcdserverpb.NewKVClient(client.ActiveConnection()).Range(ctx,
		&etcdserverpb.RangeRequest{Key: []byte(all), RangeEnd: []byte(all), CountOnly: true}, grpc.WaitForReady(false))
	return errors.Join(err, client.Close())
}

func clientTLS(access implementation.StoreAccess) (*tls.Config, error) {
	if len(access.CA) == 0 && len(access.Certificate) == 0 {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(access.CA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(access.CA) {
			return nil, errors.New("the CA is not a certificate in PEM")
		}
	}
	if len(access.Certificate) > 0 {
		pair, err := tls.X509KeyPair(access.Certificate, access.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Watch records what is written after now, to any key, until Close: each revision
// has a change of some key, so the record tells how far it has got.
func Watch(ctx context.Context, access implementation.StoreAccess) (*Recorder, error) {
	client, err := Connect(access)
	if err != nil {
		return nil, err
	}
	r := &Recorder{client: client, prefix: access.Prefix, done: make(chan struct{}), changed: make(chan struct{})}
	if r.since, err = r.Revision(ctx); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.cancel = cancel
	go r.follow(client.Watch(watching, all, clientv3.WithFromKey(), clientv3.WithRev(r.since+1), clientv3.WithPrevKV()))
	return r, nil
}

// all, as the first key of a range without an end, means every key.
const all = "\x00"

// Close ends the record.
func (r *Recorder) Close() error {
	r.cancel()
	<-r.done
	return r.client.Close()
}

// Since is the revision after which the record begins.
func (r *Recorder) Since() int64 { return r.since }

// Revision returns the current revision of the store.
func (r *Recorder) Revision(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	response, err := r.client.Get(ctx, all, clientv3.WithFromKey(), clientv3.WithCountOnly())
	if err != nil {
		return 0, fmt.Errorf("ask the store for its revision: %w", err)
	}
	return response.Header.Revision, nil
}

// TimeToLive returns the granted and the remaining time to live of a lease.
func (r *Recorder) TimeToLive(ctx context.Context, lease int64) (granted, left time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	response, err := r.client.TimeToLive(ctx, clientv3.LeaseID(lease))
	if err != nil {
		return 0, 0, fmt.Errorf("ask the store for the time to live of lease %x: %w", lease, err)
	}
	return time.Duration(response.GrantedTTL) * time.Second, time.Duration(response.TTL) * time.Second, nil
}

// follow records what the watch brings. The client takes the watch up again where
// the store was away.
func (r *Recorder) follow(responses clientv3.WatchChan) {
	defer close(r.done)
	for response := range responses {
		r.mu.Lock()
		if err := response.Err(); err != nil {
			r.broken = fmt.Errorf("the watch of the store: %w", err)
		}
		for _, event := range response.Events {
			r.changes = append(r.changes, r.change(event))
		}
		close(r.changed)
		r.changed = make(chan struct{})
		r.mu.Unlock()
	}
}

func (r *Recorder) change(event *clientv3.Event) Change {
	key, own := strings.CutPrefix(string(event.Kv.Key), r.prefix)
	c := Change{
		Key: key, Foreign: !own,
		Revision: event.Kv.ModRevision, CreateRevision: event.Kv.CreateRevision,
		Deleted: event.Type == clientv3.EventTypeDelete,
		Leased:  event.Kv.Lease != 0 || event.PrevKv != nil && event.PrevKv.Lease != 0,
		Lease:   event.Kv.Lease,
	}
	if c.Deleted {
		c.CreateRevision, c.Lease = 0, 0
	}
	return c
}

// Now returns what has been recorded so far, in the order of revisions.
func (r *Recorder) Now() Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changes[:len(r.changes):len(r.changes)]
}

// Await returns nil as soon as holds returns nil for what is recorded. When ctx
// ends first, the error says what was awaited and what holds said last.
func (r *Recorder) Await(ctx context.Context, what string, holds func(Record) error) error {
	started := time.Now()
	for {
		r.mu.Lock()
		record, broken, changed := r.changes[:len(r.changes):len(r.changes)], r.broken, r.changed
		r.mu.Unlock()
		if broken != nil {
			return broken
		}
		err := holds(record)
		if err == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s; last seen: %w", time.Since(started).Round(time.Millisecond), what, err)
		}
	}
}

// Reach returns the record when it has everything up to the revision.
func (r *Recorder) Reach(ctx context.Context, revision int64) (Record, error) {
	var reached Record
	err := r.Await(ctx, fmt.Sprintf("the watch of the store to bring revision %d", revision), func(record Record) error {
		reached = record
		if last := max(r.since, record.last()); last < revision {
			return fmt.Errorf("it has brought revision %d", last)
		}
		return nil
	})
	return reached, err
}
