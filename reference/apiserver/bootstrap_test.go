package apiserver_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podchain/podchain/reference/apiserver"
	"github.com/podchain/podchain/reference/apiserver/kinds"
	"github.com/podchain/podchain/reference/store"
)

// TestBootstrapObjects looks for what every cluster has.
func TestBootstrapObjects(t *testing.T) {
	const (
		priorityClasses = "/apis/scheduling.k8s.io/v1/priorityclasses"
		endpointSlices  = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
		endpoints       = "/api/v1/namespaces/default/endpoints"
	)
	critical := `{"metadata":{"name":"p"},"spec":{"priorityClassName":"system-node-critical","containers":[{"name":"c","image":"i"}]}}`
	there := []request{
		{method: http.MethodGet, path: "/api/v1/namespaces/kube-system", code: 200, has: map[string]any{"status.phase": "Active"}},
		{method: http.MethodGet, path: "/api/v1/namespaces/kube-node-lease", code: 200},
		{method: http.MethodGet, path: priorityClasses + "/system-cluster-critical", code: 200,
			has: map[string]any{"value": 2_000_000_000, "preemptionPolicy": "PreemptLowerPriority", "globalDefault": nil, "metadata.generation": 1}},
		{method: http.MethodGet, path: priorityClasses + "/system-node-critical", code: 200, has: map[string]any{"value": 2_000_001_000}},
		{method: http.MethodGet, path: services + "/kubernetes", code: 200, has: map[string]any{
			"spec.clusterIP": "10.96.0.1", "spec.type": "ClusterIP", "spec.ipFamilies": []any{"IPv4"}, "spec.selector": nil,
			"metadata.labels": map[string]any{"component": "apiserver", "provider": "kubernetes"}}},
		{method: http.MethodGet, path: endpoints + "/kubernetes", code: 200,
			has: map[string]any{"metadata.labels": map[string]any{"endpointslice.kubernetes.io/skip-mirror": "true"}}},
		{method: http.MethodGet, path: endpointSlices + "/kubernetes", code: 200, has: map[string]any{"addressType": "IPv4"}},
	}
	inBubble(t, func(t *testing.T, c *cluster) {
		c.send(t, there)
		c.send(t, []request{
			{method: http.MethodPost, path: pods, code: 201, body: critical, has: map[string]any{"spec.priority": 2_000_001_000}},
			{method: http.MethodDelete, path: "/api/v1/namespaces/kube-system", code: 403, says: "this namespace may not be deleted"},
			{method: http.MethodDelete, path: priorityClasses + "/system-node-critical", code: 403, says: "this is a system priority class and cannot be deleted"},
			{method: http.MethodDelete, path: priorityClasses, code: 200},
			{method: http.MethodDelete, path: services + "/kubernetes?dryRun=All", code: 200},
			{method: http.MethodDelete, path: services + "/kubernetes", code: 200},
			{method: http.MethodDelete, path: endpoints + "/kubernetes", code: 200},
			{method: http.MethodDelete, path: endpointSlices + "/kubernetes", code: 200},
			{method: http.MethodDelete, path: "/api/v1/namespaces/kube-node-lease", code: 200},
			{method: http.MethodPut, path: "/api/v1/namespaces/kube-node-lease/finalize", code: 200, body: `{"metadata":{"name":"kube-node-lease"}}`},
		})
		c.send(t, there)
	})
}

// TestBootstrapObjectsStay starts a second server on the store of a first.
func TestBootstrapObjectsStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stored := store.NewMemory()
		first := startOn(t, stored, kinds.All(), "")
		before, err := first.client.CoreV1().Services("default").Get(t.Context(), "kubernetes", metav1.GetOptions{})
		require.NoError(t, err)
		revision, _, err := stored.Revision(t.Context())
		require.NoError(t, err)

		second := startOn(t, stored, kinds.All(), "")
		after, err := second.client.CoreV1().Services("default").Get(t.Context(), "kubernetes", metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, before, after)
		now, _, err := stored.Revision(t.Context())
		require.NoError(t, err)
		require.Equal(t, revision, now, "nothing was written")
	})
}

// BenchmarkNew is what a cluster waits for before anything else.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		server, err := apiserver.New(apiserver.Options{Store: store.NewMemory(), Kinds: kinds.All()})
		require.NoError(b, err)
		server.Close()
	}
}
