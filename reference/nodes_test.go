package reference_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/reference"
)

// TestNodeResources adds up what Pods take of the resources of a node besides cpu and
// memory, in the scheduler and in the kubelet. A node that is added with some of its
// capacity given has the rest by default.
func TestNodeResources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := reference.StartForTest(t, reference.Options{Nodes: -1, AnyImage: true})
		require.NoError(t, cluster.AddNode(t.Context(), &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: "n"},
			Status: corev1.NodeStatus{Capacity: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("2"), "hugepages-2Mi": resource.MustParse("64Mi"),
			}},
		}))
		client, err := kubernetes.NewForConfig(cluster.Config())
		require.NoError(t, err)
		node, err := client.CoreV1().Nodes().Get(t.Context(), "n", metav1.GetOptions{})
		require.NoError(t, err)
		for name, want := range map[corev1.ResourceName]string{
			"cpu": "2", "memory": "16Gi", "pods": "110", "ephemeral-storage": "100Gi", "hugepages-1Gi": "0", "hugepages-2Mi": "64Mi",
		} {
			for list, have := range map[string]corev1.ResourceList{"capacity": node.Status.Capacity, "allocatable": node.Status.Allocatable} {
				quantity, found := have[name]
				assert.True(t, found && quantity.String() == want, "%s of %s: %s", list, name, &quantity)
			}
		}

		create := func(name, nodeName string, request corev1.ResourceList) *corev1.Pod {
			pods := client.CoreV1().Pods("default")
			_, err := pods.Create(t.Context(), &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: name},
				Spec: corev1.PodSpec{NodeName: nodeName, Containers: []corev1.Container{{
					Name: "c", Image: "any:1", Resources: corev1.ResourceRequirements{Requests: request, Limits: request},
				}}},
			}, metav1.CreateOptions{})
			require.NoError(t, err)
			time.Sleep(time.Second)
			pod, err := pods.Get(t.Context(), name, metav1.GetOptions{})
			require.NoError(t, err)
			return pod
		}
		storage := func(amount string) corev1.ResourceList {
			return corev1.ResourceList{corev1.ResourceEphemeralStorage: resource.MustParse(amount)}
		}
		pages := corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("10Mi"), "hugepages-2Mi": resource.MustParse("64Mi"),
		}
		for _, step := range []struct {
			name, node string
			request    corev1.ResourceList
			phase      corev1.PodPhase
			why        string
		}{
			{"some", "", storage("1Gi"), corev1.PodRunning, ""},
			{"most", "", storage("99Gi"), corev1.PodRunning, ""},
			{"more", "", storage("1"), corev1.PodPending, "0/1 nodes are available: 1 Insufficient ephemeral-storage. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."},
			{"forced", "n", storage("1"), corev1.PodFailed, "Pod was rejected: Node didn't have enough resource: ephemeral-storage, requested: 1, used: 107374182400, capacity: 107374182400"},
			{"pages", "", pages, corev1.PodRunning, ""},
			{"more-pages", "", pages, corev1.PodPending, "0/1 nodes are available: 1 Insufficient hugepages-2Mi. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."},
		} {
			pod := create(step.name, step.node, step.request)
			assert.Equal(t, step.phase, pod.Status.Phase, step.name)
			why := pod.Status.Message
			for _, condition := range pod.Status.Conditions {
				if condition.Type == corev1.PodScheduled {
					why += condition.Message
				}
			}
			assert.Equal(t, step.why, why, step.name)
		}
	})
}

// TestResourceClaims: nothing here allocates devices, and a Pod that waits for some says
// so instead of running without them.
func TestResourceClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := reference.StartForTest(t, reference.Options{AnyImage: true})
		pods := clientOf(t, cluster).CoreV1().Pods("default")
		_, err := pods.Create(t.Context(), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "p"},
			Spec: corev1.PodSpec{
				ResourceClaims: []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: new("gpu")}},
				Containers:     []corev1.Container{{Name: "c", Image: "any:1"}},
			},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		time.Sleep(time.Second)
		pod, err := pods.Get(t.Context(), "p", metav1.GetOptions{})
		require.NoError(t, err)
		require.Len(t, pod.Status.Conditions, 1)
		assert.Equal(t, corev1.PodReasonUnschedulable, pod.Status.Conditions[0].Reason)
		assert.Equal(t, "0/2 nodes are available: 2 cannot allocate all claims. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
			pod.Status.Conditions[0].Message)
	})
}
