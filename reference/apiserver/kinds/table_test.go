package kinds_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/podchain/podchain/reference/apiserver/kinds"
)

func TestAll(t *testing.T) {
	resources := map[string]bool{}
	for _, k := range kinds.All() {
		obj, err := scheme.Scheme.New(k.GroupVersionKind)
		require.NoError(t, err)
		assert.Implements(t, (*metav1.Object)(nil), obj, "%v is stored, so it has metadata", k.GroupVersionKind)
		_, err = scheme.Scheme.New(k.GroupVersion().WithKind(k.Kind + "List"))
		assert.NoError(t, err)
		resource := k.GroupVersion().WithResource(k.Resource).String()
		assert.False(t, resources[resource], "%s appears twice", resource)
		resources[resource] = true
		if k.Row != nil {
			assert.Len(t, k.Row(obj, metav1.Now().Time), len(k.Columns), "%s: one cell per column", resource)
		}
	}
}

func TestDefaultsOfEmptyObjectsAreStable(t *testing.T) {
	for _, k := range kinds.All() {
		if k.Default == nil {
			continue
		}
		obj, err := scheme.Scheme.New(k.GroupVersionKind)
		require.NoError(t, err)
		k.Default(obj)
		once := obj.DeepCopyObject()
		k.Default(obj)
		assert.Equal(t, once, obj, "%v", k.GroupVersionKind)
	}
}
