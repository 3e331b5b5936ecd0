// Package history records every version of every object that a scenario can
// see, and answers questions about it. A verdict is a function of the recorded
// history: the watches are opened before the stimulus, nothing is polled.
package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/chain"
)

// Version is one version of one object as a watch delivered it.
type Version = chain.Version

// A record is what contracts are held against.
var _ chain.History = Record{}

// History is the record. All methods may be called from any goroutine.
type History struct {
	// NotConverging, where set, is called once when more is recorded than Limit:
	// nobody will come to rest any more. Set it before the first Record.
	NotConverging func()
	// Lag, where set, collects how long after its arrival each awaited version
	// was decided on.
	Lag *Lag

	mu       sync.Mutex
	versions []Version
	counted  int // of the versions, those that Limit is about
	broken   error
	changed  chan struct{} // closed and replaced at every change
}

// Limit is how many versions are recorded, apart from those of nodes, which are
// written all the time: far more than any scenario makes. Two links that undo
// each other's writes make as many as there is time for, and in virtual time that
// is for ever.
const Limit = 1000

// ErrNotConverging says that the objects change without end.
var ErrNotConverging = fmt.Errorf("the objects change without end: there are more than %d versions of them", Limit)

// New returns an empty history.
func New() *History {
	return &History{changed: make(chan struct{})}
}

// Record appends a version that has arrived now.
func (h *History) Record(kind watch.EventType, object *unstructured.Unstructured) {
	h.recordAt(kind, object, time.Now())
}

func (h *History) recordAt(kind watch.EventType, object *unstructured.Unstructured, received time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if kind := object.GetKind(); kind != "Node" && kind != "Lease" {
		h.counted++
	}
	if h.counted > Limit {
		if !errors.Is(h.broken, ErrNotConverging) {
			h.broken = errors.Join(ErrNotConverging, h.broken)
			h.wake()
			if h.NotConverging != nil {
				go h.NotConverging()
			}
		}
		return
	}
	h.versions = append(h.versions, Version{Seq: len(h.versions) + 1, At: received, Type: kind, Object: object})
	h.wake()
}

// Break marks a gap in the history: from here on no question can be answered any
// more, and every Await returns the error.
func (h *History) Break(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken = errors.Join(h.broken, err)
	h.wake()
}

func (h *History) wake() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// Now returns what is recorded so far.
func (h *History) Now() Record {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Record{versions: h.versions[:len(h.versions):len(h.versions)]}
}

// ErrBroken is in the chain of every error that comes from a gap in the record.
var ErrBroken = errors.New("the record of the watches has a gap")

// Await returns nil as soon as holds returns nil for the record. When ctx ends
// first, the error names what was awaited and the last error of holds. The last call
// of holds gets the whole record; earlier calls may get less of it, so that only
// what holds notes in its last call counts.
func (h *History) Await(ctx context.Context, what string, holds func(Record) error) error {
	started := time.Now()
	var seen *Record // what holds has refused last
	for {
		h.mu.Lock()
		record, broken, changed := Record{versions: h.versions[:len(h.versions):len(h.versions)]}, h.broken, h.changed
		h.mu.Unlock()
		if err := because(broken); err != nil {
			return err
		}
		err := holds(record)
		if err == nil {
			if decided := time.Now(); h.Lag != nil && seen != nil && record.Len() > seen.Len() {
				h.Lag.add(decided.Sub(decidingVersion(record, seen.Len(), holds).At))
			}
			return nil
		}
		seen = &record
		if final := (Final{}); errors.As(err, &final) {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s; last seen: %w",
				time.Since(started).Round(time.Millisecond), what, err)
		}
	}
}

// decidingVersion returns the version by which holds came to return nil, of those that were
// recorded after the first seen ones.
func decidingVersion(record Record, seen int, holds func(Record) error) Version {
	at := seen + 1
	for ; at < record.Len() && holds(record.Until(at)) != nil; at++ {
	}
	if seen+1 < record.Len() {
		_ = holds(record) // nil, as before: for what it notes
	}
	return record.versions[at-1]
}

// because returns why no question can be answered any more.
func because(broken error) error {
	if broken == nil || errors.Is(broken, ErrNotConverging) {
		return broken
	}
	return fmt.Errorf("%w: %w", ErrBroken, broken)
}

// Quiet returns when nothing of interest was recorded for the given time, none of it
// before since.
func (h *History) Quiet(ctx context.Context, calm time.Duration, since time.Time, interesting func(Version) bool) error {
	seen := 0
	for {
		h.mu.Lock()
		versions, broken, changed := h.versions, h.broken, h.changed
		h.mu.Unlock()
		if err := because(broken); err != nil {
			return err
		}
		for _, version := range versions[seen:] {
			if interesting(version) && version.At.After(since) {
				since = version.At
			}
		}
		seen = len(versions)
		rest := time.NewTimer(time.Until(since.Add(calm)))
		select {
		case <-changed:
			rest.Stop()
		case <-rest.C:
			return nil
		case <-ctx.Done():
			rest.Stop()
			last := "nothing"
			if seen > 0 {
				last = Describe(versions[seen-1])
			}
			return fmt.Errorf("it never came to rest for %s; last seen: %s", calm, last)
		}
	}
}

// Final wraps an error that no further version can cure, so that Await need not
// wait any longer.
type Final struct{ Err error }

func (f Final) Error() string { return f.Err.Error() }

// Unwrap returns the error inside.
func (f Final) Unwrap() error { return f.Err }

// Describe names a version on one line.
func Describe(version Version) string {
	return fmt.Sprintf("%s %s %q (resourceVersion %s)", version.Type,
		version.Object.GetKind(), version.Object.GetName(), version.Object.GetResourceVersion())
}

// Record is what was recorded up to a moment; it does not change.
type Record struct{ versions []Version }

// All returns every version in order of arrival.
func (r Record) All() []Version { return r.versions }

// Since returns the versions that arrived after seq.
func (r Record) Since(seq int) []Version {
	if seq >= len(r.versions) {
		return nil
	}
	return r.versions[seq:]
}

// WrittenAfter returns the versions that arrived after seq, but for those that were written
// before something that had arrived by then: the watch of one kind may lag behind
// that of another. Events may be in a store of their own, so theirs is the order of
// arrival.
func (r Record) WrittenAfter(seq int) []Version {
	latest := ""
	for _, version := range r.Until(seq).versions {
		if at := version.Object.GetResourceVersion(); version.Object.GetKind() != "Event" && (latest == "" || newer(at, latest)) {
			latest = at
		}
	}
	var news []Version
	for _, version := range r.Since(seq) {
		if latest == "" || version.Object.GetKind() == "Event" || newer(version.Object.GetResourceVersion(), latest) {
			news = append(news, version)
		}
	}
	return news
}

// newer also tells so of what cannot be compared: then arrival decides.
func newer(version, than string) bool {
	if version == than {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(version, than)
	return err != nil || order > 0
}

// Has tells whether this version of the object has arrived, or a later one.
func (r Record) Has(object *unstructured.Unstructured) bool {
	for _, version := range r.ByUID(object.GetUID()) {
		if !newer(object.GetResourceVersion(), version.Object.GetResourceVersion()) {
			return true
		}
	}
	return false
}

// Len is the Seq of the last version.
func (r Record) Len() int { return len(r.versions) }

// Until returns the record as it was when seq versions were in it.
func (r Record) Until(seq int) Record {
	return Record{versions: r.versions[:min(seq, len(r.versions))]}
}

// Of returns the versions of all objects of a kind that select accepts, in
// order; a nil select accepts all.
func (r Record) Of(kind string, accept func(*unstructured.Unstructured) bool) []Version {
	var found []Version
	for _, version := range r.versions {
		if version.Object.GetKind() == kind && (accept == nil || accept(version.Object)) {
			found = append(found, version)
		}
	}
	return found
}

// Last returns the last version of the object of that kind and name.
func (r Record) Last(kind, name string) (Version, bool) {
	for i := len(r.versions) - 1; i >= 0; i-- {
		if version := r.versions[i]; version.Object.GetKind() == kind && version.Object.GetName() == name {
			return version, true
		}
	}
	return Version{}, false
}

// Live returns the object of that kind and name, nil if it does not exist now.
func (r Record) Live(kind, name string) *unstructured.Unstructured {
	if version, found := r.Last(kind, name); found && version.Type != watch.Deleted {
		return version.Object
	}
	return nil
}

// LiveOf returns the objects of a kind that exist now and that accept accepts
// (nil: all), in the order in which they appeared.
func (r Record) LiveOf(kind string, accept func(*unstructured.Unstructured) bool) []*unstructured.Unstructured {
	var order []types.UID
	last := map[types.UID]Version{}
	for _, version := range r.versions {
		if version.Object.GetKind() != kind {
			continue
		}
		uid := version.Object.GetUID()
		if _, known := last[uid]; !known {
			order = append(order, uid)
		}
		last[uid] = version
	}
	var live []*unstructured.Unstructured
	for _, uid := range order {
		if version := last[uid]; version.Type != watch.Deleted && (accept == nil || accept(version.Object)) {
			live = append(live, version.Object)
		}
	}
	return live
}

// ByUID returns the versions of one object, in order.
func (r Record) ByUID(uid types.UID) []Version {
	var found []Version
	for _, version := range r.versions {
		if version.Object.GetUID() == uid {
			found = append(found, version)
		}
	}
	return found
}
