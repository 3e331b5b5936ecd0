package apiserver

import (
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// typeConverter knows the schema of every kind. It takes long to make.
var typeConverter = sync.OnceValue(func() managedfields.TypeConverter {
	return &trustingConverter{TypeConverter: applyconfigurations.NewTypeConverter(scheme.Scheme)}
})

// trustingConverter does not validate an object of a Go type against the schema
// that was made from the same type: it is half the cost of comparing two
// versions. What comes as a map, as in server-side apply, is validated.
type trustingConverter struct {
	managedfields.TypeConverter
	known sync.Map // schema.GroupVersionKind → *typed.TypedValue, any of that kind
}

// ObjectToTyped implements managedfields.TypeConverter.
func (c *trustingConverter) ObjectToTyped(obj runtime.Object, options ...typed.ValidationOptions) (*typed.TypedValue, error) {
	if _, ok := obj.(runtime.Unstructured); ok {
		return c.TypeConverter.ObjectToTyped(obj, options...)
	}
	kind := obj.GetObjectKind().GroupVersionKind()
	known, ok := c.known.Load(kind)
	if !ok {
		// An empty one, so that no caller's object is kept.
		empty, err := scheme.Scheme.New(kind)
		if err != nil {
			return nil, err
		}
		empty.GetObjectKind().SetGroupVersionKind(kind)
		first, err := c.TypeConverter.ObjectToTyped(empty)
		if err != nil {
			return nil, err
		}
		known, _ = c.known.LoadOrStore(kind, first)
	}
	sample := known.(*typed.TypedValue)
	v, err := value.NewValueReflect(obj)
	if err != nil {
		return nil, err
	}
	return typed.AsTypedUnvalidated(v, sample.Schema(), sample.TypeRef()), nil
}
