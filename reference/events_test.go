package reference_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podchain/podchain/reference"
)

// TestEventsAreListedInOrder: kubectl describe shows Events as they are listed, those of
// one second in any case.
func TestEventsAreListedInOrder(t *testing.T) {
	const replicas = 4
	inBothTimes(t, func(t *testing.T) {
		cluster := reference.StartForTest(t, reference.Options{})
		client := clientOf(t, cluster)
		about := metav1.ListOptions{FieldSelector: "involvedObject.kind=Pod"}
		written, err := client.CoreV1().Events("default").Watch(t.Context(), about)
		require.NoError(t, err)
		defer written.Stop()
		deployment := newDeployment("web", replicas)
		deployment.Spec.Template.Spec.Containers[0].ImagePullPolicy = corev1.PullAlways // each Pod pulls
		_, err = client.AppsV1().Deployments("default").Create(t.Context(), deployment, metav1.CreateOptions{})
		require.NoError(t, err)
		// The last that the scheduler and the kubelet have to say of each Pod; both write
		// in the background.
		for seen := 0; seen < 2*replicas; {
			event := (<-written.ResultChan()).Object.(*corev1.Event)
			if event.Reason == "Scheduled" || event.Reason == "Started" {
				seen++
			}
		}
		listed, err := client.CoreV1().Events("default").List(t.Context(), about)
		require.NoError(t, err)
		// This is how kubectl describe sorts them.
		slices.SortStableFunc(listed.Items, func(a, b corev1.Event) int { return a.LastTimestamp.Compare(b.LastTimestamp.Time) })
		of := map[string][]string{}
		for _, event := range listed.Items {
			of[event.InvolvedObject.Name] = append(of[event.InvolvedObject.Name], event.Reason)
		}
		assert.Len(t, of, replicas)
		for pod, reasons := range of {
			assert.Equal(t, []string{"Scheduled", "Pulling", "Pulled", "Created", "Started"}, reasons, pod)
		}
	})
}
