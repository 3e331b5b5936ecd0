package garbagecollector

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// standing is how the owner that a reference names stands.
type standing int

const (
	unknown  standing = iota // the graph does not know: ask the API server
	solid                    // it exists
	dangling                 // it does not exist, or it is another object by now
	waiting                  // it is being deleted and waits for its dependents
)

// view is what a decision about an object is made from. The standings are in
// the order of the object's owner references.
type view struct {
	object     *object
	standings  []standing
	dependents []*object
	// blocked: a dependent exists that the object has to wait for. blocking are
	// those of them that are not on their way out yet.
	blocked  bool
	blocking []types.UID
	// dependentWaits: a dependent itself waits for its own dependents.
	dependentWaits bool
}

// action is what is to be done with an object.
type action int

const (
	nothing action = iota
	orphanDependents
	awaitDependents
	release
	dropReferences
	unblockAndDelete
	deleteObject
)

// step is an action and what it needs.
type step struct {
	do     action
	owners []types.UID                // dropReferences
	policy metav1.DeletionPropagation // unblockAndDelete, deleteObject
}

// decide says what is to be done with an object whose owners are verified.
func decide(v view) step {
	o := v.object
	switch {
	case o.orphaning():
		return step{do: orphanDependents}
	case o.foreground() && v.blocked:
		return step{do: awaitDependents}
	case o.foreground():
		return step{do: release}
	case o.deleting, len(o.owners) == 0:
		return step{} // terminating already, or without owners (GC-09)
	}
	var gone []types.UID
	var isSolid, isWaiting bool
	for i, s := range v.standings {
		switch s {
		case solid, unknown:
			isSolid = true
			continue
		case waiting:
			isWaiting = true
		}
		gone = append(gone, o.owners[i].UID)
	}
	switch {
	case isSolid && len(gone) == 0:
		return step{}
	case isSolid:
		// The object outlives these owners, so they need not wait for it (GC-05).
		return step{do: dropReferences, owners: gone}
	case isWaiting && len(v.dependents) > 0 && v.dependentWaits:
		// Owner, object and dependent may each be waiting for the next: the
		// object ceases to hold its owners back, which breaks any such circle
		// (GC-06). Without a circle it costs only the order.
		return step{do: unblockAndDelete, policy: metav1.DeletePropagationForeground}
	case isWaiting && len(v.dependents) > 0:
		return step{do: deleteObject, policy: metav1.DeletePropagationForeground}
	default:
		return step{do: deleteObject, policy: policyOf(o)}
	}
}

// policyOf honours what the object's finalizers ask for.
func policyOf(o *object) metav1.DeletionPropagation {
	switch {
	case o.has(metav1.FinalizerOrphanDependents):
		return metav1.DeletePropagationOrphan
	case o.has(metav1.FinalizerDeleteDependents):
		return metav1.DeletePropagationForeground
	default:
		return metav1.DeletePropagationBackground
	}
}
