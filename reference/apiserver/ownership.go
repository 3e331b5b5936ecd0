package apiserver

import (
	"reflect"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// ownership keeps metadata.managedFields of one kind, as written through one
// subresource (API-META-10, API-UPDATE-08).
type ownership = managedfields.FieldManager

// bookkeeping is what the servers of a process share about one kind: it costs
// more to find out than a server lives for in a scenario.
type bookkeeping struct {
	managers  sync.Map // subresource → *ownership
	creations creations
}

var bookkeepings sync.Map // schema.GroupVersionKind → *bookkeeping

func bookkeepingOf(kind schema.GroupVersionKind) *bookkeeping {
	known, ok := bookkeepings.Load(kind)
	if !ok {
		known, _ = bookkeepings.LoadOrStore(kind, &bookkeeping{})
	}
	return known.(*bookkeeping)
}

// ownership returns the manager of the fields written through a subresource;
// nil for a kind without a schema.
func (r *resource) ownership(subresource string) *ownership {
	if known, ok := r.managers.Load(subresource); ok {
		return known.(*ownership)
	}
	gv := r.gvk().GroupVersion()
	m, err := managedfields.NewDefaultFieldManager(converter(), versions{r.gvk()}, noDefaults{}, scheme.Scheme,
		r.gvk(), gv, subresource, r.foreignFields(subresource))
	if err != nil {
		m = nil
	}
	known, _ := r.managers.LoadOrStore(subresource, m)
	return known.(*ownership)
}

// foreignFields are those that a write through the subresource cannot change,
// and so does not own either.
func (r *resource) foreignFields(subresource string) map[fieldpath.APIVersion]fieldpath.Filter {
	if r.PrepareForStatus == nil {
		return nil
	}
	paths := []fieldpath.Path{fieldpath.MakePathOrDie("status")}
	if subresource == "status" {
		paths = []fieldpath.Path{fieldpath.MakePathOrDie("spec")}
	}
	return fieldpath.NewExcludeFilterSetMap(map[fieldpath.APIVersion]*fieldpath.Set{
		fieldpath.APIVersion(r.gvk().GroupVersion().String()): fieldpath.NewSet(paths...),
	})
}

// own records in obj, which it may change, what the manager changed compared
// with live (nil: everything). It is the dearest part of a write, so it is kept
// from looking at what cannot matter: see prune and creations.
func (r *resource) own(live, obj runtime.Object, subresource, manager string) runtime.Object {
	m := r.ownership(subresource)
	if m == nil {
		return obj
	}
	if live == nil {
		return r.ownAll(m, obj, subresource, manager)
	}
	gvk := r.gvk()
	before, after := shallowCopy(live, gvk), shallowCopy(obj, gvk)
	prune(before, after)
	after = m.UpdateNoErrors(before, after, manager)
	accessor(obj).SetManagedFields(accessor(after).GetManagedFields())
	return obj
}

// prune empties the fields that two objects, both shallow copies, have in
// common, down to the fields of metadata, spec and status: comparing the rest
// gives the same changes.
func prune(a, b runtime.Object) {
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range x.NumField() {
		name := x.Type().Field(i).Name
		if name == "TypeMeta" {
			continue
		}
		if f, g := x.Field(i), y.Field(i); f.Kind() == reflect.Struct && name != "ObjectMeta" && reflect.DeepEqual(f.Interface(), g.Interface()) {
			f.SetZero()
			g.SetZero()
		} else if f.Kind() == reflect.Struct {
			pruneFields(f, g)
		} else if reflect.DeepEqual(f.Interface(), g.Interface()) {
			f.SetZero()
			g.SetZero()
		}
	}
}

func pruneFields(x, y reflect.Value) {
	for i := range x.NumField() {
		field := x.Type().Field(i)
		if field.Name == "ManagedFields" || !field.IsExported() {
			continue
		}
		if f, g := x.Field(i), y.Field(i); reflect.DeepEqual(f.Interface(), g.Interface()) {
			f.SetZero()
			g.SetZero()
		}
	}
}

// creations remembers the fields of objects that were created lately, by their
// content without name and namespace, which are no managed fields: the Pods of a
// ReplicaSet all have the same.
type creations struct {
	mu    sync.Mutex
	known map[string]*metav1.FieldsV1
}

// creationsKept is when the memory starts anew.
const creationsKept = 256

// ownAll makes the manager the owner of every field of a new object.
func (r *resource) ownAll(m *ownership, obj runtime.Object, subresource, manager string) runtime.Object {
	after := shallowCopy(obj, r.gvk())
	accessor(after).SetName("")
	accessor(after).SetNamespace("")
	content, err := marshal(after)
	if err != nil {
		return obj
	}
	key := subresource + "/" + string(content)
	r.creations.mu.Lock()
	fields := r.creations.known[key]
	r.creations.mu.Unlock()
	if fields != nil {
		now := metav1.NewTime(time.Now().UTC().Truncate(time.Second))
		accessor(obj).SetManagedFields([]metav1.ManagedFieldsEntry{{
			Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, Subresource: subresource,
			APIVersion: r.gvk().GroupVersion().String(), Time: &now, FieldsType: "FieldsV1", FieldsV1: fields,
		}})
		return obj
	}
	after = m.UpdateNoErrors(shallowCopy(r.empty(), r.gvk()), after, manager)
	managed := accessor(after).GetManagedFields()
	accessor(obj).SetManagedFields(managed)
	if len(managed) == 1 {
		r.creations.mu.Lock()
		if r.creations.known == nil || len(r.creations.known) >= creationsKept {
			r.creations.known = map[string]*metav1.FieldsV1{}
		}
		r.creations.known[key] = managed[0].FieldsV1
		r.creations.mu.Unlock()
	}
	return obj
}

// apply merges what the manager wants into live and returns a new object.
func (r *resource) apply(live, wanted runtime.Object, subresource, manager string, force bool) (runtime.Object, error) {
	m := r.ownership(subresource)
	if m == nil {
		return nil, errNoSchema(r.gvk())
	}
	gvk := r.gvk()
	obj, err := m.Apply(shallowCopy(live, gvk), wanted, manager, force)
	if err != nil {
		return nil, err
	}
	obj = obj.DeepCopyObject()
	obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	return obj, nil
}

type errNoSchema schema.GroupVersionKind

func (e errNoSchema) Error() string { return "no schema is known of kind " + e.Kind }

func (r *resource) empty() runtime.Object {
	obj, err := scheme.Scheme.New(r.gvk())
	if err != nil {
		panic(err) // kinds are those of the scheme
	}
	return obj
}

// shallowCopy returns a shared object with its kind set. Its metadata may be
// replaced, what is below may not.
func shallowCopy(obj runtime.Object, gvk schema.GroupVersionKind) runtime.Object {
	v := reflect.New(reflect.TypeOf(obj).Elem())
	v.Elem().Set(reflect.ValueOf(obj).Elem())
	c := v.Interface().(runtime.Object)
	c.GetObjectKind().SetGroupVersionKind(gvk)
	return c
}

// versions converts between the versions of a kind. Most have but one; then all it
// does is to name the kind, and to turn maps into the Go type.
type versions struct{ schema.GroupVersionKind }

func (versions) Convert(in, out, context any) error {
	return scheme.Scheme.Convert(in, out, context)
}

func (v versions) ConvertToVersion(in runtime.Object, target runtime.GroupVersioner) (runtime.Object, error) {
	to := v.GroupVersionKind
	viewed, view := viewOf(v.GroupKind())
	if gv, ok := target.(schema.GroupVersion); ok && view != nil {
		if to = gv.WithKind(v.Kind); to != viewed && to != view.stored {
			return nil, runtime.NewNotRegisteredErrForKind("apiserver", to)
		}
	}
	obj, from := in, to
	if u, ok := in.(runtime.Unstructured); ok {
		if view != nil {
			from = u.GetObjectKind().GroupVersionKind()
		}
		var err error
		if obj, err = scheme.Scheme.New(from); err != nil {
			return nil, err
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.UnstructuredContent(), obj); err != nil {
			return nil, err
		}
	} else if view != nil {
		// Its Go type says which version it is; a typed object need not name it.
		of, _, err := scheme.Scheme.ObjectKinds(obj)
		if err != nil {
			return nil, err
		}
		from = of[0]
	}
	switch {
	case from == to:
	case to == viewed:
		obj = view.fromStored(obj)
	default:
		obj = view.toStored(obj)
	}
	obj.GetObjectKind().SetGroupVersionKind(to)
	return obj, nil
}

func (versions) ConvertFieldLabel(_ schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}

type noDefaults struct{}

func (noDefaults) Default(runtime.Object) {}
