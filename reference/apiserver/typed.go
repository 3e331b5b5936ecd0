package apiserver

import (
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/podchain/podchain/reference/apiserver/kinds"
	"github.com/podchain/podchain/reference/apiserver/openapi"
)

// typeConverter knows the schemas of the kinds that are served, by which objects are merged
// and their fields owned. Those of a group version are made when they are first needed: to
// make them all takes longer than to start a server.
//
// It does not validate an object of a Go type against the schema that was made from the
// same type: it is half the cost of comparing two versions. What comes as a map, as in
// server-side apply, is validated.
type typeConverter struct {
	ofGroup map[schema.GroupVersion]func() managedfields.TypeConverter
	known   sync.Map // schema.GroupVersionKind → *typed.TypedValue, any of that kind
}

// converter is shared by all servers of a process.
var converter = sync.OnceValue(func() managedfields.TypeConverter {
	c := &typeConverter{ofGroup: map[schema.GroupVersion]func() managedfields.TypeConverter{}}
	for gv, served := range openapi.ByGroupVersion(kinds.All()) {
		c.ofGroup[gv] = sync.OnceValue(func() managedfields.TypeConverter {
			made, err := managedfields.NewTypeConverter(openapi.Models(served), false)
			if err != nil {
				panic(err) // the schemas are made here
			}
			return made
		})
	}
	return c
})

// TypedToObject implements managedfields.TypeConverter.
func (c *typeConverter) TypedToObject(from *typed.TypedValue) (runtime.Object, error) {
	return managedfields.NewDeducedTypeConverter().TypedToObject(from)
}

// ObjectToTyped implements managedfields.TypeConverter.
func (c *typeConverter) ObjectToTyped(obj runtime.Object, options ...typed.ValidationOptions) (*typed.TypedValue, error) {
	kind := obj.GetObjectKind().GroupVersionKind()
	of := c.ofGroup[kind.GroupVersion()]
	if of == nil {
		return nil, errNoSchema(kind)
	}
	if _, ok := obj.(runtime.Unstructured); ok {
		return of().ObjectToTyped(obj, options...)
	}
	known, ok := c.known.Load(kind)
	if !ok {
		// An empty one, so that no caller's object is kept.
		empty, err := scheme.Scheme.New(kind)
		if err != nil {
			return nil, err
		}
		empty.GetObjectKind().SetGroupVersionKind(kind)
		first, err := of().ObjectToTyped(empty)
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
