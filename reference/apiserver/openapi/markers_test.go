package openapi

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kube-openapi/pkg/schemaconv"
	"sigs.k8s.io/structured-merge-diff/v6/schema"

	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// clientSchema are the schemas that client-go carries for its apply configurations, which
// are generated from the comments of the Go types.
func clientSchema(t *testing.T) map[string]schema.TypeDef {
	kind := kinds.All()[0].GroupVersionKind
	object, err := scheme.Scheme.New(kind)
	require.NoError(t, err)
	object.GetObjectKind().SetGroupVersionKind(kind)
	typed, err := applyconfigurations.NewTypeConverter(scheme.Scheme).ObjectToTyped(object)
	require.NoError(t, err)
	types := map[string]schema.TypeDef{}
	for _, definition := range typed.Schema().Types {
		types[definition.Name] = definition
	}
	return types
}

// free are types that hold anything, which has no elements to merge: each of the two says
// so in its own way.
var free = map[string]bool{
	"io.k8s.apimachinery.pkg.util.intstr.IntOrString": true,
	"io.k8s.apimachinery.pkg.runtime.RawExtension":    true,
	"io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1":   true,
	"__untyped_atomic_":                               true,
	"__untyped_deduced_":                              true,
}

// TestModelsMergeAsKubernetesDoes holds what is served against the schemas of client-go:
// every type of every kind, every field, with its default.
func TestModelsMergeAsKubernetesDoes(t *testing.T) {
	want := clientSchema(t)
	got, err := schemaconv.ToSchemaFromOpenAPI(Models(kinds.All()), false)
	require.NoError(t, err)
	require.Greater(t, len(got.Types), 400)
	options := cmp.Options{
		cmpopts.SortSlices(func(a, b schema.StructField) bool { return a.Name < b.Name }),
		cmpopts.IgnoreFields(schema.Map{}, "Unions"),
		cmpopts.IgnoreUnexported(schema.Map{}, schema.TypeDef{}),
		// One was read as YAML, the other is Go.
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Default" }, cmp.Comparer(func(a, b any) bool {
			return assert.ObjectsAreEqual(asJSON(t, a), asJSON(t, b))
		})),
		cmp.Comparer(func(a, b schema.TypeRef) bool { return reflect.DeepEqual(a, b) || isFree(a) && isFree(b) }),
	}
	for _, definition := range got.Types {
		if free[definition.Name] || definition.Map != nil && len(definition.Map.Fields) == 0 {
			continue
		}
		if assert.Contains(t, want, definition.Name) {
			assert.Empty(t, cmp.Diff(want[definition.Name], definition, options), definition.Name)
		}
	}
}

func isFree(ref schema.TypeRef) bool { return ref.NamedType != nil && free[*ref.NamedType] }

func asJSON(t *testing.T, value any) string {
	if m, ok := value.(map[any]any); ok && len(m) == 0 {
		return "{}"
	}
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

// TestTablesNameWhatExists finds what no field or type has any more.
func TestTablesNameWhatExists(t *testing.T) {
	existing := map[string]bool{}
	for name, model := range Models(kinds.All()) {
		existing[marked(name)] = true
		for field := range model.Properties {
			existing[marked(name)+"."+field] = true
		}
	}
	for name := range atomicTypes {
		assert.True(t, existing[name], name)
	}
	for name := range mergedFields {
		assert.True(t, existing[name], name)
	}
	for name := range defaults {
		assert.True(t, existing[name], name)
	}
}
