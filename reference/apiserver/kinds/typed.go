package kinds

import (
	"time"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The functions below turn functions over a kind's Go type into the functions
// over runtime.Object that a Kind holds. The generic part hands every Kind only
// objects of its own type.

func on[T runtime.Object](f func(T)) func(runtime.Object) {
	return func(obj runtime.Object) { f(obj.(T)) }
}

func onBoth[T runtime.Object](f func(obj, old T)) func(obj, old runtime.Object) {
	return func(obj, old runtime.Object) { f(obj.(T), old.(T)) }
}

func check[T runtime.Object](f func(T) field.ErrorList) func(runtime.Object) field.ErrorList {
	return func(obj runtime.Object) field.ErrorList { return f(obj.(T)) }
}

func checkBoth[T runtime.Object](f func(obj, old T) field.ErrorList) func(obj, old runtime.Object) field.ErrorList {
	return func(obj, old runtime.Object) field.ErrorList { return f(obj.(T), old.(T)) }
}

func cells[T runtime.Object](f func(T, time.Time) []any) func(runtime.Object, time.Time) []any {
	return func(obj runtime.Object, now time.Time) []any { return f(obj.(T), now) }
}

// selectable gives k the fields that f returns of every object (API-READ-04).
func selectable[T runtime.Object](k *Kind, f func(T) fields.Set, zero T) {
	k.Fields = func(obj runtime.Object) fields.Set { return f(obj.(T)) }
	for name := range f(zero) {
		k.FieldNames = append(k.FieldNames, name)
	}
}

// scalable gives k the scale subresource (API-UPDATE-11).
func scalable[T runtime.Object](k *Kind, get func(T) (spec, status int32, selector string), set func(T) *(*int32)) {
	k.Scale = &Scale{
		Get: func(obj runtime.Object) (int32, int32, string) { return get(obj.(T)) },
		Set: func(obj runtime.Object, replicas int32) { *set(obj.(T)) = &replicas },
	}
}

// orDefault points field at value if the client left it out.
func orDefault[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

// orValue sets field to value if the client left it out.
func orValue[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
