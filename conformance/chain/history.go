package chain

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/apimachinery/pkg/watch"
)

// Version is one version of one object as a watch delivered it.
type Version struct {
	// Seq numbers the versions in the order in which they arrived, from 1. The
	// watches of two kinds are not ordered against each other: use Before.
	Seq int
	// At is when the version arrived: when its last bytes were read.
	At time.Time
	// Type is ADDED for the first version of an object (or its state when the
	// history began), MODIFIED, or DELETED with the last state.
	Type watch.EventType
	// Object is shared, and must not be changed.
	Object *unstructured.Unstructured
}

// Before says that a version was written before another, of whatever kind. Two
// watches may lag differently, so of two kinds the order of arrival counts only
// if the resourceVersions agree with it: kinds in one store share its counter.
func (v Version) Before(other Version) bool {
	if v.Seq >= other.Seq {
		return false
	}
	if v.Object.GetKind() == other.Object.GetKind() {
		return true
	}
	order, err := resourceversion.CompareResourceVersion(v.Object.GetResourceVersion(), other.Object.GetResourceVersion())
	return err != nil || order < 0
}

// History is what has been recorded of the objects, which contracts are held against.
type History interface {
	// All returns every version in order of arrival.
	All() []Version
	// ByUID returns the versions of one object, in order.
	ByUID(uid types.UID) []Version
	// Live returns the object of that kind and name, nil if it does not exist now.
	Live(kind, name string) *unstructured.Unstructured
	// LiveOf returns the objects of a kind that exist now and that accept accepts (nil:
	// all), in the order in which they appeared.
	LiveOf(kind string, accept func(*unstructured.Unstructured) bool) []*unstructured.Unstructured
}
