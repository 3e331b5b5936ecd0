package controller

import (
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// StaleCache remembers the versions of objects that own writes have replaced.
// While the cache still shows one of them, a sync would decide on the past: it
// would write the same again and be refused with a conflict. It ends instead;
// the event that shows the new version queues it again. (Creations and deletions
// are in Expectations.)
type StaleCache struct {
	mu       sync.Mutex
	versions map[types.UID][]string
}

// NewStaleCache returns an empty record.
func NewStaleCache() *StaleCache {
	return &StaleCache{versions: map[types.UID][]string{}}
}

// Wrote says that a write has replaced the version before by the version after.
// A write that changed nothing leaves the version as it is, and no event comes.
func (s *StaleCache) Wrote(before, after metav1.Object) {
	if before.GetResourceVersion() == after.GetResourceVersion() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.versions[before.GetUID()] = append(s.versions[before.GetUID()], before.GetResourceVersion())
}

// Stale reports whether the object, as cached, is a version that was replaced.
func (s *StaleCache) Stale(cached metav1.Object) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, version := range s.versions[cached.GetUID()] {
		if version == cached.GetResourceVersion() {
			return true
		}
	}
	delete(s.versions, cached.GetUID())
	return false
}

// Forget drops what is known of an object that is gone.
func (s *StaleCache) Forget(object types.UID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.versions, object)
}
