package garbagecollector

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestDecide(t *testing.T) {
	const orphan, foreground = metav1.FinalizerOrphanDependents, metav1.FinalizerDeleteDependents
	dependents := []*object{{uid: "d"}}
	tests := map[string]struct {
		object view
		want   step
	}{
		"nobody's":                   {view{object: owned()}, step{}},
		"owner is there":             {view{object: owned("a"), standings: []standing{solid}}, step{}},
		"owner is gone":              {view{object: owned("a"), standings: []standing{dangling}}, step{do: deleteObject, policy: metav1.DeletePropagationBackground}},
		"all owners are gone":        {view{object: owned("a", "b"), standings: []standing{dangling, dangling}}, step{do: deleteObject, policy: metav1.DeletePropagationBackground}},
		"one owner of two is gone":   {view{object: owned("a", "b"), standings: []standing{dangling, solid}}, step{do: dropReferences, owners: []types.UID{"a"}}},
		"one owner of two waits":     {view{object: owned("a", "b"), standings: []standing{solid, waiting}}, step{do: dropReferences, owners: []types.UID{"b"}}},
		"owner waits":                {view{object: owned("a"), standings: []standing{waiting}}, step{do: deleteObject, policy: metav1.DeletePropagationBackground}},
		"owner waits, has dependent": {view{object: owned("a"), standings: []standing{waiting}, dependents: dependents}, step{do: deleteObject, policy: metav1.DeletePropagationForeground}},
		"owner waits in a circle":    {view{object: owned("a"), standings: []standing{waiting}, dependents: dependents, dependentWaits: true}, step{do: unblockAndDelete, policy: metav1.DeletePropagationForeground}},
		"owner is gone, asks for orphans": {
			view{object: &object{owners: refs("a"), finalizers: []string{orphan}}, standings: []standing{dangling}},
			step{do: deleteObject, policy: metav1.DeletePropagationOrphan},
		},
		"is on its way out":     {view{object: &object{owners: refs("a"), deleting: true}}, step{}},
		"waits, blocked":        {view{object: &object{deleting: true, finalizers: []string{foreground}}, blocked: true}, step{do: awaitDependents}},
		"waits, free to go":     {view{object: &object{deleting: true, finalizers: []string{foreground}}, dependents: dependents}, step{do: release}},
		"orphans":               {view{object: &object{deleting: true, finalizers: []string{orphan}}}, step{do: orphanDependents}},
		"asked for both ways":   {view{object: &object{deleting: true, finalizers: []string{foreground, orphan}}}, step{do: orphanDependents}},
		"other finalizer holds": {view{object: &object{deleting: true, finalizers: []string{"x/y"}}}, step{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Empty(t, cmp.Diff(test.want, decide(test.object), cmp.AllowUnexported(step{})))
		})
	}
}

func TestPatches(t *testing.T) {
	yes := true
	o := &object{uid: "u", owners: refs("a", "b", "c"), finalizers: []string{"x/y", "orphan"}}
	o.owners[1].BlockOwnerDeletion = &yes
	tests := map[string]struct {
		patch jsonPatch
		want  string
	}{
		"drops from the end": {dropOwners(o, []types.UID{"a", "c"}), `[
			{"op":"test","path":"/metadata/uid","value":"u"},
			{"op":"test","path":"/metadata/ownerReferences/2/uid","value":"c"},
			{"op":"remove","path":"/metadata/ownerReferences/2"},
			{"op":"test","path":"/metadata/ownerReferences/0/uid","value":"a"},
			{"op":"remove","path":"/metadata/ownerReferences/0"}]`},
		"unblocks what blocks": {unblockOwners(o), `[
			{"op":"test","path":"/metadata/uid","value":"u"},
			{"op":"test","path":"/metadata/ownerReferences/1/uid","value":"b"},
			{"op":"remove","path":"/metadata/ownerReferences/1/blockOwnerDeletion"}]`},
		"removes its finalizer": {removeFinalizer(o, "orphan"), `[
			{"op":"test","path":"/metadata/uid","value":"u"},
			{"op":"test","path":"/metadata/finalizers/1","value":"orphan"},
			{"op":"remove","path":"/metadata/finalizers/1"}]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			body, err := test.patch.encode(o.uid)
			assert.NoError(t, err)
			assert.JSONEq(t, test.want, string(body))
		})
	}
	assert.Empty(t, dropOwners(o, []types.UID{"z"}))
	assert.Empty(t, removeFinalizer(o, "z"))
}

func owned(owners ...types.UID) *object { return &object{owners: refs(owners...)} }

func refs(owners ...types.UID) []metav1.OwnerReference {
	var all []metav1.OwnerReference
	for _, uid := range owners {
		all = append(all, metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: string(uid), UID: uid})
	}
	return all
}
