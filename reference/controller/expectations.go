package controller

import (
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// expectationTimeout bounds the wait for an own write to be seen. It matters
// only when an object was created and deleted while the watch was broken, so
// that no event ever tells of it.
const expectationTimeout = time.Minute

// Expectations remembers which own writes the cache does not show yet, per
// owner. A controller that counts what it owns must not count from a cache
// that lacks what it has just created, or still has what it has just deleted:
// it would overshoot (RS-18). So a sync asks Pending first, and if writes are
// pending it ends: the event that shows the last of them queues it again.
//
// Writes are known by uid, not by number: a count would be wrong as soon as a
// reply is lost and the object appears nevertheless (IDEMP-01).
type Expectations struct {
	mu     sync.Mutex
	owners map[types.UID]*expected
}

type expected struct {
	// deadline is when the wait is given up.
	deadline time.Time
	created  map[types.UID]struct{}
	deleted  map[types.UID]struct{}
	// writing counts the writers of the sync that have begun and not ended; seen then
	// collects what the cache shows, for it may show an object before the reply to its
	// creation is read.
	writing int
	seen    map[types.UID]struct{}
}

// NewExpectations returns an empty record.
func NewExpectations() *Expectations {
	return &Expectations{owners: map[types.UID]*expected{}}
}

// Begin says that the owner's sync is about to write, perhaps in addition to what it
// has written before. Call the function that it returns when the writes are made.
func (e *Expectations) Begin(owner types.UID) (end func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := e.owners[owner]
	if x == nil {
		x = &expected{created: map[types.UID]struct{}{}, deleted: map[types.UID]struct{}{}}
		e.owners[owner] = x
	}
	if x.writing++; x.writing == 1 {
		x.seen = map[types.UID]struct{}{}
	}
	x.deadline = time.Now().Add(expectationTimeout)
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		x.writing--
		e.tidy(owner, x)
	}
}

// Created says that the API server has confirmed a creation.
func (e *Expectations) Created(owner, object types.UID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x := e.owners[owner]; x != nil {
		if _, seen := x.seen[object]; !seen {
			x.created[object] = struct{}{}
		}
	}
}

// Deleting says that a deletion is about to be asked for: unlike a creation it
// is announced before the request, since the uid is known.
func (e *Expectations) Deleting(owner, object types.UID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x := e.owners[owner]; x != nil {
		x.deleted[object] = struct{}{}
	}
}

// NotDeleted takes Deleting back: the request failed, or no event can come of it.
func (e *Expectations) NotDeleted(owner, object types.UID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x := e.owners[owner]; x != nil {
		delete(x.deleted, object)
		e.tidy(owner, x)
	}
}

// Seen says that the cache shows the object. Call it on every add and update.
func (e *Expectations) Seen(owner types.UID, object metav1.Object) {
	e.observe(owner, object.GetUID(), object.GetDeletionTimestamp() != nil)
}

// Gone says that the cache does not show the object as the owner's any more. Call it
// on every delete and release.
func (e *Expectations) Gone(owner types.UID, object metav1.Object) {
	e.observe(owner, object.GetUID(), true)
}

func (e *Expectations) observe(owner, object types.UID, deleted bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := e.owners[owner]
	if x == nil {
		return
	}
	if x.writing > 0 {
		x.seen[object] = struct{}{}
	}
	delete(x.created, object)
	if deleted {
		delete(x.deleted, object)
	}
	e.tidy(owner, x)
}

// Pending reports whether writes of the owner are not seen yet, and after
// which time to look again if no event comes.
func (e *Expectations) Pending(owner types.UID) (time.Duration, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := e.owners[owner]
	if x == nil {
		return 0, false
	}
	left := time.Until(x.deadline)
	if left <= 0 {
		delete(e.owners, owner)
		return 0, false
	}
	return left, true
}

// Forget drops what is known of an owner that is gone.
func (e *Expectations) Forget(owner types.UID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.owners, owner)
}

// tidy drops the owner once nothing is awaited.
func (e *Expectations) tidy(owner types.UID, x *expected) {
	if x.writing == 0 && len(x.created) == 0 && len(x.deleted) == 0 && e.owners[owner] == x {
		delete(e.owners, owner)
	}
}
