package daemonset_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/reference"
	"github.com/podchain/podchain/reference/controller/controllertest"
	"github.com/podchain/podchain/reference/controller/daemonset"
)

// settle lets virtual time pass until everything that was begun has ended.
func settle() { time.Sleep(2 * time.Minute) }

// TestNodesComeAndGo is DS-04, and an update on the way.
func TestNodesComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		cluster := reference.StartForTest(t, reference.Options{AnyImage: true, Nodes: 2})
		client, err := clients.New(cluster.Config())
		require.NoError(t, err)
		labels := map[string]string{"app": "agent"}
		set, err := client.DaemonSets("default").Create(ctx, &appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Name: "agent"},
			Spec: appsv1.DaemonSetSpec{
				Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: labels},
					Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "agent", Image: "agent:1"}}},
				},
			},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		places := func() []string {
			settle()
			pods, err := client.Pods("default").List(ctx, metav1.ListOptions{})
			require.NoError(t, err)
			var places []string
			for _, pod := range pods.Items {
				places = append(places, pod.Spec.NodeName+" "+pod.Spec.Containers[0].Image)
			}
			return places
		}
		assert.ElementsMatch(t, []string{"node-1 agent:1", "node-2 agent:1"}, places())

		set, err = client.DaemonSets("default").Get(ctx, set.Name, metav1.GetOptions{})
		require.NoError(t, err)
		assert.EqualValues(t, 2, set.Status.NumberAvailable)
		set.Spec.Template.Spec.Containers[0].Image = "agent:2"
		_, err = client.DaemonSets("default").Update(ctx, set, metav1.UpdateOptions{})
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{"node-1 agent:2", "node-2 agent:2"}, places())

		require.NoError(t, cluster.RemoveNode(ctx, "node-1"))
		assert.ElementsMatch(t, []string{"node-2 agent:2"}, places())
	})
}

// TestNodesAreAskedForSideBySide: with many nodes gone at a time, none waits for another.
func TestNodesAreAskedForSideBySide(t *testing.T) {
	const nodes = 10
	controllertest.InBubble(t, func(w *controllertest.World) {
		labels := map[string]string{"app": "agent"}
		spec := corev1.PodSpec{Containers: []corev1.Container{{Name: "agent", Image: "agent:1"}}}
		set, err := w.DaemonSets("default").Create(w.Context(), &appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Name: "agent"},
			Spec: appsv1.DaemonSetSpec{
				Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec},
			},
		}, metav1.CreateOptions{})
		require.NoError(w, err)
		for i := range nodes {
			spec.NodeName = fmt.Sprintf("gone-%d", i)
			_, err := w.Pods("default").Create(w.Context(), &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: spec.NodeName, Labels: labels, OwnerReferences: []metav1.OwnerReference{
					*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("DaemonSet"))}},
				Spec: spec,
			}, metav1.CreateOptions{})
			require.NoError(w, err)
		}
		var mu sync.Mutex
		asking, most := 0, 0
		count := func(more int) {
			mu.Lock()
			defer mu.Unlock()
			asking += more
			most = max(most, asking)
		}
		w.Start(daemonset.Run, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "/nodes/gone-") {
				count(1)
				time.Sleep(time.Second)
				count(-1)
			}
			return next.RoundTrip(r)
		})
		time.Sleep(time.Minute)
		w.Settle()
		assert.Equal(w, nodes, most)
		pods, err := w.Pods("default").List(w.Context(), metav1.ListOptions{})
		require.NoError(w, err)
		assert.Empty(w, pods.Items)
	})
}
