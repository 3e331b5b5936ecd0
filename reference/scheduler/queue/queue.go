// Package queue holds the Pods that wait for a node. A Pod is in one of four
// places: ready to be decided on, in flight (being decided on or bound),
// waiting for a change in the cluster, or waiting out a backoff.
package queue

import (
	"container/heap"
	"context"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/scheduling/corev1"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

const (
	initialBackoff = time.Second
	maxBackoff     = 10 * time.Second
	// waitTimeout bounds how long a Pod waits for a change. It is a safety net for
	// changes that the queue does not recognize; retries do not rely on it.
	waitTimeout = 5 * time.Minute
)

type place int

const (
	ready place = iota
	inFlight
	waiting
	backingOff
)

// Entry is a Pod in the queue.
type Entry struct {
	// Pod is the version to decide on.
	Pod *v1.Pod
	// Reported is the PodScheduled condition that the scheduler wrote last, so
	// that it writes it again only when it changes. The holder of an entry in
	// flight keeps it.
	Reported *v1.PodCondition

	place    place
	arrival  uint64
	index    int // in the heap of its place
	failures int
	until    time.Time // of the backoff
	lastTry  time.Time
	retry    cluster.Change // waited for
	popped   uint64         // the number of the last change before the try
	latest   *v1.Pod        // a newer version that came while in flight
	changed  bool           // and whether it makes another try worth while
	deleted  bool
}

// Queue orders and holds back Pods. One goroutine takes from it; any may do the
// rest.
type Queue struct {
	mu       sync.Mutex
	entries  map[types.UID]*Entry
	ready    entryHeap // by priority, then age
	backoff  entryHeap // by time
	waiting  map[*Entry]struct{}
	arrivals uint64
	wake     chan struct{}

	// changes counts all changes, last[i] is the number of the last of kind
	// 1<<i: so that none gets lost that happens during a try.
	changes uint64
	last    [16]uint64
}

// New returns an empty queue.
func New() *Queue {
	return &Queue{
		entries: map[types.UID]*Entry{},
		waiting: map[*Entry]struct{}{},
		ready:   entryHeap{before: first},
		backoff: entryHeap{before: func(a, b *Entry) bool { return a.until.Before(b.until) }},
		wake:    make(chan struct{}, 1),
	}
}

// first is the order of SCHED-18: higher priority, then who waits longer.
func first(a, b *Entry) bool {
	if p, q := corev1.PodPriority(a.Pod), corev1.PodPriority(b.Pod); p != q {
		return p > q
	}
	if !a.Pod.CreationTimestamp.Equal(&b.Pod.CreationTimestamp) {
		return a.Pod.CreationTimestamp.Before(&b.Pod.CreationTimestamp)
	}
	return a.arrival < b.arrival
}

// Set puts a Pod into the queue or takes over its new version. changed tells
// whether the new version may fare better than the one before: a new status
// does not, new labels or tolerations may.
func (q *Queue) Set(pod *v1.Pod, changed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if entry, ok := q.entries[pod.UID]; ok {
		q.update(entry, pod, changed)
		return
	}
	q.arrivals++
	entry := &Entry{Pod: pod, arrival: q.arrivals}
	q.entries[pod.UID] = entry
	q.makeReady(entry)
}

// Update takes over a new version of a Pod that is in the queue, and of no
// other: a Pod that is bound must not come back by old news of it.
func (q *Queue) Update(pod *v1.Pod) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if entry, ok := q.entries[pod.UID]; ok {
		q.update(entry, pod, false)
	}
}

func (q *Queue) update(entry *Entry, pod *v1.Pod, changed bool) {
	switch entry.place {
	case inFlight:
		entry.latest = pod
		entry.changed = entry.changed || changed
	case ready:
		entry.Pod = pod
		heap.Fix(&q.ready, entry.index)
	case backingOff:
		entry.Pod = pod
	case waiting:
		entry.Pod = pod
		if changed {
			q.again(entry)
		}
	}
}

// Delete takes a Pod out: it is gone, or assigned.
func (q *Queue) Delete(uid types.UID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if entry, ok := q.entries[uid]; ok {
		q.leave(entry)
		entry.deleted = true
		delete(q.entries, uid)
	}
}

// Notify tells of changes: Pods that wait for one of them are tried again.
func (q *Queue) Notify(changes cluster.Change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.changes++
	for i := range q.last {
		if changes&(1<<i) != 0 {
			q.last[i] = q.changes
		}
	}
	for entry := range q.waiting {
		if entry.retry&changes != 0 {
			q.again(entry)
		}
	}
}

// Retry tries one Pod again, whatever it waits for.
func (q *Queue) Retry(uid types.UID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if entry, ok := q.entries[uid]; ok {
		switch entry.place {
		case waiting:
			q.again(entry)
		case inFlight:
			entry.changed = true
		}
	}
}

// Pop waits for a Pod that is ready and takes it in flight. The caller gives it
// back with Unschedulable, Failed or Done. It returns false when ctx ends.
func (q *Queue) Pop(ctx context.Context) (*Entry, bool) {
	for {
		entry, wait := q.pop()
		if entry != nil {
			return entry, ctx.Err() == nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, false
		case <-q.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// pop returns the first that is ready, or how long to wait at most.
func (q *Queue) pop() (*Entry, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for q.backoff.Len() > 0 && !q.backoff.entries[0].until.After(now) {
		entry := q.backoff.entries[0]
		q.leave(entry)
		q.makeReady(entry)
	}
	wait := waitTimeout
	if q.backoff.Len() > 0 {
		wait = q.backoff.entries[0].until.Sub(now)
	}
	if q.ready.Len() == 0 {
		for entry := range q.waiting {
			if age := now.Sub(entry.lastTry); age >= waitTimeout {
				q.again(entry)
			} else {
				wait = min(wait, waitTimeout-age)
			}
		}
	}
	if q.ready.Len() == 0 {
		return nil, wait
	}
	entry := q.ready.entries[0]
	q.leave(entry)
	entry.place, entry.popped, entry.lastTry = inFlight, q.changes, now
	return entry, 0
}

// Unschedulable gives a Pod back that fits nowhere, until one of the changes.
func (q *Queue) Unschedulable(entry *Entry, retry cluster.Change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.land(entry) {
		return
	}
	entry.retry = retry
	if entry.changed || q.happenedSince(entry.popped, retry) {
		entry.changed = false
		q.again(entry)
		return
	}
	entry.place = waiting
	q.waiting[entry] = struct{}{}
	q.signal() // the taker may have to wake up sooner now
}

// Failed gives a Pod back whose try went wrong, to be tried again after a
// backoff.
func (q *Queue) Failed(entry *Entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.land(entry) {
		return
	}
	entry.failures++ // an error does not retry at once
	q.again(entry)
}

// Done drops a Pod that is bound, or gone.
func (q *Queue) Done(entry *Entry) { q.Delete(entry.Pod.UID) }

// land ends a flight. It returns false if the Pod has been deleted meanwhile.
func (q *Queue) land(entry *Entry) bool {
	if entry.deleted {
		return false
	}
	if entry.latest != nil {
		entry.Pod, entry.latest = entry.latest, nil
	}
	entry.failures++
	return true
}

func (q *Queue) happenedSince(number uint64, changes cluster.Change) bool {
	for i := range q.last {
		if changes&(1<<i) != 0 && q.last[i] > number {
			return true
		}
	}
	return false
}

// again makes an entry ready as soon as its backoff allows.
func (q *Queue) again(entry *Entry) {
	q.leave(entry)
	entry.until = entry.lastTry.Add(backoff(entry.failures))
	if !entry.until.After(time.Now()) {
		q.makeReady(entry)
		return
	}
	entry.place = backingOff
	heap.Push(&q.backoff, entry)
	q.signal()
}

// backoff is zero for the first retry, which has waited for a change; then it doubles
// from one to ten seconds.
func backoff(failures int) time.Duration {
	if failures <= 1 {
		return 0
	}
	d := initialBackoff
	for range failures - 2 {
		if d *= 2; d >= maxBackoff {
			return maxBackoff
		}
	}
	return d
}

func (q *Queue) makeReady(entry *Entry) {
	entry.place = ready
	heap.Push(&q.ready, entry)
	q.signal()
}

// leave takes an entry out of the place where it is.
func (q *Queue) leave(entry *Entry) {
	switch entry.place {
	case ready:
		heap.Remove(&q.ready, entry.index)
	case backingOff:
		heap.Remove(&q.backoff, entry.index)
	case waiting:
		delete(q.waiting, entry)
	}
	entry.place = inFlight
}

func (q *Queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
