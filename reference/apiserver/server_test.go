package apiserver_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/apiserver"
	"github.com/podchain/podchain/reference/apiserver/kinds"
	"github.com/podchain/podchain/reference/inmemoryhttp"
	"github.com/podchain/podchain/reference/store"
)

// someKinds are enough to test what is generic.
func someKinds() []*kinds.Kind {
	return []*kinds.Kind{
		{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("Namespace"), Resource: "namespaces", Singular: "namespace",
			DeleteReturnsObject: true, PrepareForStatus: func(obj, old runtime.Object) {}},
		{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("Node"), Resource: "nodes", Singular: "node"},
		{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("ServiceAccount"), Resource: "serviceaccounts", Singular: "serviceaccount", Namespaced: true},
		{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("ConfigMap"), Resource: "configmaps", Singular: "configmap", Namespaced: true},
		{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("Event"), Resource: "events", Singular: "event", Namespaced: true},
		{GroupVersionKind: eventsv1.SchemeGroupVersion.WithKind("Event"), Resource: "events", Singular: "event", Namespaced: true},
		{GroupVersionKind: corev1.SchemeGroupVersion.WithKind("Pod"), Resource: "pods", Singular: "pod", Namespaced: true,
			FieldNames: []string{"spec.nodeName"}, DeleteReturnsObject: true,
			IndexField: "spec.nodeName", IndexValue: func(obj runtime.Object) string { return obj.(*corev1.Pod).Spec.NodeName },
			Fields: func(obj runtime.Object) fields.Set {
				return fields.Set{"spec.nodeName": obj.(*corev1.Pod).Spec.NodeName}
			},
			PrepareForCreate: func(obj runtime.Object) {
				obj.(*corev1.Pod).Generation = 1
				obj.(*corev1.Pod).Status = corev1.PodStatus{Phase: corev1.PodPending}
			},
			PrepareForUpdate: func(obj, old runtime.Object) { obj.(*corev1.Pod).Status = old.(*corev1.Pod).Status },
			PrepareForStatus: func(obj, old runtime.Object) { obj.(*corev1.Pod).Spec = old.(*corev1.Pod).Spec },
			GracePeriod: func(obj runtime.Object, requested *int64) int64 {
				if obj.(*corev1.Pod).Spec.NodeName == "" {
					return 0
				}
				return ptr.Deref(requested, 30)
			},
		},
		{GroupVersionKind: appsv1.SchemeGroupVersion.WithKind("Deployment"), Resource: "deployments", Singular: "deployment", Namespaced: true,
			PrepareForCreate: func(obj runtime.Object) { obj.(*appsv1.Deployment).Generation = 1 },
			Scale: &kinds.Scale{
				Get: func(obj runtime.Object) (spec, status int32, selector string) {
					d := obj.(*appsv1.Deployment)
					return ptr.Deref(d.Spec.Replicas, 1), d.Status.Replicas, ""
				},
				Set: func(obj runtime.Object, replicas int32) { obj.(*appsv1.Deployment).Spec.Replicas = &replicas },
			}},
	}
}

type cluster struct {
	config *rest.Config
	client kubernetes.Interface
	store  *store.Memory
}

// start runs a server of some kinds until the test ends.
func start(t testing.TB, contentType string) *cluster {
	return startOn(t, store.NewMemory(), someKinds(), contentType)
}

func startOn(t testing.TB, stored *store.Memory, served []*kinds.Kind, contentType string) *cluster {
	c := &cluster{store: stored}
	server, err := apiserver.New(apiserver.Options{Store: c.store, Kinds: served})
	require.NoError(t, err)
	transport := inmemoryhttp.NewTransport(server)
	t.Cleanup(func() {
		server.Close()
		transport.Close()
	})
	c.config = inmemoryhttp.Config(transport)
	if contentType != "" {
		c.config.ContentType, c.config.AcceptContentTypes = contentType, contentType
	}
	client, err := kubernetes.NewForConfig(c.config)
	require.NoError(t, err)
	c.client = client
	// Nobody else makes the account without which no Pod is admitted.
	_, err = client.CoreV1().ServiceAccounts("default").Create(t.Context(), serviceAccount("default"), metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		require.NoError(t, err)
	}
	return c
}

func serviceAccount(name string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func pod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i:1"}}},
	}
}

// TestLifecycle walks one Pod through the verbs, in both encodings.
func TestLifecycle(t *testing.T) {
	for _, contentType := range []string{runtime.ContentTypeProtobuf, runtime.ContentTypeJSON} {
		t.Run(contentType, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { lifecycle(t, start(t, contentType)) })
		})
	}
}

func lifecycle(t *testing.T, c *cluster) {
	ctx := t.Context()
	pods := c.client.CoreV1().Pods("default")

	before, err := pods.List(ctx, metav1.ListOptions{})
	require.NoError(t, err)
	require.Empty(t, before.Items)
	w, err := pods.Watch(ctx, metav1.ListOptions{ResourceVersion: before.ResourceVersion})
	require.NoError(t, err)
	defer w.Stop()
	unscheduled, err := pods.Watch(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName="})
	require.NoError(t, err)
	defer unscheduled.Stop()

	created, err := pods.Create(ctx, pod("a"), metav1.CreateOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, created.UID)
	require.Equal(t, "default", created.Spec.ServiceAccountName)
	require.NotEmpty(t, created.ManagedFields)
	require.Equal(t, created, expect[*corev1.Pod](t, w, watch.Added))
	_, err = pods.Create(ctx, pod("a"), metav1.CreateOptions{})
	require.True(t, apierrors.IsAlreadyExists(err), err)
	require.Equal(t, "pods", statusDetails(err).Kind)

	got, err := pods.Get(ctx, "a", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, created, got)

	same, err := pods.Update(ctx, got, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.Equal(t, created, same, "a write that changes nothing")

	patched, err := pods.Patch(ctx, "a", types.StrategicMergePatchType,
		[]byte(`{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`), metav1.PatchOptions{}, "status")
	require.NoError(t, err)
	require.Len(t, patched.Status.Conditions, 1)
	require.Equal(t, patched, expect[*corev1.Pod](t, w, watch.Modified))

	_, err = pods.Update(ctx, got, metav1.UpdateOptions{})
	require.True(t, apierrors.IsConflict(err), err)

	require.NoError(t, pods.Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "default", UID: got.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: "n1"},
	}, metav1.CreateOptions{}))
	bound := expect[*corev1.Pod](t, w, watch.Modified)
	require.Equal(t, "n1", bound.Spec.NodeName)
	require.Equal(t, int64(1), bound.Generation)
	expect[*corev1.Pod](t, unscheduled, watch.Added)
	expect[*corev1.Pod](t, unscheduled, watch.Modified)
	gone := expect[*corev1.Pod](t, unscheduled, watch.Deleted)
	require.Equal(t, bound.ResourceVersion, gone.ResourceVersion)
	require.Empty(t, gone.Spec.NodeName)

	merged, err := pods.Patch(ctx, "a", types.MergePatchType, []byte(`{"metadata":{"labels":{"x":"y"}}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"app": "a", "x": "y"}, merged.Labels)
	_, err = pods.Patch(ctx, "a", types.JSONPatchType, []byte(`[{"op":"remove","path":"/metadata/labels/x"}]`), metav1.PatchOptions{})
	require.NoError(t, err)
	expect[*corev1.Pod](t, w, watch.Modified)
	expect[*corev1.Pod](t, w, watch.Modified)

	require.NoError(t, pods.Delete(ctx, "a", metav1.DeleteOptions{}))
	ending := expect[*corev1.Pod](t, w, watch.Modified)
	require.Equal(t, int64(30), *ending.DeletionGracePeriodSeconds)
	require.Equal(t, int64(2), ending.Generation)
	require.NoError(t, pods.Delete(ctx, "a", metav1.DeleteOptions{
		GracePeriodSeconds: ptr.To[int64](0), Preconditions: metav1.NewUIDPreconditions(string(got.UID))}))
	expect[*corev1.Pod](t, w, watch.Modified)
	last := expect[*corev1.Pod](t, w, watch.Deleted)
	require.Greater(t, last.ResourceVersion, ending.ResourceVersion)
	_, err = pods.Get(ctx, "a", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), err)
}

func TestApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, "")
		maps := c.client.CoreV1().ConfigMaps("default")
		config := func(value string) *applycorev1.ConfigMapApplyConfiguration {
			return applycorev1.ConfigMap("m", "default").WithData(map[string]string{"k": value})
		}
		first, err := maps.Apply(t.Context(), config("1"), metav1.ApplyOptions{FieldManager: "one"})
		require.NoError(t, err)
		again, err := maps.Apply(t.Context(), config("1"), metav1.ApplyOptions{FieldManager: "one"})
		require.NoError(t, err)
		require.Equal(t, first, again)
		_, err = maps.Apply(t.Context(), config("2"), metav1.ApplyOptions{FieldManager: "two"})
		require.True(t, apierrors.IsConflict(err), err)
		require.Equal(t, metav1.CauseTypeFieldManagerConflict, statusDetails(err).Causes[0].Type)
		forced, err := maps.Apply(t.Context(), config("2"), metav1.ApplyOptions{FieldManager: "two", Force: true})
		require.NoError(t, err)
		require.Equal(t, "2", forced.Data["k"])
	})
}

func TestScale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, "")
		deployments := c.client.AppsV1().Deployments("default")
		d, err := deployments.Create(t.Context(), &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "d"}}, metav1.CreateOptions{})
		require.NoError(t, err)
		scale, err := deployments.GetScale(t.Context(), "d", metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, d.ResourceVersion, scale.ResourceVersion)
		scale.Spec.Replicas = 5
		scale, err = deployments.UpdateScale(t.Context(), "d", scale, metav1.UpdateOptions{})
		require.NoError(t, err)
		require.Equal(t, int32(5), scale.Spec.Replicas)
	})
}

func TestEventsAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, "")
		w, err := c.client.EventsV1().Events("default").Watch(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		defer w.Stop()
		_, err = c.client.CoreV1().Events("default").Create(t.Context(), &corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Name: "e"}, Message: "hello",
			InvolvedObject: corev1.ObjectReference{Namespace: "default", Name: "x"},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		e := expect[*eventsv1.Event](t, w, watch.Added)
		require.Equal(t, "hello", e.Note)
		require.Equal(t, "x", e.Regarding.Name)
		require.NotEmpty(t, e.ResourceVersion)
		list, err := c.client.EventsV1().Events("default").List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Len(t, list.Items, 1)
		require.Equal(t, *e, list.Items[0])
	})
}

func TestChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, "")
		pods := c.client.CoreV1().Pods("default")
		for _, name := range []string{"a", "b", "c"} {
			_, err := pods.Create(t.Context(), pod(name), metav1.CreateOptions{})
			require.NoError(t, err)
		}
		page, err := pods.List(t.Context(), metav1.ListOptions{Limit: 2})
		require.NoError(t, err)
		require.Len(t, page.Items, 2)
		require.Equal(t, int64(1), *page.RemainingItemCount)
		require.NoError(t, pods.Delete(t.Context(), "c", metav1.DeleteOptions{}))
		rest, err := pods.List(t.Context(), metav1.ListOptions{Limit: 2, Continue: page.Continue})
		require.NoError(t, err)
		require.Len(t, rest.Items, 1)
		require.Equal(t, page.ResourceVersion, rest.ResourceVersion)

		current, _, err := c.store.Revision(t.Context())
		require.NoError(t, err)
		require.NoError(t, c.store.Compact(t.Context(), current))
		_, err = pods.List(t.Context(), metav1.ListOptions{Limit: 2, Continue: page.Continue})
		require.True(t, apierrors.IsResourceExpired(err), err)
		w, err := pods.Watch(t.Context(), metav1.ListOptions{ResourceVersion: page.ResourceVersion})
		require.NoError(t, err)
		defer w.Stop()
		require.Equal(t, int32(http.StatusGone), expect[*metav1.Status](t, w, watch.Error).Code)
	})
}

// TestIdleWatchOutlivesCompaction: a watch that is open has nothing to fear from a
// compaction, also where nothing of its kind has been written for long.
func TestIdleWatchOutlivesCompaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, "")
		w, err := c.client.AppsV1().Deployments("default").Watch(t.Context(), metav1.ListOptions{AllowWatchBookmarks: true})
		require.NoError(t, err)
		defer w.Stop()
		for _, name := range []string{"a", "b"} {
			_, err := c.client.CoreV1().Pods("default").Create(t.Context(), pod(name), metav1.CreateOptions{})
			require.NoError(t, err)
		}
		current, _, err := c.store.Revision(t.Context())
		require.NoError(t, err)
		require.NoError(t, c.store.Compact(t.Context(), current))
		time.Sleep(2 * time.Minute) // a bookmark is due
		_, err = c.client.AppsV1().Deployments("default").Create(t.Context(), &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}}, metav1.CreateOptions{})
		require.NoError(t, err)
		event := <-w.ResultChan()
		for event.Type == watch.Bookmark {
			event = <-w.ResultChan()
		}
		require.Equal(t, watch.Added, event.Type)
		require.Equal(t, "web", event.Object.(*appsv1.Deployment).Name)
	})
}

// TestInformer runs client-go's informers with their defaults in a bubble,
// which none of the goroutines may outlive.
func TestInformer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, "")
		_, err := c.client.CoreV1().Pods("default").Create(t.Context(), pod("a"), metav1.CreateOptions{})
		require.NoError(t, err)
		factory := informers.NewSharedInformerFactory(c.client, 0)
		lister := factory.Core().V1().Pods().Lister()
		ctx, cancel := context.WithCancel(t.Context())
		factory.Start(ctx.Done())
		factory.WaitForCacheSync(ctx.Done())
		_, err = lister.Pods("default").Get("a")
		require.NoError(t, err)
		_, err = c.client.CoreV1().Pods("default").Create(ctx, pod("b"), metav1.CreateOptions{})
		require.NoError(t, err)
		time.Sleep(time.Hour) // across the watch's lifetime
		_, err = lister.Pods("default").Get("b")
		require.NoError(t, err)
		cancel()
		factory.Shutdown()
	})
}

// TestWatchIndex has watchers of one node each: they are told of their Pods and of no
// others, also one that lags so far behind that it reads on from the store, and
// one that was there before anything was written.
func TestWatchIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 100 // more than is kept for a value
		ctx := t.Context()
		pods := start(t, "").client.CoreV1().Pods("default")
		on := func(node string) watch.Interface {
			w, err := pods.Watch(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
			require.NoError(t, err)
			return w
		}
		nodes := map[string]watch.Interface{"n1": on("n1"), "n2": on("n2")}
		for i := range each {
			for node := range nodes {
				p := pod(fmt.Sprintf("%s-%d", node, i))
				p.Spec.NodeName = node
				_, err := pods.Create(ctx, p, metav1.CreateOptions{})
				require.NoError(t, err)
				// Large enough to fill the window of a stream that nobody reads.
				_, err = pods.Patch(ctx, p.Name, types.MergePatchType,
					[]byte(`{"metadata":{"annotations":{"a":"`+strings.Repeat("x", 5000)+`"}}}`), metav1.PatchOptions{})
				require.NoError(t, err)
			}
		}
		for node, w := range nodes {
			for i := range each {
				name := fmt.Sprintf("%s-%d", node, i)
				require.Equal(t, name, expect[*corev1.Pod](t, w, watch.Added).Name)
				require.Equal(t, name, expect[*corev1.Pod](t, w, watch.Modified).Name)
			}
			w.Stop()
		}
		again := on("n1") // the first one's entry has gone with it
		defer again.Stop()
		for range each {
			expect[*corev1.Pod](t, again, watch.Added)
		}
		require.NoError(t, pods.Delete(ctx, "n1-0", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}))
		expect[*corev1.Pod](t, again, watch.Modified) // its end is announced
		require.Equal(t, "n1-0", expect[*corev1.Pod](t, again, watch.Deleted).Name)
	})
}

func expect[T runtime.Object](t *testing.T, w watch.Interface, event watch.EventType) T {
	t.Helper()
	select {
	case e := <-w.ResultChan():
		require.Equal(t, event, e.Type, "%v", e.Object)
		return e.Object.(T)
	case <-time.After(time.Minute):
		require.FailNow(t, "no event")
	}
	panic("unreachable")
}

func statusDetails(err error) *metav1.StatusDetails {
	return err.(apierrors.APIStatus).Status().Details
}
