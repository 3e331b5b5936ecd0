package reference_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/etcdserver"
	"github.com/podchain/podchain/reference"
	"github.com/podchain/podchain/reference/store/etcd/etcdtest"
)

// onEtcd starts a cluster that has nothing but the etcd in common with others.
func onEtcd(t *testing.T, server *etcdserver.Server, options reference.Options) (*reference.Cluster, kubernetes.Interface) {
	t.Helper()
	options.Store = etcdtest.Open(t, server)
	options.AnyImage = true
	cluster := reference.StartForTest(t, options)
	client, err := kubernetes.NewForConfig(cluster.Config())
	require.NoError(t, err)
	return cluster, client
}

func deploymentOf(name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](2),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "web:1"}}},
			},
		},
	}
}

// available waits until the Deployment has the replicas that it wants.
func available(t *testing.T, client kubernetes.Interface, name string) {
	t.Helper()
	w, err := client.AppsV1().Deployments("default").Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	require.NoError(t, err)
	defer w.Stop()
	for event := range w.ResultChan() {
		d, ok := event.Object.(*appsv1.Deployment)
		if ok && event.Type != watch.Deleted && d.Status.ObservedGeneration == d.Generation && d.Status.AvailableReplicas == *d.Spec.Replicas {
			return
		}
	}
	require.FailNow(t, "the watch ended", name)
}

// What has been acknowledged survives the API server (STORE-07): as a link that
// stops and starts, as another process, and beside another one.
func TestEtcdKeepsWhatIsAcknowledged(t *testing.T) {
	server := etcdtest.Start(t)
	first, client := onEtcd(t, server, reference.Options{})
	created, err := client.AppsV1().Deployments("default").Create(t.Context(), deploymentOf("web"), metav1.CreateOptions{})
	require.NoError(t, err)
	available(t, client, "web")

	unchanged := func(client kubernetes.Interface) {
		t.Helper()
		kept, err := client.CoreV1().Namespaces().Get(t.Context(), "default", metav1.GetOptions{})
		require.NoError(t, err)
		require.Less(t, kept.ResourceVersion, created.ResourceVersion)
		d, err := client.AppsV1().Deployments("default").Get(t.Context(), "web", metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, created.UID, d.UID)
		require.Equal(t, created.Spec, d.Spec)
	}
	require.NoError(t, first.StopLink(t.Context(), chain.APIServer))
	require.NoError(t, first.StartLink(t.Context(), chain.APIServer))
	unchanged(client)
	require.NoError(t, client.CoreV1().Pods("default").DeleteCollection(t.Context(),
		metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}, metav1.ListOptions{LabelSelector: "app=web"}))
	available(t, client, "web")

	// Two API servers, one etcd: each knows at once what the other has written.
	_, beside := onEtcd(t, server, reference.Options{Nodes: -1, Without: chain.AllLinks[1:]})
	unchanged(beside)
	w, err := client.CoreV1().ConfigMaps("default").Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=m"})
	require.NoError(t, err)
	defer w.Stop()
	m, err := beside.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "m"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	for _, one := range []kubernetes.Interface{client, beside, client} {
		m.Data = map[string]string{"version": m.ResourceVersion}
		if m, err = one.CoreV1().ConfigMaps("default").Update(t.Context(), m, metav1.UpdateOptions{}); err != nil {
			require.NoError(t, err)
		}
		for _, reader := range []kubernetes.Interface{client, beside} {
			got, err := reader.CoreV1().ConfigMaps("default").Get(t.Context(), "m", metav1.GetOptions{})
			require.NoError(t, err)
			require.Equal(t, m, got)
		}
	}
	for event := range w.ResultChan() {
		if event.Object.(*corev1.ConfigMap).ResourceVersion == m.ResourceVersion {
			break
		}
	}

	require.NoError(t, first.Stop(t.Context()))
	_, client = onEtcd(t, server, reference.Options{})
	unchanged(client)
	_, err = client.AppsV1().Deployments("default").Create(t.Context(), deploymentOf("late"), metav1.CreateOptions{})
	require.NoError(t, err)
	available(t, client, "late")
	available(t, client, "web")
}

// With the store down writes fail and the server is not ready; when it is back
// the chain goes on, and nobody has been started again (STORE-08).
func TestEtcdAway(t *testing.T) {
	server := etcdtest.Start(t)
	cluster, client := onEtcd(t, server, reference.Options{})
	require.Equal(t, http.StatusOK, probe(t, cluster.Config(), "/readyz"))

	server.Kill()
	require.Equal(t, http.StatusInternalServerError, probe(t, cluster.Config(), "/readyz"))
	require.Equal(t, http.StatusOK, probe(t, cluster.Config(), "/livez"))
	_, err := client.AppsV1().Deployments("default").Create(t.Context(), deploymentOf("web"), metav1.CreateOptions{})
	var status apierrors.APIStatus
	require.ErrorAs(t, err, &status)
	require.GreaterOrEqual(t, status.Status().Code, int32(http.StatusInternalServerError))

	require.NoError(t, server.Restart(t.Context()))
	_, err = client.AppsV1().Deployments("default").Create(t.Context(), deploymentOf("web"), metav1.CreateOptions{})
	require.NoError(t, err)
	available(t, client, "web")
	require.Equal(t, http.StatusOK, probe(t, cluster.Config(), "/readyz"))
	select {
	case err := <-cluster.Failed():
		require.NoError(t, err)
	default:
	}
}

func probe(t *testing.T, config *rest.Config, path string) int {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Host+path, nil)
	require.NoError(t, err)
	response, err := client.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}
