package apiserver_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
)

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// TestNoCustomResources is what a client finds out that looks for them.
func TestNoCustomResources(t *testing.T) {
	const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
	const none = "this API server has no custom resources"
	body := `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"x"}}`
	inBubble(t, func(t *testing.T, c *cluster) {
		c.send(t, []request{
			{method: http.MethodGet, path: path, code: 200,
				has: map[string]any{"kind": "CustomResourceDefinitionList", "apiVersion": "apiextensions.k8s.io/v1", "items": []any{}}},
			{method: http.MethodGet, path: path + "/x", code: 404, says: `customresourcedefinitions.apiextensions.k8s.io "x" not found`},
			{method: http.MethodDelete, path: path + "/x", code: 404},
			{method: http.MethodPost, path: path, code: 403, body: body, says: none},
			{method: http.MethodPut, path: path + "/x", code: 403, body: body, says: none},
			{method: http.MethodPatch, path: path + "/x?fieldManager=f", contentType: apply, code: 403, body: body, says: none},
			{method: http.MethodGet, path: path + "/x/status", code: 404},
		})
		client, err := dynamic.NewForConfig(c.config)
		require.NoError(t, err)
		w, err := client.Resource(definitions).Watch(t.Context(), metav1.ListOptions{AllowWatchBookmarks: true})
		require.NoError(t, err)
		defer w.Stop()
		select {
		case event := <-w.ResultChan():
			require.Equal(t, watch.Bookmark, event.Type)
		case <-time.After(2 * time.Minute):
			require.Fail(t, "no bookmark")
		}
		partial, err := metadata.NewForConfig(c.config)
		require.NoError(t, err)
		list, err := partial.Resource(definitions).List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Empty(t, list.Items)
		require.NotEmpty(t, list.ResourceVersion)
	})
}
