package statefulset_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/reference"
)

// settle lets virtual time pass until everything that was begun has ended.
func settle() { time.Sleep(2 * time.Minute) }

// TestLife takes a set from its creation through an update and a rollback to
// no replicas at all.
func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		cluster := reference.StartForTest(t, reference.Options{AnyImage: true})
		client, err := clients.New(cluster.Config())
		require.NoError(t, err)
		sets := client.StatefulSets("default")
		labels := map[string]string{"app": "db"}
		_, err = sets.Create(ctx, &appsv1.StatefulSet{
			ObjectMeta: metav1.ObjectMeta{Name: "db"},
			Spec: appsv1.StatefulSetSpec{
				Replicas:    ptr.To[int32](3),
				ServiceName: "db",
				Selector:    &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: labels},
					Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "db", Image: "db:1"}}},
				},
			},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		settle()
		first, err := sets.Get(ctx, "db", metav1.GetOptions{})
		require.NoError(t, err)
		assert.EqualValues(t, 3, first.Status.AvailableReplicas)

		events, err := client.Events("default").List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.name=db"})
		require.NoError(t, err)
		require.NotEmpty(t, events.Items)
		assert.Equal(t, "Create Pod db-0 in StatefulSet db successful", events.Items[0].Message)

		images := func() []string {
			pods, err := client.Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=db"})
			require.NoError(t, err)
			var images []string
			for _, pod := range pods.Items {
				images = append(images, pod.Name+" "+pod.Spec.Containers[0].Image)
			}
			return images
		}
		set := first
		for _, image := range []string{"db:2", "db:1"} {
			set.Spec.Template.Spec.Containers[0].Image = image
			_, err = sets.Update(ctx, set, metav1.UpdateOptions{})
			require.NoError(t, err)
			settle()
			assert.ElementsMatch(t, []string{"db-0 " + image, "db-1 " + image, "db-2 " + image}, images())
			set, err = sets.Get(ctx, "db", metav1.GetOptions{})
			require.NoError(t, err)
			assert.Equal(t, set.Status.UpdateRevision, set.Status.CurrentRevision)
		}
		assert.Equal(t, first.Status.CurrentRevision, set.Status.CurrentRevision, "the rollback makes no new revision")

		set.Spec.Replicas = ptr.To[int32](0)
		_, err = sets.Update(ctx, set, metav1.UpdateOptions{})
		require.NoError(t, err)
		settle()
		assert.Empty(t, images())
	})
}
