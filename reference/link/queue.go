package link

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"

	"github.com/podchain/podchain/conformance/implementation/crash"
)

// Backoff of a key whose sync failed: quick at first, because most failures
// are conflicts with a cache that is a moment old, and slow in the end,
// because what still fails then is refused for a reason (RS-16).
const (
	firstRetry = 5 * time.Millisecond
	lastRetry  = time.Minute
)

// Queue holds the keys of objects to look at. A key is worked on by one worker
// at a time, and however often it is added meanwhile, it is looked at once more.
type Queue[K comparable] struct {
	workqueue.TypedRateLimitingInterface[K]
}

// NewQueue makes a queue; Run must be called, for it ends the queue as well.
func NewQueue[K comparable]() *Queue[K] {
	return &Queue[K]{workqueue.NewTypedRateLimitingQueue(
		workqueue.NewTypedItemExponentialFailureRateLimiter[K](firstRetry, lastRetry))}
}

// Run works on the queue until ctx is done and the workers have ended. A sync
// that fails is repeated with backoff.
func (q *Queue[K]) Run(ctx context.Context, workers int, look func(context.Context, K) error) {
	defer q.ShutDown()
	stop := context.AfterFunc(ctx, q.ShutDown)
	defer stop()

	var group crash.Group
	defer group.Wait()
	for range workers {
		group.Go(func() {
			for q.next(ctx, look) {
			}
		})
	}
}

func (q *Queue[K]) next(ctx context.Context, look func(context.Context, K) error) bool {
	key, shutdown := q.Get()
	if shutdown {
		return false
	}
	defer q.Done(key)
	if ctx.Err() != nil {
		return false
	}
	err := look(ctx, key)
	switch {
	case err == nil:
		q.Forget(key)
		return true
	case ctx.Err() != nil:
		return false
	case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err):
		// The cache is behind: the next look will know more.
		klog.FromContext(ctx).V(2).Info("Sync is repeated", "key", key, "reason", err)
	default:
		klog.FromContext(ctx).V(1).Info("Sync failed", "key", key, "err", err)
	}
	q.AddRateLimited(key)
	return true
}

// Key returns the key of an object, also of the tombstone that an informer
// hands out for an object whose deletion it missed.
func Key(object any) (cache.ObjectName, bool) {
	accessor, ok := Object(object)
	if !ok {
		return cache.ObjectName{}, false
	}
	return cache.MetaObjectToName(accessor), true
}

// Object returns the object in what an informer hands to a handler: the
// object itself, or its last known state in a tombstone.
func Object(object any) (metav1.Object, bool) {
	if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = tombstone.Obj
	}
	accessor, ok := object.(metav1.Object)
	return accessor, ok
}
