// Package etcd is a store.Store over the endpoint of an etcd, which it may share
// with other API servers: whatever it remembers is history, which no write
// changes. Everything else it asks etcd for, every time.
package etcd

import (
	"context"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference/store"
)

const (
	// requestTimeout is how long a request may take. The client waits that long
	// for an etcd that is away, so a write fails only then (STORE-08).
	requestTimeout = 10 * time.Second
	// historyKept is how many writes are held for watchers that come later. Those
	// that want more get it from etcd.
	historyKept = 5000
	// keepAlive detects a dead connection that was not closed.
	keepAliveTime, keepAliveTimeout = 30 * time.Second, 10 * time.Second
)

// reconnect makes an etcd that has come back be found soon (STORE-08).
var reconnect = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
	MinConnectTimeout: 5 * time.Second,
}

// Store is a store.Store over an etcd. See Open.
type Store struct {
	client *clientv3.Client
	// compacted is a revision up to which etcd was compacted at some time. It is
	// verified each time before it is returned: see Revision.
	compacted atomic.Int64

	log      *store.Log
	follower *follower

	timeToLive func(key string) time.Duration // nil: for ever
	leases     leases

	ctx        context.Context
	cancel     context.CancelFunc
	background crash.Group
	domain     *crash.Domain // of what runs in the background
	fault      atomic.Pointer[crash.Panic]
	onPanic    atomic.Pointer[func(*crash.Panic)]
}

var _ store.Store = (*Store)(nil)

// Open connects to an etcd. It fails if that does not answer: later, a request
// fails while etcd is away and succeeds when it is back.
func Open(ctx context.Context, options Options) (*Store, error) {
	if err := options.validate(); err != nil {
		return nil, err
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints:            options.Endpoints,
		TLS:                  options.TLS,
		DialKeepAliveTime:    keepAliveTime,
		DialKeepAliveTimeout: keepAliveTimeout,
		DialOptions:          []grpc.DialOption{grpc.WithConnectParams(reconnect)},
		Logger:               zap.NewNop(), // what matters comes back as an error
	})
	if err != nil {
		return nil, failure("connect", err)
	}
	s := &Store{client: client, timeToLive: options.TimeToLive}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.compacted.Store(1)
	current, err := s.greet(ctx)
	if err != nil {
		s.cancel()
		_ = client.Close() // why it cannot be used is the news
		return nil, err
	}
	s.log = store.NewLog(current, historyKept)
	s.follower = newFollower(current)
	s.begin()
	return s, nil
}

// begin starts what runs in the background. A panic there ends the store, and nothing
// else: every request fails with it from then on.
func (s *Store) begin() {
	s.domain = crash.NewDomain(func(fault *crash.Panic) {
		s.fault.Store(fault)
		s.cancel()
		if tell := s.onPanic.Load(); tell != nil {
			(*tell)(fault)
		}
	})
	s.background.Go(func() { s.domain.Do(s.follow) })
}

// OnPanic has the panic that ends the store handed on, and not to who asked for it before.
func (s *Store) OnPanic(tell func(*crash.Panic)) {
	s.onPanic.Store(&tell)
	if fault := s.fault.Load(); fault != nil {
		tell(fault)
	}
}

// greet asks for the present revision. Unlike other requests it does not wait for an
// etcd that is unavailable, so that it can return why.
func (s *Store) greet(ctx context.Context) (current int64, err error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	response, err := etcdserverpb.NewKVClient(s.client.ActiveConnection()).Range(ctx,
		&etcdserverpb.RangeRequest{Key: []byte(all), CountOnly: true}, grpc.WaitForReady(false))
	if err != nil {
		return 0, s.failure(ctx, "connect", err)
	}
	return response.Header.Revision, nil
}

// Close ends all watches and requests and the connection.
func (s *Store) Close() error {
	s.cancel()
	err := s.client.Close()
	s.background.Wait()
	s.domain.Close()
	return failure("close", err)
}

// bounded returns the context of one request, which ends with the store.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	unlink := context.AfterFunc(s.ctx, cancel)
	return ctx, func() {
		unlink()
		cancel()
	}
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, key string) (*store.KeyValue, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	response, err := s.client.Get(ctx, key)
	if err != nil {
		return nil, s.failure(ctx, "get", err)
	}
	if len(response.Kvs) == 0 {
		return nil, nil
	}
	return keyValue(response.Kvs[0]), nil
}

// List implements store.Store.
func (s *Store) List(ctx context.Context, prefix string, options store.ListOptions) (*store.List, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	from, end := span(prefix)
	response, err := s.client.Get(ctx, max(from, options.From),
		clientv3.WithRange(end), clientv3.WithRev(options.Revision), clientv3.WithLimit(options.Limit))
	if err != nil {
		return nil, s.failure(ctx, "list", err)
	}
	list := &store.List{
		Items:     make([]store.KeyValue, 0, len(response.Kvs)),
		Revision:  options.Revision,
		Remaining: response.Count - int64(len(response.Kvs)),
	}
	if list.Revision == 0 {
		list.Revision = response.Header.Revision
	}
	for _, kv := range response.Kvs {
		list.Items = append(list.Items, *keyValue(kv))
	}
	return list, nil
}

// Put implements store.Store.
func (s *Store) Put(ctx context.Context, key string, value []byte, expected int64) (int64, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	put := clientv3.OpPut(key, string(value))
	if s.timeToLive != nil {
		lease, err := s.leases.take(ctx, s.client, s.timeToLive(key))
		if err != nil {
			return 0, s.failure(ctx, "grant a lease", err)
		}
		put = clientv3.OpPut(key, string(value), clientv3.WithLease(lease))
	}
	return s.write(ctx, "put", key, expected, put)
}

// Delete implements store.Store.
func (s *Store) Delete(ctx context.Context, key string, expected int64) (int64, error) {
	if expected == 0 {
		return 0, store.ErrConflict // what is absent cannot be deleted
	}
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	return s.write(ctx, "delete", key, expected, clientv3.OpDelete(key))
}

// write does one operation under the guard of the key's revision, which is 0 for
// an absent key. When it fails otherwise than by ErrConflict it may have been
// done: then the reply was lost (STORE-07).
//
// The transactions are those that Kubernetes makes, whose failure reads the key:
// there are stores, kine among them, that understand no others.
func (s *Store) write(ctx context.Context, what, key string, expected int64, op clientv3.Op) (int64, error) {
	transaction := s.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", expected)).Then(op)
	if expected != 0 {
		transaction = transaction.Else(clientv3.OpGet(key))
	}
	response, err := transaction.Commit()
	switch {
	case err != nil:
		return 0, s.failure(ctx, what, err)
	case !response.Succeeded:
		return 0, store.ErrConflict
	}
	return response.Header.Revision, nil
}

// span returns the range of the keys that start with prefix.
func span(prefix string) (from, end string) {
	if prefix == "" {
		return all, all
	}
	return prefix, clientv3.GetPrefixRangeEnd(prefix)
}

// all, as the first key and as the end of a range, means every key.
const all = "\x00"
