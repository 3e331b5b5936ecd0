package steps

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podchain/podchain/conformance/runresources"
)

// A row of a table as a node on a shared cluster: it has a name and a zone of the
// scenario's own, and keeps the Pods of others out.
func TestNode(t *testing.T) {
	w := &World{Options: Options{Namespace: "podchain-run-1", Run: "run", Shared: true}}
	node, err := w.node(map[string]string{
		"name": "n1", "labels": "disk=ssd, old=no", "taints": "use=gpu:PreferNoSchedule", "unschedulable": "true", "cpu": "2", "memory": ""})
	require.NoError(t, err)
	capacity := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2")}
	assert.Empty(t, cmp.Diff(&corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "podchain-run-1-n1", Labels: map[string]string{
			runresources.NodesLabel: "podchain-run-1", runresources.RunLabel: "run", corev1.LabelTopologyZone: "podchain-run-1",
			"disk": "ssd", "old": "no"}},
		Spec: corev1.NodeSpec{Unschedulable: true, Taints: []corev1.Taint{
			{Key: runresources.NodesLabel, Value: "podchain-run-1", Effect: corev1.TaintEffectNoSchedule},
			{Key: "use", Value: "gpu", Effect: corev1.TaintEffectPreferNoSchedule}}},
		Status: corev1.NodeStatus{Capacity: capacity, Allocatable: capacity},
	}, node))

	for column, wrong := range map[string]string{"taints": "use=gpu", "cpu": "two"} {
		_, err := w.node(map[string]string{"name": "n1", column: wrong})
		require.ErrorContains(t, err, wrong)
	}
}
