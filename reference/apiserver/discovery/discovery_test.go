package discovery_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	discoverydocs "github.com/podchain/podchain/reference/apiserver/discovery"
	"github.com/podchain/podchain/reference/apiserver/kinds"
)

func get(path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	discoverydocs.Handler(kinds.All()).ServeHTTP(w, r)
	return w
}

func TestLegacyAndAggregatedAgree(t *testing.T) {
	server := httptest.NewServer(discoverydocs.Handler(kinds.All()))
	defer server.Close()
	aggregated := discovery.NewDiscoveryClientForConfigOrDie(&rest.Config{Host: server.URL})
	legacy := discovery.NewDiscoveryClientForConfigOrDie(&rest.Config{Host: server.URL})
	legacy.UseLegacyDiscovery = true

	groups, resources, err := aggregated.ServerGroupsAndResources()
	require.NoError(t, err)
	legacyGroups, legacyResources, err := legacy.ServerGroupsAndResources()
	require.NoError(t, err)

	assert.Len(t, groups, len(legacyGroups))
	assert.Equal(t, names(legacyResources), names(resources))
}

// names are the resources of each group version.
func names(lists []*metav1.APIResourceList) map[string][]string {
	all := map[string][]string{}
	for _, list := range lists {
		all[list.GroupVersion] = nil
		for _, r := range list.APIResources {
			all[list.GroupVersion] = append(all[list.GroupVersion], r.Name)
		}
		slices.Sort(all[list.GroupVersion])
	}
	return all
}

func TestScaleNamesItsGroupVersion(t *testing.T) {
	var list struct {
		Resources []struct{ Name, Group, Version, Kind string }
	}
	require.NoError(t, json.Unmarshal(get("/apis/apps/v1").Body.Bytes(), &list))
	assert.Contains(t, list.Resources, struct{ Name, Group, Version, Kind string }{"deployments/scale", "autoscaling", "v1", "Scale"})
}

func TestAnswers(t *testing.T) {
	const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
	etag := get("/apis", "Accept", aggregated).Header().Get("ETag")
	for _, test := range []struct {
		name, path string
		header     []string
		code       int
		kind       string
	}{
		{"versions", "/api", nil, 200, "APIVersions"},
		{"groups", "/apis", nil, 200, "APIGroupList"},
		{"group", "/apis/apps", nil, 200, "APIGroup"},
		{"version", "/apis/apps/v1/", nil, 200, "APIResourceList"},
		{"version of Scale", "/apis/autoscaling/v1", nil, 200, "APIResourceList"},
		{"aggregated", "/apis", []string{"Accept", aggregated + ";profile=nopeer,application/json"}, 200, "APIGroupDiscoveryList"},
		{"aggregated, core", "/api", []string{"Accept", aggregated}, 200, "APIGroupDiscoveryList"},
		{"retired aggregated version falls back", "/apis", []string{"Accept", "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"}, 200, "APIGroupList"},
		{"unchanged", "/apis", []string{"Accept", aggregated, "If-None-Match", etag}, 304, ""},
		{"unknown group", "/apis/nope", nil, 404, "Status"},
		{"unknown version", "/apis/apps/v9", nil, 404, "Status"},
		{"unknown form", "/apis/apps/v1", []string{"Accept", "application/foo"}, 406, "Status"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := get(test.path, test.header...)
			require.Equal(t, test.code, w.Code, w.Body)
			if test.kind == "" {
				return
			}
			var answer struct{ Kind string }
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
			assert.Equal(t, test.kind, answer.Kind)
		})
	}
}

// TestNoGroupVersionIsEmpty: a group version that is listed has something in it.
func TestNoGroupVersionIsEmpty(t *testing.T) {
	server := httptest.NewServer(discoverydocs.Handler(kinds.All()))
	defer server.Close()
	_, lists, err := discovery.NewDiscoveryClientForConfigOrDie(&rest.Config{Host: server.URL}).ServerGroupsAndResources()
	require.NoError(t, err)
	for version, resources := range names(lists) {
		assert.NotEmpty(t, resources, version)
	}
	assert.Contains(t, names(lists)["autoscaling/v1"], "horizontalpodautoscalers")
	preferred, err := discovery.NewDiscoveryClientForConfigOrDie(&rest.Config{Host: server.URL}).ServerPreferredResources()
	require.NoError(t, err)
	assert.Empty(t, names(preferred)["autoscaling/v1"], "the newer version is preferred")
}
