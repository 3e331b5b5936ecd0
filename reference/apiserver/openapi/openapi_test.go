package openapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/openapi3"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/reference/apiserver/kinds"
	"github.com/podchain/podchain/reference/apiserver/openapi"
)

func client(t *testing.T) *discovery.DiscoveryClient {
	server := httptest.NewServer(openapi.Handler(kinds.All()))
	t.Cleanup(server.Close)
	return discovery.NewDiscoveryClientForConfigOrDie(&rest.Config{Host: server.URL})
}

func TestEveryGroupVersionIsDescribed(t *testing.T) {
	root := openapi3.NewRoot(client(t).OpenAPIV3())
	for _, k := range kinds.All() {
		document, err := root.GVSpec(k.GroupVersion())
		require.NoError(t, err)
		described := false
		for _, path := range document.Paths.Paths {
			if path.Patch == nil {
				continue
			}
			var parameters []string
			for _, p := range path.Patch.Parameters {
				parameters = append(parameters, p.Name)
			}
			assert.Contains(t, parameters, "fieldValidation")
			var gvk schema.GroupVersionKind
			require.NoError(t, path.Patch.Extensions.GetObject("x-kubernetes-group-version-kind", &gvk))
			described = described || gvk == k.GroupVersionKind
		}
		assert.True(t, described, "%v has a PATCH operation", k.GroupVersionKind)
	}
}

func TestSchemaOfDeployment(t *testing.T) {
	document, err := openapi3.NewRoot(client(t).OpenAPIV3()).GVSpec(schema.GroupVersion{Group: "apps", Version: "v1"})
	require.NoError(t, err)
	schemas := document.Components.Schemas
	spec := schemas["io.k8s.api.apps.v1.DeploymentSpec"]
	require.NotNil(t, spec)
	assert.Equal(t, []string{"selector", "template"}, spec.Required)
	assert.Equal(t, "int32", spec.Properties["replicas"].Format)
	assert.Contains(t, spec.Properties["replicas"].Description, "Number of desired pods")
	assert.Equal(t, "#/components/schemas/io.k8s.api.core.v1.PodTemplateSpec", spec.Properties["template"].AllOf[0].Ref.String())
	containers := schemas["io.k8s.api.core.v1.PodSpec"].Properties["containers"]
	assert.Equal(t, "name", containers.Extensions["x-kubernetes-patch-merge-key"])
	assert.Len(t, schemas["io.k8s.apimachinery.pkg.util.intstr.IntOrString"].OneOf, 2)
	for name, s := range schemas {
		assert.True(t, len(s.Type)+len(s.OneOf) > 0, name)
	}
}

func TestVersion2IsUnderstoodByItsClient(t *testing.T) {
	document, err := client(t).OpenAPISchema()
	require.NoError(t, err)
	assert.Greater(t, len(document.Definitions.AdditionalProperties), 300)
}

func TestIndexHashes(t *testing.T) {
	h := openapi.Handler(kinds.All())
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	var index struct {
		Paths map[string]struct{ ServerRelativeURL string }
	}
	require.NoError(t, json.Unmarshal(get("/openapi/v3").Body.Bytes(), &index))
	assert.Equal(t, http.StatusOK, get(index.Paths["apis/apps/v1"].ServerRelativeURL).Code)
	assert.Equal(t, http.StatusMovedPermanently, get("/openapi/v3/apis/apps/v1?hash=old").Code)
	assert.Equal(t, http.StatusNotFound, get("/openapi/v3/apis/nope/v1").Code)
}
