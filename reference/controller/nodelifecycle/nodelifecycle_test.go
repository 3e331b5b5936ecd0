package nodelifecycle_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/reference"
)

// world is a cluster of two nodes in a bubble of virtual time.
type world struct {
	*testing.T
	cluster *reference.Cluster
	client  kubernetes.Interface
}

func inBubble(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		cluster := reference.StartForTest(t, reference.Options{AnyImage: true, Nodes: 2})
		client, err := kubernetes.NewForConfig(cluster.Config())
		require.NoError(t, err)
		test(&world{t, cluster, client})
	})
}

func (w *world) node(name string) *corev1.Node {
	w.Helper()
	node, err := w.client.CoreV1().Nodes().Get(w.Context(), name, metav1.GetOptions{})
	require.NoError(w, err)
	return node
}

func (w *world) ready(name string) corev1.ConditionStatus {
	w.Helper()
	conditions := w.node(name).Status.Conditions
	i := slices.IndexFunc(conditions, func(c corev1.NodeCondition) bool { return c.Type == corev1.NodeReady })
	require.GreaterOrEqual(w, i, 0)
	return conditions[i].Status
}

func (w *world) taints(name string) []string {
	w.Helper()
	var taints []string
	for _, taint := range w.node(name).Spec.Taints {
		taints = append(taints, taint.ToString())
	}
	return taints
}

// run makes a Pod on the node and waits until it runs.
func (w *world) run(name, node string) {
	w.Helper()
	_, err := w.client.CoreV1().Pods("default").Create(w.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "c", Image: "image"}}},
	}, metav1.CreateOptions{})
	require.NoError(w, err)
	time.Sleep(5 * time.Second)
	require.Equal(w, corev1.PodRunning, w.pod(name).Status.Phase)
}

// pod returns the Pod, nil if there is none.
func (w *world) pod(name string) *corev1.Pod {
	w.Helper()
	pod, err := w.client.CoreV1().Pods("default").Get(w.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(w, err)
	return pod
}

const (
	keptOff = "node.kubernetes.io/unreachable:NoSchedule"
	sent    = "node.kubernetes.io/unreachable:NoExecute"
)

// TestGrace is the time that a node is given, to the second: 50 s after the last
// renewal of its Lease, which is at most ten seconds old when its kubelet ends.
func TestGrace(t *testing.T) {
	inBubble(t, func(w *world) {
		time.Sleep(time.Minute + time.Second)
		require.NoError(w, w.cluster.StopKubelet(w.Context(), "node-1"))
		time.Sleep(48 * time.Second)
		assert.Equal(w, corev1.ConditionTrue, w.ready("node-1"))
		time.Sleep(2 * time.Second)
		assert.Equal(w, corev1.ConditionUnknown, w.ready("node-1"))
		assert.ElementsMatch(w, []string{keptOff, sent}, w.taints("node-1"))
		assert.Empty(w, w.taints("node-2"))

		require.NoError(w, w.cluster.StartKubelet(w.Context(), "node-1"))
		time.Sleep(time.Second)
		assert.Equal(w, corev1.ConditionTrue, w.ready("node-1"))
		assert.Empty(w, w.taints("node-1"))
	})
}

// TestAllNodesAreLost sends no Pod away until there is a node to go to.
func TestAllNodesAreLost(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run("a", "node-1")
		require.NoError(w, w.cluster.StopLink(w.Context(), chain.Kubelet))
		time.Sleep(10 * time.Minute)
		assert.Equal(w, []string{keptOff}, w.taints("node-1"))
		assert.Equal(w, []string{keptOff}, w.taints("node-2"))
		require.NotNil(w, w.pod("a"))
		assert.Nil(w, w.pod("a").DeletionTimestamp)

		require.NoError(w, w.cluster.StartLink(w.Context(), chain.Kubelet))
		require.NoError(w, w.cluster.StopKubelet(w.Context(), "node-1"))
		time.Sleep(time.Minute)
		assert.ElementsMatch(w, []string{keptOff, sent}, w.taints("node-1"))
		assert.Empty(w, w.taints("node-2"))
		assert.Nil(w, w.pod("a").DeletionTimestamp, "it tolerates that for five minutes")
		time.Sleep(5 * time.Minute)
		assert.NotNil(w, w.pod("a").DeletionTimestamp)
	})
}

// TestTheControllerIsCutOff blames no node for an API server that is away.
func TestTheControllerIsCutOff(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run("a", "node-1")
		before := w.pod("a").ResourceVersion
		require.NoError(w, w.cluster.StopLink(w.Context(), chain.APIServer))
		time.Sleep(10 * time.Minute)
		require.NoError(w, w.cluster.StartLink(w.Context(), chain.APIServer))
		for range 120 {
			time.Sleep(time.Second)
			require.Equal(w, corev1.ConditionTrue, w.ready("node-1"))
		}
		assert.Equal(w, before, w.pod("a").ResourceVersion)
	})
}

// TestQuarantine begins again with every time that the Node is missing.
func TestQuarantine(t *testing.T) {
	inBubble(t, func(w *world) {
		w.run("a", "node-1")
		lose := func() {
			require.NoError(w, w.cluster.StopKubelet(w.Context(), "node-1"))
			require.NoError(w, w.client.CoreV1().Nodes().Delete(w.Context(), "node-1", metav1.DeleteOptions{}))
		}
		lose()
		time.Sleep(30 * time.Second)
		require.NoError(w, w.cluster.StartKubelet(w.Context(), "node-1"))
		time.Sleep(5 * time.Second)
		lose()
		time.Sleep(39 * time.Second)
		require.NotNil(w, w.pod("a"))
		assert.Equal(w, corev1.PodRunning, w.pod("a").Status.Phase)
		time.Sleep(2 * time.Second)
		assert.Nil(w, w.pod("a"))
	})
}
