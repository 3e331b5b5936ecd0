package kubernetes_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	client "k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/kubernetes"
)

// TestCluster brings up real Kubernetes, and finds nothing of it afterwards. It
// runs as root where PODCHAIN_REAL_KUBERNETES is set: the first build takes
// minutes.
func TestCluster(t *testing.T) {
	if os.Getenv("PODCHAIN_REAL_KUBERNETES") == "" {
		t.Skip("set PODCHAIN_REAL_KUBERNETES to build and run real Kubernetes, as root")
	}
	t.Setenv("TMPDIR", t.TempDir())
	ctx := t.Context()
	cluster, err := kubernetes.New(kubernetes.Options{Nodes: 1, Progress: os.Stderr}).StartCluster(ctx)
	require.NoError(t, err)
	stopped := false
	defer func() {
		if !stopped {
			require.NoError(t, cluster.Stop(ctx))
		}
	}()
	require.Empty(t, implementation.Missing(cluster, implementation.Capabilities()))
	api, err := client.NewForConfig(cluster.Config())
	require.NoError(t, err)

	wanted := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("7"), corev1.ResourceMemory: resource.MustParse("3Gi"),
		corev1.ResourcePods: resource.MustParse("5"), "example.com/device": resource.MustParse("2"),
	}
	require.NoError(t, cluster.AddNode(ctx, &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "large", Labels: map[string]string{"disk": "ssd"}},
		Spec:       corev1.NodeSpec{Taints: []corev1.Taint{{Key: "use", Value: "test", Effect: corev1.TaintEffectNoSchedule}}},
		Status:     corev1.NodeStatus{Capacity: wanted, Allocatable: wanted},
	}))
	large, err := api.CoreV1().Nodes().Get(ctx, "large", metav1.GetOptions{})
	require.NoError(t, err)
	for name, quantity := range wanted {
		for what, found := range map[string]corev1.ResourceList{"capacity": large.Status.Capacity, "allocatable": large.Status.Allocatable} {
			got := found[name]
			require.Zero(t, quantity.Cmp(got), "%s of %s: expected %s, found %s", what, name, &quantity, &got)
		}
	}
	require.Equal(t, "ssd", large.Labels["disk"])
	require.Len(t, large.Spec.Taints, 1)
	require.ErrorContains(t, cluster.AddNode(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "large"}}), "there is a node large already")
	require.NoError(t, cluster.StopLink(ctx, chain.Kubelet))
	require.ErrorIs(t, cluster.AddNode(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "idle"}}), implementation.ErrNotReady)
	require.NoError(t, cluster.StartLink(ctx, chain.Kubelet))
	require.NoError(t, cluster.RemoveNode(ctx, "large"))

	directory := filepath.Dir(cluster.Kubeconfig())
	stopped = true
	require.NoError(t, cluster.Stop(ctx))
	require.NoDirExists(t, directory)
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	require.NotContains(t, string(mounts), directory)
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, file := range lines {
		line, err := os.ReadFile(file)
		require.True(t, err != nil || !strings.Contains(string(line), directory), "%s still runs: %s", file, line)
	}
	for _, pattern := range []string{"/sys/fs/cgroup/podchain/*", "/sys/fs/cgroup/*/podchain/*"} {
		groups, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, group := range groups {
			require.NotContains(t, group, strings.ReplaceAll(strings.Trim(directory, "/"), "/", "-"))
		}
	}
}
