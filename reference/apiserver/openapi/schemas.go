package openapi

import (
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// version is the version of OpenAPI that a document is written in.
type version int

const (
	v2 version = 2
	v3 version = 3
)

// schemas collects the schemas of Go types and of all types they are made of.
// What a Go type cannot say by its fields it says by methods: its name in
// documents, the documentation of its fields, a form of its own.
type schemas struct {
	version
	byName map[string]spec.Schema
	kinds  map[string][]schema.GroupVersionKind // by name: the kinds a type stands for
}

func newSchemas(v version) *schemas {
	return &schemas{version: v, byName: map[string]spec.Schema{}, kinds: map[string][]schema.GroupVersionKind{}}
}

// models are the schemas by name.
func (s *schemas) models() map[string]*spec.Schema {
	models := make(map[string]*spec.Schema, len(s.byName))
	for name, built := range s.byName {
		models[name] = &built
	}
	return models
}

type named interface{ OpenAPIModelName() string }

type documented interface{ SwaggerDoc() map[string]string }

type shaped interface {
	OpenAPISchemaType() []string
	OpenAPISchemaFormat() string
}

type oneOfTypes interface{ OpenAPIV3OneOfTypes() []string }

// nameOf is a type's name in documents.
func nameOf(t reflect.Type) string {
	if n, ok := reflect.Zero(t).Interface().(named); ok {
		return n.OpenAPIModelName()
	}
	domain, rest, _ := strings.Cut(t.PkgPath(), "/")
	parts := strings.Split(domain, ".")
	slices.Reverse(parts)
	return strings.Join(append(append(parts, strings.Split(rest, "/")...), t.Name()), ".")
}

func (s *schemas) ref(name string) spec.Schema {
	prefix := "#/definitions/"
	if s.version == v3 {
		prefix = "#/components/schemas/"
	}
	return spec.Schema{SchemaProps: spec.SchemaProps{Ref: spec.MustCreateRef(prefix + name)}}
}

// of returns the schema that stands for a value of the type: its own, or a
// reference to the one of its name.
func (s *schemas) of(t reflect.Type) spec.Schema {
	if t.Kind() == reflect.Pointer {
		return s.of(t.Elem())
	}
	if t.Kind() == reflect.Struct || isShaped(t) {
		return s.add(t)
	}
	switch t.Kind() {
	case reflect.Bool:
		return *spec.BooleanProperty()
	case reflect.Int32, reflect.Uint32, reflect.Uint16, reflect.Uint8:
		return *spec.Int32Property()
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return *spec.Int64Property()
	case reflect.Float32, reflect.Float64:
		return *spec.Float64Property()
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return *spec.StrFmtProperty("byte")
		}
		items := s.of(t.Elem())
		return *spec.ArrayProperty(&items)
	case reflect.Map:
		values := s.of(t.Elem())
		return *spec.MapProperty(&values)
	case reflect.String:
		return *spec.StringProperty()
	default:
		return spec.Schema{SchemaProps: spec.SchemaProps{Type: []string{"object"}}}
	}
}

func isShaped(t reflect.Type) bool {
	_, ok := reflect.Zero(t).Interface().(shaped)
	return ok
}

// add makes the schema of a named type, unless it is there, and refers to it.
func (s *schemas) add(t reflect.Type) spec.Schema {
	name := nameOf(t)
	if _, done := s.byName[name]; done {
		return s.ref(name)
	}
	s.byName[name] = spec.Schema{} // a type may contain itself
	s.byName[name] = s.build(t)
	return s.ref(name)
}

func (s *schemas) build(t reflect.Type) spec.Schema {
	zero := reflect.Zero(t).Interface()
	doc := map[string]string{}
	if d, ok := zero.(documented); ok {
		doc = d.SwaggerDoc()
	}
	built := spec.Schema{SchemaProps: spec.SchemaProps{Description: doc[""]}}
	if form, ok := zero.(shaped); ok {
		built.Type, built.Format = form.OpenAPISchemaType(), form.OpenAPISchemaFormat()
		if choice, ok := zero.(oneOfTypes); ok && s.version == v3 {
			built.Type = nil
			for _, kind := range choice.OpenAPIV3OneOfTypes() {
				built.OneOf = append(built.OneOf, spec.Schema{SchemaProps: spec.SchemaProps{Type: []string{kind}}})
			}
		}
		return built
	}
	built.Type = []string{"object"}
	if atomicTypes.Has(marked(nameOf(t))) {
		built.AddExtension(mapType, "atomic")
	}
	if t != reflect.TypeFor[runtime.RawExtension]() {
		s.fields(&built, marked(nameOf(t)), t, doc)
	}
	slices.Sort(built.Required)
	return built
}

// fields adds a struct's fields as properties; those of embedded structs are
// its own.
func (s *schemas) fields(to *spec.Schema, model string, t reflect.Type, doc map[string]string) {
	for i := range t.NumField() {
		field := t.Field(i)
		tag := field.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case tag == "-" || !field.IsExported():
			continue
		case name == "" && field.Type.Kind() == reflect.Struct:
			inner := map[string]string{}
			if d, ok := reflect.Zero(field.Type).Interface().(documented); ok {
				inner = d.SwaggerDoc()
			}
			s.fields(to, model, field.Type, inner)
			continue
		case name == "":
			continue
		}
		if to.Properties == nil {
			to.Properties = map[string]spec.Schema{}
		}
		required := !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero")
		property := s.property(field, doc[name])
		s.mark(&property, model+"."+name, field.Type, required)
		to.Properties[name] = property
		if required {
			to.Required = append(to.Required, name)
		}
	}
}

// property is a field's schema, with what its tags say of patches.
func (s *schemas) property(field reflect.StructField, description string) spec.Schema {
	p := s.of(field.Type)
	if p.Ref.String() != "" && s.version == v3 {
		// Nothing may stand beside a reference there.
		p = spec.Schema{SchemaProps: spec.SchemaProps{AllOf: []spec.Schema{p}}}
	}
	p.Description = description
	if strategy := field.Tag.Get("patchStrategy"); strategy != "" {
		p.AddExtension("x-kubernetes-patch-strategy", strategy)
	}
	if key := field.Tag.Get("patchMergeKey"); key != "" {
		p.AddExtension("x-kubernetes-patch-merge-key", key)
		p.AddExtension("x-kubernetes-list-type", "map")
		p.AddExtension("x-kubernetes-list-map-keys", []string{key})
	}
	return p
}

// mark adds to a property what the tables know of the field.
func (s *schemas) mark(property *spec.Schema, field string, t reflect.Type, required bool) {
	for extension, value := range mergedFields[field] {
		property.AddExtension(extension, value)
	}
	if s.version == v2 {
		return // which says nothing of defaults in Kubernetes
	}
	if known, ok := defaults[field]; ok {
		property.Default = known
	} else {
		property.Default = zeroOf(t, required)
	}
}

// zeroOf is the default of a field of that type; nil if it has none. A struct that is no
// pointer is always there.
func zeroOf(t reflect.Type, required bool) any {
	switch {
	case isShaped(t), t == reflect.TypeFor[runtime.RawExtension]():
		return nil
	case t.Kind() == reflect.Struct:
		return map[string]any{}
	case !required:
		return nil
	case t.Kind() == reflect.String:
		return ""
	case t.Kind() == reflect.Bool:
		return false
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64:
		return 0
	default:
		return nil
	}
}

// stands marks the type as that of a kind, and refers to it.
func (s *schemas) stands(t reflect.Type, gvk schema.GroupVersionKind) spec.Schema {
	ref := s.of(t)
	name := nameOf(t)
	if slices.Contains(s.kinds[name], gvk) {
		return ref
	}
	s.kinds[name] = append(s.kinds[name], gvk)
	marked := s.byName[name]
	all := make([]any, 0, len(s.kinds[name]))
	for _, k := range s.kinds[name] {
		all = append(all, kindExtension(k))
	}
	marked.AddExtension(kindKey, all)
	s.byName[name] = marked
	return ref
}

const (
	kindKey   = "x-kubernetes-group-version-kind"
	actionKey = "x-kubernetes-action"
)

func kindExtension(gvk schema.GroupVersionKind) map[string]any {
	return map[string]any{"group": gvk.Group, "version": gvk.Version, "kind": gvk.Kind}
}

var (
	patchType  = reflect.TypeFor[metav1.Patch]()
	statusType = reflect.TypeFor[metav1.Status]()
	deleteType = reflect.TypeFor[metav1.DeleteOptions]()
)
