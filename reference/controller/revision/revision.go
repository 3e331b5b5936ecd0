// Package revision keeps the history of a Pod template in ControllerRevision
// objects (STS-08, DS-08): one object for every template that its owner has
// had, numbered in the order in which they were last in use.
//
// StatefulSets and DaemonSets share it, and so do their users: clients roll
// back by applying the data of a revision as a patch to its owner.
package revision

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/controller"
)

// Owner is what has the template.
type Owner struct {
	Object   metav1.Object
	Kind     schema.GroupVersionKind
	Template *corev1.PodTemplateSpec
	// Collisions is how many names turned out to be taken by other templates.
	Collisions *int32
	// HashLabel is the label of a revision that holds its hash.
	HashLabel string
}

// maxCollisions bounds the attempts at a free name within one look.
const maxCollisions = 10

// Sort orders revisions from the oldest to the newest.
func Sort(revisions []*appsv1.ControllerRevision) {
	slices.SortFunc(revisions, func(a, b *appsv1.ControllerRevision) int {
		return cmp.Or(
			cmp.Compare(a.Revision, b.Revision),
			a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
			cmp.Compare(a.Name, b.Name),
		)
	})
}

// Current returns the revision of the owner's present template, given all of
// its revisions in order. It creates the revision, or makes an earlier one the
// newest again, so a rollback makes no new one (DS-08). The number of collisions
// is returned for the owner's status.
func Current(ctx context.Context, client controller.Client[*appsv1.ControllerRevision], owner Owner, sorted []*appsv1.ControllerRevision) (*appsv1.ControllerRevision, *int32, error) {
	data, err := Data(owner.Template)
	if err != nil {
		return nil, nil, err
	}
	newest := int64(0)
	if len(sorted) > 0 {
		newest = sorted[len(sorted)-1].Revision
	}
	for _, known := range slices.Backward(sorted) {
		if !holds(known, data, owner.Template) {
			continue
		}
		if known.Revision == newest {
			return known, owner.Collisions, nil
		}
		renewed := known.DeepCopy()
		renewed.Revision = newest + 1
		renewed, err = client.Update(ctx, renewed, metav1.UpdateOptions{})
		return renewed, owner.Collisions, err
	}
	return create(ctx, client, owner, data, newest+1)
}

// create stores a new revision under the first name that is free.
func create(ctx context.Context, client controller.Client[*appsv1.ControllerRevision], owner Owner, data []byte, number int64) (*appsv1.ControllerRevision, *int32, error) {
	collisions := owner.Collisions
	for range maxCollisions {
		wanted := describe(owner, data, number, collisions)
		created, err := client.Create(ctx, wanted, metav1.CreateOptions{})
		if !apierrors.IsAlreadyExists(err) {
			return created, collisions, err
		}
		found, err := client.Get(ctx, wanted.Name, metav1.GetOptions{})
		if err != nil {
			return nil, nil, err
		}
		if metav1.IsControlledBy(found, owner.Object) && holds(found, data, owner.Template) {
			return found, collisions, nil // made a moment ago: the cache does not show it yet
		}
		collisions = ptr.To(ptr.Deref(collisions, 0) + 1)
	}
	return nil, nil, errors.New("no free name for a ControllerRevision")
}

// describe returns the revision as it is to be created.
func describe(owner Owner, data []byte, number int64, collisions *int32) *appsv1.ControllerRevision {
	hash := Hash(data, collisions)
	labels := maps.Clone(owner.Template.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[owner.HashLabel] = hash
	return &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{
			Name:            owner.Object.GetName() + "-" + hash,
			Namespace:       owner.Object.GetNamespace(),
			Labels:          labels,
			Annotations:     owner.Object.GetAnnotations(),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(owner.Object, owner.Kind)},
		},
		Data:     runtime.RawExtension{Raw: data},
		Revision: number,
	}
}

// Data is the template in the form of a patch that puts it in place of another.
func Data(template *corev1.PodTemplateSpec) ([]byte, error) {
	encoded, err := runtime.DefaultUnstructuredConverter.ToUnstructured(template)
	if err != nil {
		return nil, err
	}
	encoded["$patch"] = "replace"
	return json.Marshal(map[string]any{"spec": map[string]any{"template": encoded}})
}

// Template is the template that a revision holds.
func Template(revision *appsv1.ControllerRevision) (*corev1.PodTemplateSpec, error) {
	var owner struct {
		Spec struct {
			Template corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(revision.Data.Raw, &owner); err != nil {
		return nil, fmt.Errorf("revision %s: %w", revision.Name, err)
	}
	return &owner.Spec.Template, nil
}

// holds returns whether a revision is of this template. The bytes are equal unless
// another client wrote them.
func holds(revision *appsv1.ControllerRevision, data []byte, template *corev1.PodTemplateSpec) bool {
	if bytes.Equal(revision.Data.Raw, data) {
		return true
	}
	held, err := Template(revision)
	return err == nil && equality.Semantic.DeepEqual(held, template)
}

// Hash names a template, in letters that are safe in a name and a label. No
// number of collisions is the same as none: a status that was written meanwhile
// must not give the template a second name, and so a second revision.
func Hash(data []byte, collisions *int32) string {
	hash := fnv.New32a()
	hash.Write(data) // a hash never returns an error
	if n := ptr.Deref(collisions, 0); n > 0 {
		hash.Write([]byte(strconv.Itoa(int(n))))
	}
	return rand.SafeEncodeString(strconv.FormatUint(uint64(hash.Sum32()), 10))
}
