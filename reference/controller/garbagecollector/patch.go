package garbagecollector

import (
	"encoding/json"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// jsonPatch is a list of operations, each of which tests the place that it
// changes. So a patch made from an outdated state fails as a whole, while
// changes elsewhere in the object (a Pod's status, say) do not disturb it; and
// unlike strategic merge it works for every resource.
type jsonPatch []jsonOperation

type jsonOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// encode returns the patch's body, bound to the object of that uid.
func (p jsonPatch) encode(uid types.UID) ([]byte, error) {
	return json.Marshal(append(jsonPatch{{Op: "test", Path: "/metadata/uid", Value: uid}}, p...))
}

// dropOwners removes the references to these owners and keeps all others.
func dropOwners(o *object, owners []types.UID) jsonPatch {
	var patch jsonPatch
	// From the end, so that a removal does not move the ones to come.
	for i := len(o.owners) - 1; i >= 0; i-- {
		if slices.Contains(owners, o.owners[i].UID) {
			path := fmt.Sprintf("/metadata/ownerReferences/%d", i)
			patch = append(patch,
				jsonOperation{Op: "test", Path: path + "/uid", Value: o.owners[i].UID},
				jsonOperation{Op: "remove", Path: path})
		}
	}
	return patch
}

// unblockOwners makes the object hold none of its owners back.
func unblockOwners(o *object) jsonPatch {
	var patch jsonPatch
	for i, ref := range o.owners {
		if o.blocks(ref.UID) {
			path := fmt.Sprintf("/metadata/ownerReferences/%d", i)
			patch = append(patch,
				jsonOperation{Op: "test", Path: path + "/uid", Value: ref.UID},
				jsonOperation{Op: "remove", Path: path + "/blockOwnerDeletion"})
		}
	}
	return patch
}

// removeFinalizer removes one finalizer and keeps all others.
func removeFinalizer(o *object, finalizer string) jsonPatch {
	i := slices.Index(o.finalizers, finalizer)
	if i < 0 {
		return nil
	}
	path := fmt.Sprintf("/metadata/finalizers/%d", i)
	return jsonPatch{{Op: "test", Path: path, Value: finalizer}, {Op: "remove", Path: path}}
}
