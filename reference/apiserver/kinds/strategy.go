package kinds

import (
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// shape is where a kind keeps its status and its desired state, found once by
// reflection over its Go type.
type shape struct {
	// status is the index of field Status, -1 for none.
	status int
	// desired are the fields that are neither metadata nor status: Spec, or
	// whatever a kind without a spec has in its place.
	desired []int
}

func (r row) shape() shape {
	obj, err := scheme.Scheme.New(r.WithKind(r.kind))
	if err != nil {
		panic(fmt.Sprintf("kinds: the table has a kind that the scheme does not know: %v", err))
	}
	t := reflect.TypeOf(obj).Elem()
	s := shape{status: -1}
	for i := range t.NumField() {
		switch t.Field(i).Name {
		case "TypeMeta", "ObjectMeta":
		case "Status":
			s.status = i
		default:
			s.desired = append(s.desired, i)
		}
	}
	return s
}

// prepare gives a kind the strategy nearly every kind has: status belongs to
// /status (API-UPDATE-09), everything else to the main resource
// (API-UPDATE-10), and generation counts changes of the desired state
// (API-META-06). Kinds that differ replace or wrap it in their extension.
func (r row) prepare(k *Kind) {
	s := r.shape()
	isolated := r.is(status) && s.status >= 0
	k.PrepareForCreate = func(obj runtime.Object) {
		if isolated {
			fieldOf(obj, s.status).SetZero()
		}
		meta(obj).SetGeneration(0)
		if r.is(generation) {
			meta(obj).SetGeneration(1)
		}
	}
	k.PrepareForUpdate = func(obj, old runtime.Object) {
		if isolated {
			fieldOf(obj, s.status).Set(fieldOf(old, s.status))
		}
		meta(obj).SetGeneration(meta(old).GetGeneration())
		if r.is(generation) && s.differ(obj, old) {
			raiseGeneration(obj, old)
		}
	}
	if !isolated {
		return
	}
	k.PrepareForStatus = func(obj, old runtime.Object) {
		for _, i := range s.desired {
			fieldOf(obj, i).Set(fieldOf(old, i))
		}
		meta(obj).SetGeneration(meta(old).GetGeneration())
	}
}

// differ says whether two objects of the kind ask for different things. Nil
// and empty are the same, as they are on the wire.
func (s shape) differ(obj, old runtime.Object) bool {
	for _, i := range s.desired {
		if !equality.Semantic.DeepEqual(fieldOf(obj, i).Interface(), fieldOf(old, i).Interface()) {
			return true
		}
	}
	return false
}

func raiseGeneration(obj, old runtime.Object) {
	meta(obj).SetGeneration(meta(old).GetGeneration() + 1)
}

func fieldOf(obj runtime.Object, index int) reflect.Value {
	return reflect.ValueOf(obj).Elem().Field(index)
}

func meta(obj runtime.Object) metav1.Object { return obj.(metav1.Object) }

// after returns first followed by then, for kinds that add to the common strategy.
func after(first, then func(obj, old runtime.Object)) func(obj, old runtime.Object) {
	return func(obj, old runtime.Object) {
		first(obj, old)
		then(obj, old)
	}
}

// afterCreate returns first followed by then, for kinds that add to the common strategy.
func afterCreate[T runtime.Object](first func(runtime.Object), then func(T)) func(runtime.Object) {
	return func(obj runtime.Object) {
		first(obj)
		then(obj.(T))
	}
}
