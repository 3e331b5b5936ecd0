package apiserver_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// TestTwoVersions writes and reads an autoscaler in both versions that it is served in.
func TestTwoVersions(t *testing.T) {
	const (
		v1     = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
		v2     = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
		target = `"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}`
		memory = `{"type":"Resource","resource":{"name":"memory","target":{"type":"Utilization","averageUtilization":60}}}`
	)
	inBubble(t, func(t *testing.T, c *cluster) {
		w, err := c.client.AutoscalingV1().HorizontalPodAutoscalers("default").Watch(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		defer w.Stop()
		c.send(t, []request{
			{method: http.MethodPost, path: v1, code: 422, body: `{"metadata":{"name":"h"},"spec":{"maxReplicas":0}}`, says: "spec.maxReplicas"},
			{method: http.MethodPost, path: v1 + "?fieldManager=one", code: 201, body: `{"metadata":{"name":"h"},"spec":{"maxReplicas":3,` + target + `}}`,
				has: map[string]any{"apiVersion": "autoscaling/v1", "spec.minReplicas": 1, "spec.targetCPUUtilizationPercentage": 80, "metadata.generation": 1}},
			{method: http.MethodGet, path: v2 + "/h", code: 200, has: map[string]any{"apiVersion": "autoscaling/v2", "spec.maxReplicas": 3}},
			{method: http.MethodPatch, path: v2 + "/h", contentType: merge, code: 200, body: `{"spec":{"metrics":[` + memory + `]}}`,
				has: map[string]any{"metadata.generation": 2}},
			{method: http.MethodGet, path: v1 + "/h", code: 200, has: map[string]any{
				"spec.targetCPUUtilizationPercentage": nil,
				"metadata.annotations": map[string]any{
					"autoscaling.alpha.kubernetes.io/metrics": `[{"type":"Resource","resource":{"name":"memory","targetAverageUtilization":60}}]`}}},
			// The old version changes what it knows, and keeps the rest.
			{method: http.MethodPatch, path: v1 + "/h", contentType: merge, code: 200, body: `{"spec":{"targetCPUUtilizationPercentage":33}}`,
				has: map[string]any{"metadata.generation": 3, "spec.targetCPUUtilizationPercentage": 33}},
			{method: http.MethodPatch, path: v1 + "/h", contentType: merge, code: 200, body: `{"metadata":{"labels":{"a":"b"}}}`,
				has: map[string]any{"metadata.generation": 3}},
			{method: http.MethodGet, path: v2 + "/h", code: 200, has: map[string]any{"metadata.annotations": nil, "spec.metrics": []any{
				map[string]any{"type": "Resource", "resource": map[string]any{"name": "memory", "target": map[string]any{"type": "Utilization", "averageUtilization": 60.0}}},
				map[string]any{"type": "Resource", "resource": map[string]any{"name": "cpu", "target": map[string]any{"type": "Utilization", "averageUtilization": 33.0}}},
			}}},
			{method: http.MethodPatch, path: v1 + "/h/status", contentType: merge, code: 200, body: `{"status":{"currentReplicas":2},"spec":{"maxReplicas":9}}`,
				has: map[string]any{"status.currentReplicas": 2, "spec.maxReplicas": 3, "metadata.generation": 3}},
			{method: http.MethodGet, path: v2 + "/h/status", code: 200, has: map[string]any{"status.currentReplicas": 2}},
			// Who has set a field in one version is asked in the other one, too.
			{method: http.MethodPatch, path: v2 + "/h?fieldManager=two", contentType: apply, code: 409, says: `conflict with "one"`,
				body: `{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},"spec":{"maxReplicas":5,` + target + `}}`},
			{method: http.MethodPatch, path: v2 + "/h?fieldManager=two&force=true", contentType: apply, code: 200, has: map[string]any{"spec.maxReplicas": 5},
				body: `{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},"spec":{"maxReplicas":5,` + target + `}}`},
			{method: http.MethodPatch, path: v1 + "/h?fieldManager=three", contentType: apply, code: 409, says: `conflict with "two"`,
				body: `{"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},"spec":{"maxReplicas":6,` + target + `}}`},
			{method: http.MethodDelete, path: v1 + "/h", code: 200},
			{method: http.MethodGet, path: v2 + "/h", code: 404},
			// Either version may be the one that an object is created in by apply.
			{method: http.MethodPatch, path: v2 + "/h?fieldManager=one", contentType: apply, code: 201, has: map[string]any{"spec.maxReplicas": 5},
				body: `{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},"spec":{"maxReplicas":5,` + target + `}}`},
			{method: http.MethodDelete, path: v2 + "/h", code: 200},
			{method: http.MethodPatch, path: v1 + "/h?fieldManager=one", contentType: apply, code: 201, has: map[string]any{"spec.maxReplicas": 6},
				body: `{"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler","metadata":{"name":"h"},"spec":{"maxReplicas":6,` + target + `}}`},
		})
		first := expect[*autoscalingv1.HorizontalPodAutoscaler](t, w, watch.Added)
		require.Equal(t, int32(80), *first.Spec.TargetCPUUtilizationPercentage)
	})
}
