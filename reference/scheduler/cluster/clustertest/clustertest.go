// Package clustertest builds clusters out of YAML, for tests.
package clustertest

import (
	"testing"

	"github.com/stretchr/testify/require"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// Pod returns the Pod of a manifest. What it leaves out: the namespace is
// "default", the uid is the name.
func Pod(t testing.TB, manifest string) *cluster.Pod {
	t.Helper()
	pod := &v1.Pod{}
	require.NoError(t, yaml.UnmarshalStrict([]byte(manifest), pod), manifest)
	if pod.Namespace == "" {
		pod.Namespace = "default"
	}
	if pod.Name == "" {
		pod.Name = "pod"
	}
	if pod.UID == "" {
		pod.UID = types.UID(pod.Name)
	}
	if len(pod.Spec.Containers) == 0 {
		pod.Spec.Containers = []v1.Container{{Name: "c", Image: "image"}}
	}
	p, err := cluster.NewPod(pod)
	require.NoError(t, err, manifest)
	return p
}

// Node returns the Node of a manifest; without allocatable it has room for
// 110 Pods, 4 cpus and 8Gi of memory.
func Node(t testing.TB, manifest string) *v1.Node {
	t.Helper()
	node := &v1.Node{}
	require.NoError(t, yaml.UnmarshalStrict([]byte(manifest), node), manifest)
	if node.Name == "" {
		node.Name = "node"
	}
	if node.Status.Allocatable == nil {
		require.NoError(t, yaml.Unmarshal([]byte(`{cpu: "4", memory: 8Gi, pods: "110"}`), &node.Status.Allocatable))
	}
	return node
}

// Look calls f with a cluster of these nodes and Pods. Namespace labels are a
// namespace's name and nothing else.
func Look(t testing.TB, nodes, pods []string, f func(cluster.View)) {
	t.Helper()
	cache := cluster.NewCache(func(name string) labels.Set {
		return labels.Set{v1.LabelMetadataName: name}
	})
	for _, manifest := range nodes {
		cache.SetNode(Node(t, manifest))
	}
	for _, manifest := range pods {
		require.NoError(t, cache.SetPod(Pod(t, manifest).Pod))
	}
	cache.Look(func(view cluster.View, _ func(*cluster.Pod, string) bool) { f(view) })
}
