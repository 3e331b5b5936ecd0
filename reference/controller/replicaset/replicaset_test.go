package replicaset_test

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

	"github.com/podchain/podchain/reference/controller"
	"github.com/podchain/podchain/reference/controller/controllertest"
	"github.com/podchain/podchain/reference/controller/replicaset"
)

const namespace = metav1.NamespaceDefault

type world struct{ *controllertest.World }

func (w world) create(replicas, minReadySeconds int32) {
	w.Helper()
	labels := map[string]string{"app": "web"}
	_, err := w.ReplicaSets(namespace).Create(w.Context(), &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.ReplicaSetSpec{
			Replicas:        &replicas,
			MinReadySeconds: minReadySeconds,
			Selector:        &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
			},
		},
	}, metav1.CreateOptions{})
	require.NoError(w, err)
	w.Settle()
}

func (w world) set() *appsv1.ReplicaSet {
	w.Helper()
	set, err := w.ReplicaSets(namespace).Get(w.Context(), "web", metav1.GetOptions{})
	require.NoError(w, err)
	return set
}

func (w world) scale(replicas int32) {
	w.Helper()
	set := w.set()
	set.Spec.Replicas = &replicas
	_, err := w.ReplicaSets(namespace).Update(w.Context(), set, metav1.UpdateOptions{})
	require.NoError(w, err)
	w.Settle()
}

// pods returns the Pods that are active and owned.
func (w world) pods() []*corev1.Pod {
	w.Helper()
	list, err := w.Pods(namespace).List(w.Context(), metav1.ListOptions{})
	require.NoError(w, err)
	set := w.set()
	var owned []*corev1.Pod
	for i := range list.Items {
		if pod := &list.Items[i]; controller.Active(pod) && metav1.IsControlledBy(pod, set) {
			owned = append(owned, pod)
		}
	}
	return owned
}

func (w world) become(pod *corev1.Pod, phase corev1.PodPhase, ready corev1.ConditionStatus) {
	w.Helper()
	pod.Status.Phase = phase
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready, LastTransitionTime: metav1.Now()}}
	_, err := w.Pods(namespace).UpdateStatus(w.Context(), pod, metav1.UpdateOptions{})
	require.NoError(w, err)
	w.Settle()
}

func inBubble(t *testing.T, test func(w world)) {
	t.Helper()
	controllertest.InBubble(t, func(w *controllertest.World) { test(world{w}) })
}

func TestReplicasFollowTheSpec(t *testing.T) {
	inBubble(t, func(w world) {
		w.Start(replicaset.Run, nil)
		w.create(3, 0)
		pods := w.pods()
		require.Len(w, pods, 3)
		for _, pod := range pods {
			assert.Equal(w, []metav1.OwnerReference{*metav1.NewControllerRef(w.set(), appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))}, pod.OwnerReferences)
			assert.Equal(w, "web-", pod.GenerateName)
			assert.Empty(w, pod.Spec.NodeName)
		}
		w.scale(5)
		assert.Len(w, w.pods(), 5)
		w.scale(1)
		assert.Len(w, w.pods(), 1)
	})
}

func TestStatusFollowsThePods(t *testing.T) {
	inBubble(t, func(w world) {
		w.Start(replicaset.Run, nil)
		w.create(2, 10)
		w.become(w.pods()[0], corev1.PodRunning, corev1.ConditionTrue)
		want := appsv1.ReplicaSetStatus{
			Replicas: 2, FullyLabeledReplicas: 2, ReadyReplicas: 1, ObservedGeneration: 1, TerminatingReplicas: ptr.To[int32](0),
		}
		assert.Equal(w, want, w.set().Status)

		time.Sleep(10 * time.Second) // RS-15: no event comes, only time goes by
		w.Settle()
		want.AvailableReplicas = 1
		assert.Equal(w, want, w.set().Status)

		version := w.set().ResourceVersion
		time.Sleep(time.Hour)
		assert.Equal(w, version, w.set().ResourceVersion, "IDEMP-04: it is quiet")
	})
}

func TestEndedPodIsReplacedAndKept(t *testing.T) {
	inBubble(t, func(w world) {
		w.Start(replicaset.Run, nil)
		w.create(2, 0)
		ended := w.pods()[0]
		w.become(ended, corev1.PodFailed, corev1.ConditionFalse)
		assert.Len(w, w.pods(), 2)
		kept, err := w.Pods(namespace).Get(w.Context(), ended.Name, metav1.GetOptions{})
		require.NoError(w, err)
		assert.True(w, metav1.IsControlledBy(kept, w.set()))
	})
}

func TestPodsAreReleasedAndAdopted(t *testing.T) {
	inBubble(t, func(w world) {
		w.Start(replicaset.Run, nil)
		w.create(2, 0)
		relabel := func(name, label string) *corev1.Pod {
			pod, err := w.Pods(namespace).Get(w.Context(), name, metav1.GetOptions{})
			require.NoError(w, err)
			pod.Labels["app"] = label
			_, err = w.Pods(namespace).Update(w.Context(), pod, metav1.UpdateOptions{})
			require.NoError(w, err)
			w.Settle()
			pod, err = w.Pods(namespace).Get(w.Context(), name, metav1.GetOptions{})
			require.NoError(w, err)
			return pod
		}
		w.become(w.pods()[0], corev1.PodRunning, corev1.ConditionTrue)
		free := relabel(w.pods()[0].Name, "free")
		assert.Empty(w, free.OwnerReferences)
		assert.Len(w, w.pods(), 2)

		// Back again, it is one too many: either it or another goes.
		adopted := relabel(free.Name, "web")
		assert.Len(w, w.pods(), 2)
		assert.True(w, metav1.IsControlledBy(adopted, w.set()))
	})
}

func TestLostReplyDoesNotMakeOneTooMany(t *testing.T) {
	inBubble(t, func(w world) {
		var lost atomic.Bool
		var created atomic.Int32
		w.Start(replicaset.Run, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			response, err := next.RoundTrip(r)
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pods") {
				created.Add(1)
				if err == nil && lost.CompareAndSwap(false, true) {
					_ = response.Body.Close()
					return nil, errors.New("the reply is lost")
				}
			}
			return response, err
		})
		w.create(3, 0)
		time.Sleep(time.Minute)
		w.Settle()
		assert.Len(w, w.pods(), 3)
		assert.EqualValues(w, 3, created.Load())
		assert.Empty(w, w.set().Status.Conditions)
	})
}

func TestRefusedCreationCostsFewRequests(t *testing.T) {
	inBubble(t, func(w world) {
		var refuse atomic.Bool
		var asked atomic.Int32
		refuse.Store(true)
		w.Start(replicaset.Run, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if refuse.Load() && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pods") {
				asked.Add(1)
				return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
			}
			return next.RoundTrip(r)
		})
		w.create(100, 0)
		assert.Less(w, asked.Load(), int32(20))
		if conditions := w.set().Status.Conditions; assert.Len(w, conditions, 1) {
			assert.Equal(w, appsv1.ReplicaSetReplicaFailure, conditions[0].Type)
			assert.Equal(w, "FailedCreate", conditions[0].Reason)
		}
		refuse.Store(false)
		time.Sleep(2 * time.Minute)
		w.Settle()
		assert.Len(w, w.pods(), 100)
		assert.Empty(w, w.set().Status.Conditions)
	})
}

func TestRestartedControllerGoesOn(t *testing.T) {
	inBubble(t, func(w world) {
		stop := w.Start(replicaset.Run, nil)
		w.create(2, 0)
		stop()
		w.scale(7)
		w.scale(4)
		w.Start(replicaset.Run, nil)
		w.Settle()
		list, err := w.Pods(namespace).List(w.Context(), metav1.ListOptions{})
		require.NoError(w, err)
		assert.Len(w, list.Items, 4, "RECOVER-01: the last state alone")
	})
}

// The Pod's end comes to the controller before its ReplicaSet's: another Pod
// would be one that the garbage collector has just deleted (GC-03).
func TestNothingIsMadeForAReplicaSetThatLeaves(t *testing.T) {
	inBubble(t, func(w world) {
		held, hold := make(chan struct{}), &atomic.Bool{}
		w.Start(replicaset.Run, controllertest.Holding("replicasets", hold, held))
		w.create(1, 0)
		pod := w.pods()[0]
		hold.Store(true)
		require.NoError(w, w.ReplicaSets(namespace).Delete(w.Context(), "web",
			metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationForeground)}))
		require.NoError(w, w.Pods(namespace).Delete(w.Context(), pod.Name, metav1.DeleteOptions{}))
		w.Settle()
		assert.Zero(w, len(w.pods()))
		close(held)
		w.Settle()
		assert.Zero(w, len(w.pods()))
	})
}

// orphan creates a Pod that the ReplicaSet may adopt.
func (w world) orphan(name, node string, ready time.Duration) {
	w.Helper()
	pod, err := w.Pods(namespace).Create(w.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
	}, metav1.CreateOptions{})
	require.NoError(w, err)
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(time.Now().Add(-ready)),
	}}
	_, err = w.Pods(namespace).UpdateStatus(w.Context(), pod, metav1.UpdateOptions{})
	require.NoError(w, err)
	w.Settle()
}

// What has just been adopted counts on its node (RS-13), though the cache does not show
// yet whose it is.
func TestAdoptedPodsCountOnTheirNodes(t *testing.T) {
	inBubble(t, func(w world) {
		held, hold := make(chan struct{}), &atomic.Bool{}
		w.Start(replicaset.Run, controllertest.Holding("pods", hold, held))
		w.orphan("one", "full", time.Hour)
		w.orphan("two", "full", time.Hour)
		w.orphan("three", "other", time.Second) // it would go first, were it not for the nodes
		hold.Store(true)
		w.create(2, 0)
		close(held)
		w.Settle()
		var left []string
		for _, pod := range w.pods() {
			left = append(left, pod.Name)
		}
		assert.Len(w, left, 2)
		assert.Contains(w, left, "three")
	})
}

// A release that fails is tried again, also if the ReplicaSet turns out to be on its way
// out when another Pod is to be adopted.
func TestReleaseIsTriedAgain(t *testing.T) {
	inBubble(t, func(w world) {
		held, hold := make(chan struct{}), &atomic.Bool{}
		defer close(held)
		var refused atomic.Int32
		tap := controllertest.Holding("replicasets", hold, held)
		w.Start(replicaset.Run, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if r.Method == http.MethodPatch && refused.Add(1) == 1 {
				return nil, errors.New("the request is lost")
			}
			return tap(r, next)
		})
		w.create(1, 0)
		pod := w.pods()[0]
		hold.Store(true)
		require.NoError(w, w.ReplicaSets(namespace).Delete(w.Context(), "web",
			metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationForeground)}))
		w.orphan("other", "node", time.Hour)
		pod.Labels["app"] = "free"
		_, err := w.Pods(namespace).Update(w.Context(), pod, metav1.UpdateOptions{})
		require.NoError(w, err)
		w.Settle()
		pod, err = w.Pods(namespace).Get(w.Context(), pod.Name, metav1.GetOptions{})
		require.NoError(w, err)
		assert.Empty(w, pod.OwnerReferences)
	})
}
