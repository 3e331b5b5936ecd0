package deployment_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/controller/controllertest"
	"github.com/podchain/podchain/reference/controller/deployment"
	"github.com/podchain/podchain/reference/controller/replicaset"
)

const namespace = metav1.NamespaceDefault

type world struct{ *controllertest.World }

// inBubble runs a test with the ReplicaSet controller, as the neighbour that
// the Deployment controller has in the chain.
func inBubble(t *testing.T, test func(w world)) {
	t.Helper()
	controllertest.InBubble(t, func(w *controllertest.World) {
		w.Start(replicaset.Run, nil)
		test(world{w})
	})
}

func (w world) create(change func(*appsv1.Deployment)) {
	w.Helper()
	labels := map[string]string{"app": "web"}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](3),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
			},
		},
	}
	change(d)
	_, err := w.Deployments(namespace).Create(w.Context(), d, metav1.CreateOptions{})
	require.NoError(w, err)
	w.Settle()
}

func (w world) get() *appsv1.Deployment {
	w.Helper()
	d, err := w.Deployments(namespace).Get(w.Context(), "web", metav1.GetOptions{})
	require.NoError(w, err)
	return d
}

func (w world) update(change func(*appsv1.Deployment)) {
	w.Helper()
	d := w.get()
	change(d)
	_, err := w.Deployments(namespace).Update(w.Context(), d, metav1.UpdateOptions{})
	require.NoError(w, err)
	w.Settle()
}

func image(name string) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = name }
}

// sets returns the replicas that the ReplicaSets ask for, by image.
func (w world) sets() map[string]int32 {
	w.Helper()
	list, err := w.ReplicaSets(namespace).List(w.Context(), metav1.ListOptions{})
	require.NoError(w, err)
	sizes := map[string]int32{}
	for _, set := range list.Items {
		sizes[set.Spec.Template.Spec.Containers[0].Image] += *set.Spec.Replicas
	}
	return sizes
}

// ready makes Pods ready until there is none that is not.
func (w world) ready() {
	w.Helper()
	for changed := true; changed; {
		changed = false
		list, err := w.Pods(namespace).List(w.Context(), metav1.ListOptions{})
		require.NoError(w, err)
		for _, pod := range list.Items {
			if pod.Status.Phase == corev1.PodRunning || pod.DeletionTimestamp != nil {
				continue
			}
			pod.Status.Phase = corev1.PodRunning
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}}
			_, err := w.Pods(namespace).UpdateStatus(w.Context(), &pod, metav1.UpdateOptions{})
			require.NoError(w, err)
			changed = true
		}
		w.Settle()
	}
}

func reason(d *appsv1.Deployment) string {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing {
			return c.Reason
		}
	}
	return ""
}

func TestRolloutAndRollback(t *testing.T) {
	inBubble(t, func(w world) {
		w.Start(deployment.Run, nil)
		w.create(func(*appsv1.Deployment) {})
		w.ready()
		w.update(image("web:2"))
		assert.Equal(w, map[string]int32{"web:1": 3, "web:2": 1}, w.sets(), "nothing goes before something came")
		w.ready()
		assert.Equal(w, map[string]int32{"web:1": 0, "web:2": 3}, w.sets())
		w.update(image("web:1"))
		w.ready()
		assert.Equal(w, map[string]int32{"web:1": 3, "web:2": 0}, w.sets())

		d := w.get()
		assert.Equal(w, "3", d.Annotations["deployment.kubernetes.io/revision"])
		assert.Equal(w, "NewReplicaSetAvailable", reason(d))
		assert.Equal(w, d.Generation, d.Status.ObservedGeneration)
		assert.EqualValues(w, 3, d.Status.AvailableReplicas)
		time.Sleep(time.Hour)
		assert.Equal(w, d.ResourceVersion, w.get().ResourceVersion, "DEPLOY-25: it is quiet")
	})
}

func TestRecreateWaitsForTheOldPods(t *testing.T) {
	inBubble(t, func(w world) {
		w.Start(deployment.Run, nil)
		w.create(func(d *appsv1.Deployment) {
			d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
			d.Spec.Template.Finalizers = []string{"example.com/held"}
		})
		w.ready()
		w.update(image("web:2"))
		assert.Equal(w, map[string]int32{"web:1": 0}, w.sets(), "the old Pods are terminating")

		pods, err := w.Pods(namespace).List(w.Context(), metav1.ListOptions{})
		require.NoError(w, err)
		require.Len(w, pods.Items, 3)
		for _, pod := range pods.Items {
			assert.Equal(w, map[string]int32{"web:1": 0}, w.sets())
			pod.Finalizers = nil
			_, err := w.Pods(namespace).Update(w.Context(), &pod, metav1.UpdateOptions{})
			require.NoError(w, err)
			w.Settle()
		}
		assert.Equal(w, map[string]int32{"web:1": 0, "web:2": 3}, w.sets())
	})
}

func TestPauseAndResume(t *testing.T) {
	inBubble(t, func(w world) {
		w.Start(deployment.Run, nil)
		w.create(func(*appsv1.Deployment) {})
		w.ready()
		w.update(func(d *appsv1.Deployment) { d.Spec.Paused = true })
		assert.Equal(w, "DeploymentPaused", reason(w.get()))
		w.update(image("web:2"))
		w.update(image("web:3"))
		w.update(func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](5) })
		assert.Equal(w, map[string]int32{"web:1": 5}, w.sets())
		assert.Equal(w, w.get().Generation, w.get().Status.ObservedGeneration)
		w.ready()
		w.update(func(d *appsv1.Deployment) { d.Spec.Paused = false })
		w.ready()
		assert.Equal(w, map[string]int32{"web:1": 0, "web:3": 5}, w.sets())
	})
}

func TestProgressDeadline(t *testing.T) {
	inBubble(t, func(w world) {
		w.Start(deployment.Run, nil)
		w.create(func(*appsv1.Deployment) {}) // 600 seconds, by default
		time.Sleep(9 * time.Minute)
		assert.NotEqual(w, "ProgressDeadlineExceeded", reason(w.get()))
		time.Sleep(2 * time.Minute)
		assert.Equal(w, "ProgressDeadlineExceeded", reason(w.get()))
		w.ready()
		assert.Equal(w, "NewReplicaSetAvailable", reason(w.get()))
	})
}

func TestTakenNameIsAvoided(t *testing.T) {
	inBubble(t, func(w world) {
		stop := w.Start(deployment.Run, nil)
		w.create(func(*appsv1.Deployment) {})
		stop()
		// Its ReplicaSet becomes a stranger that holds the name.
		list, err := w.ReplicaSets(namespace).List(w.Context(), metav1.ListOptions{})
		require.NoError(w, err)
		stranger := &list.Items[0]
		stranger.OwnerReferences, stranger.Labels = nil, map[string]string{"app": "stranger"}
		_, err = w.ReplicaSets(namespace).Update(w.Context(), stranger, metav1.UpdateOptions{})
		require.NoError(w, err)

		w.Start(deployment.Run, nil)
		w.Settle()
		assert.EqualValues(w, 1, ptr.Deref(w.get().Status.CollisionCount, 0))
		list, err = w.ReplicaSets(namespace).List(w.Context(), metav1.ListOptions{})
		require.NoError(w, err)
		assert.Len(w, list.Items, 2)
	})
}

func TestLostReplyToACreation(t *testing.T) {
	inBubble(t, func(w world) {
		var lost atomic.Bool
		w.Start(deployment.Run, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			response, err := next.RoundTrip(r)
			if err == nil && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/replicasets") && lost.CompareAndSwap(false, true) {
				_ = response.Body.Close()
				return nil, errors.New("the reply is lost")
			}
			return response, err
		})
		w.create(func(*appsv1.Deployment) {})
		w.ready()
		assert.True(w, lost.Load())
		assert.Equal(w, map[string]int32{"web:1": 3}, w.sets())
		assert.Nil(w, w.get().Status.CollisionCount)
		assert.Equal(w, "NewReplicaSetAvailable", reason(w.get()))
	})
}
