package controller

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/controller/controllertest"
	"github.com/podchain/podchain/reference/link"
)

var setKind = appsv1.SchemeGroupVersion.WithKind("ReplicaSet")

// kit is a controller of ReplicaSets that does nothing by itself, and one of them.
type kit struct {
	*controllertest.World
	*Controller[*appsv1.ReplicaSet]
	owner *appsv1.ReplicaSet
	pods  *Children[*appsv1.ReplicaSet, *corev1.Pod]
	maps  *Children[*appsv1.ReplicaSet, *corev1.ConfigMap]
}

func inKit(t *testing.T, tap controllertest.Tap, test func(k *kit)) {
	t.Helper()
	controllertest.InBubble(t, func(w *controllertest.World) {
		k := &kit{World: w}
		w.Start(func(ctx context.Context, config *rest.Config) error {
			l, err := link.New("tester", config)
			if err != nil {
				return err
			}
			k.Controller = New(l, Kind[*appsv1.ReplicaSet]{
				Resource:         Watch(l, l.Clients.ReplicaSets),
				GroupVersionKind: setKind,
				Selector:         func(set *appsv1.ReplicaSet) *metav1.LabelSelector { return set.Spec.Selector },
			})
			k.pods = NewChildren(k.Controller, Watch(l, l.Clients.Pods), Options[*appsv1.ReplicaSet, *corev1.Pod]{})
			k.maps = NewChildren(k.Controller, Watch(l, l.Clients.ConfigMaps), Options[*appsv1.ReplicaSet, *corev1.ConfigMap]{})
			return k.Run(ctx, 1, func(context.Context, *appsv1.ReplicaSet) error { return nil })
		}, tap)
		labels := map[string]string{"app": "web"}
		var err error
		k.owner, err = w.ReplicaSets("default").Create(w.Context(), &appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{Name: "web"},
			Spec: appsv1.ReplicaSetSpec{
				Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: labels},
					Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
				},
			},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		w.Settle()
		test(k)
	})
}

// pod returns a Pod of the owner that runs, as far as the API server knows.
func (k *kit) pod(finalizers ...string) *corev1.Pod {
	pod := PodFromTemplate(&k.owner.Spec.Template, k.owner, setKind)
	pod.Spec.NodeName, pod.Finalizers = "node-1", finalizers
	pod, err := k.Pods("default").Create(k.World.Context(), pod, metav1.CreateOptions{})
	require.NoError(k, err)
	k.Settle()
	return pod
}

func (k *kit) end(pod *corev1.Pod, options metav1.DeleteOptions) {
	require.NoError(k, k.Pods("default").Delete(k.World.Context(), pod.Name, options))
}

// TestDeletionIsExpectedUntilItIsSeen: whatever becomes of a deletion, its owner does not
// wait for an event that has come already or never comes.
func TestDeletionIsExpectedUntilItIsSeen(t *testing.T) {
	atOnce := metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}
	tests := map[string]struct {
		finalizer bool
		// before the plan is carried out; meanwhile, while a Pod is being created.
		before, meanwhile func(k *kit, pod *corev1.Pod)
		force             bool
		// repeated: the request changes nothing, so that Kubernetes writes nothing.
		repeated bool
	}{
		"the plan makes it": {},
		"another client makes it before": {
			repeated: true, before: func(k *kit, pod *corev1.Pod) { k.end(pod, metav1.DeleteOptions{}) }},
		"another client makes it meanwhile": {
			repeated: true, meanwhile: func(k *kit, pod *corev1.Pod) { k.end(pod, metav1.DeleteOptions{}) }},
		"the Pod is gone before": {
			before: func(k *kit, pod *corev1.Pod) { k.end(pod, atOnce) }},
		"the Pod is gone meanwhile": {
			meanwhile: func(k *kit, pod *corev1.Pod) { k.end(pod, atOnce) }},
		"by force": {force: true},
		"by force, and the Pod is on its way out": {
			force: true, before: func(k *kit, pod *corev1.Pod) { k.end(pod, metav1.DeleteOptions{}) }},
		"by force, and a finalizer holds the Pod": {
			force: true, finalizer: true, repeated: true, before: func(k *kit, pod *corev1.Pod) { k.end(pod, atOnce) }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var during func()
			tap := func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
				if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pods") && during != nil {
					during()
					time.Sleep(time.Second)
				}
				if r.Method == http.MethodDelete && test.repeated {
					return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
				}
				return next.RoundTrip(r)
			}
			inKit(t, tap, func(k *kit) {
				var finalizers []string
				if test.finalizer {
					finalizers = []string{"example.com/held"}
				}
				pod := k.pod(finalizers...)
				if test.before != nil {
					test.before(k, pod)
					k.Settle()
				}
				if test.meanwhile != nil {
					during = func() { test.meanwhile(k, pod) }
				}
				plan := Plan[*corev1.Pod]{Create: []*corev1.Pod{PodFromTemplate(&k.owner.Spec.Template, k.owner, setKind)}}
				if test.force {
					plan.ForceDelete = []*corev1.Pod{pod}
				} else {
					plan.Delete = []*corev1.Pod{pod}
				}
				require.NoError(t, k.pods.CarryOut(k.World.Context(), k.owner, plan))
				synctest.Wait()
				_, pending := k.expectations.Pending(k.owner.UID)
				assert.False(t, pending)
			})
		})
	}
}

// TestNoEndIsExpectedOfWhatIsGone: a request that is answered "not found" is no failure,
// and its owner does not wait, though the cache shows the Pod yet.
func TestNoEndIsExpectedOfWhatIsGone(t *testing.T) {
	var hold atomic.Bool
	var held atomic.Value // a channel of the bubble
	tap := func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		held.CompareAndSwap(nil, make(chan struct{}))
		return controllertest.Holding("pods", &hold, held.Load().(chan struct{}))(r, next)
	}
	inKit(t, tap, func(k *kit) {
		pod := k.pod()
		hold.Store(true)
		k.end(pod, metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)})
		require.NoError(t, k.pods.CarryOut(k.World.Context(), k.owner, Plan[*corev1.Pod]{Delete: []*corev1.Pod{pod}}))
		_, pending := k.expectations.Pending(k.owner.UID)
		assert.False(t, pending)
		close(held.Load().(chan struct{}))
	})
}

// TestEventsNameTheKind has the Events about writes say what was written.
func TestEventsNameTheKind(t *testing.T) {
	inKit(t, nil, func(k *kit) {
		configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Name: "one", Namespace: "default", OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(k.owner, setKind)},
		}}
		require.NoError(t, k.maps.CarryOut(k.World.Context(), k.owner, Plan[*corev1.ConfigMap]{Create: []*corev1.ConfigMap{configMap}}))
		pod := k.pod()
		require.NoError(t, k.pods.CarryOut(k.World.Context(), k.owner, Plan[*corev1.Pod]{Delete: []*corev1.Pod{pod}}))
		k.Settle()
		events, err := k.World.Clients.Events("default").List(k.World.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		var texts []string
		for i := range events.Items {
			texts = append(texts, events.Items[i].Reason+" "+events.Items[i].Message)
		}
		assert.Equal(t, []string{"SuccessfulCreate Created configmap: one", "SuccessfulDelete Deleted pod: " + pod.Name}, texts)
	})
}
