package reference_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/hooks"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/reference"
	"github.com/podchain/podchain/reference/store"
)

// newDeployment asks for Pods that every node has room for.
func newDeployment(name string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
			},
		},
	}
}

func clientOf(t testing.TB, cluster implementation.Cluster) *kubernetes.Clientset {
	t.Helper()
	client, err := kubernetes.NewForConfig(cluster.Config())
	require.NoError(t, err)
	return client
}

// becomesAvailable waits until all replicas of the Deployment are available.
func becomesAvailable(t testing.TB, client kubernetes.Interface, name string, replicas int32) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	events, err := client.AppsV1().Deployments("default").Watch(ctx, metav1.ListOptions{})
	require.NoError(t, err)
	defer events.Stop()
	for event := range events.ResultChan() {
		deployment, ok := event.Object.(*appsv1.Deployment)
		if ok && event.Type != watch.Deleted && deployment.Name == name && deployment.Status.AvailableReplicas == replicas {
			return
		}
	}
	require.FailNow(t, "the Deployment does not become available")
}

// inBothTimes runs a test in real and in virtual time.
func inBothTimes(t *testing.T, run func(t *testing.T)) {
	t.Run("real time", run)
	t.Run("virtual time", func(t *testing.T) { synctest.Test(t, run) })
}

func TestTheChainRuns(t *testing.T) {
	inBothTimes(t, func(t *testing.T) {
		cluster := reference.StartForTest(t, reference.Options{})
		client := clientOf(t, cluster)
		_, err := client.AppsV1().Deployments("default").Create(t.Context(), newDeployment("web", 3), metav1.CreateOptions{})
		require.NoError(t, err)
		becomesAvailable(t, client, "web", 3)
		pods, err := client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Len(t, pods.Items, 3)
		for _, pod := range pods.Items {
			assert.Equal(t, corev1.PodRunning, pod.Status.Phase)
		}
	})
}

func TestEveryLinkStopsAndStarts(t *testing.T) {
	for _, link := range chain.AllLinks {
		if !reference.Has(link) {
			continue
		}
		t.Run(string(link), func(t *testing.T) {
			inBothTimes(t, func(t *testing.T) {
				cluster := reference.StartForTest(t, reference.Options{})
				require.NoError(t, cluster.StopLink(t.Context(), link))
				require.NoError(t, cluster.StopLink(t.Context(), link), "twice")
				require.NoError(t, cluster.StartLink(t.Context(), link))
				require.NoError(t, cluster.StartLink(t.Context(), link), "twice")

				client := clientOf(t, cluster)
				_, err := client.AppsV1().Deployments("default").Create(t.Context(), newDeployment("web", 2), metav1.CreateOptions{})
				require.NoError(t, err)
				becomesAvailable(t, client, "web", 2)
			})
		})
	}
}

// What is stored outlives the API server, and the links carry on without being
// restarted.
func TestTheAPIServerRestarts(t *testing.T) {
	inBothTimes(t, func(t *testing.T) {
		cluster := reference.StartForTest(t, reference.Options{})
		client := clientOf(t, cluster)
		deployments := client.AppsV1().Deployments("default")
		_, err := deployments.Create(t.Context(), newDeployment("web", 2), metav1.CreateOptions{})
		require.NoError(t, err)
		becomesAvailable(t, client, "web", 2)
		before, err := deployments.Get(t.Context(), "web", metav1.GetOptions{})
		require.NoError(t, err)

		require.NoError(t, cluster.StopLink(t.Context(), chain.APIServer))
		_, err = deployments.Get(t.Context(), "web", metav1.GetOptions{})
		require.ErrorContains(t, err, "the API server is stopped")
		require.NoError(t, cluster.StartLink(t.Context(), chain.APIServer))

		after, err := deployments.Get(t.Context(), "web", metav1.GetOptions{})
		require.NoError(t, err)
		assert.Equal(t, before.UID, after.UID)
		_, err = deployments.Create(t.Context(), newDeployment("later", 2), metav1.CreateOptions{})
		require.NoError(t, err)
		becomesAvailable(t, client, "later", 2)
	})
}

func TestNodesComeAndGo(t *testing.T) {
	inBothTimes(t, func(t *testing.T) {
		cluster := reference.StartForTest(t, reference.Options{Nodes: -1})
		nodes := clientOf(t, cluster).CoreV1().Nodes()
		for _, name := range []string{"blue", "green"} {
			require.NoError(t, cluster.AddNode(t.Context(), &corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"colour": name}},
			}))
		}
		require.Error(t, cluster.AddNode(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "blue"}}))
		require.NoError(t, cluster.RemoveNode(t.Context(), "blue"))
		require.Error(t, cluster.RemoveNode(t.Context(), "blue"))
		left, err := nodes.List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Len(t, left.Items, 1)
		assert.Equal(t, "green", left.Items[0].Labels["colour"])
	})
}

func TestTheTapIsBetweenALinkAndTheAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var created atomic.Int32
		cluster := reference.StartForTest(t, reference.Options{
			Tap: func(link chain.Link, next http.RoundTripper) http.RoundTripper {
				if link != chain.ReplicaSetController {
					return next
				}
				return roundTripper(func(request *http.Request) (*http.Response, error) {
					if request.Method == http.MethodPost && request.URL.Path == "/api/v1/namespaces/default/pods" {
						created.Add(1)
					}
					return next.RoundTrip(request)
				})
			},
		})
		client := clientOf(t, cluster)
		_, err := client.AppsV1().Deployments("default").Create(t.Context(), newDeployment("web", 3), metav1.CreateOptions{})
		require.NoError(t, err)
		becomesAvailable(t, client, "web", 3)
		assert.EqualValues(t, 3, created.Load())
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// What the suite discovers depends on where the cluster lives.
func TestWhatAClusterOffers(t *testing.T) {
	i := reference.New(reference.Options{}).(implementation.Virtual)
	offers := func(t *testing.T, settles bool) {
		cluster, err := i.Start(t.Context())
		require.NoError(t, err)
		_, ok := cluster.(implementation.Settler)
		assert.Equal(t, settles, ok, "Settler")
		assert.Implements(t, (*implementation.Links)(nil), cluster)
		assert.Implements(t, (*implementation.Nodes)(nil), cluster)
		assert.Implements(t, (*implementation.Images)(nil), cluster)
		require.NoError(t, cluster.Stop(t.Context()))
		require.NoError(t, cluster.Stop(t.Context()), "twice")
	}
	t.Run("real time", func(t *testing.T) { offers(t, false) })
	t.Run("virtual time", func(t *testing.T) { i.Virtual(t, func(t *testing.T) { offers(t, true) }) })
	t.Run("a store of somebody else", func(t *testing.T) {
		_, ok := reference.New(reference.Options{Store: store.NewMemory()}).(implementation.Virtual)
		assert.False(t, ok, "it is not known to be part of the bubble")
	})
}

// In a bubble synctest itself checks this.
func TestStopLeavesNoGoroutine(t *testing.T) {
	others := goleak.IgnoreCurrent()
	cluster, err := reference.Start(t.Context(), reference.Options{Nodes: 5})
	require.NoError(t, err)
	require.NoError(t, cluster.WaitReady(t.Context()))
	require.NoError(t, cluster.Stop(t.Context()))
	goleak.VerifyNone(t, others)
}

// A cluster that the suite checks tells which link wrote what, and hurts one link
// and no other.
func TestFaultsMeetOneLink(t *testing.T) {
	i := reference.New(reference.Options{Nodes: -1})
	inBothTimes(t, func(t *testing.T) {
		cluster, err := hooks.Start(t.Context(), i)
		require.NoError(t, err)
		defer func() { require.NoError(t, cluster.Stop(context.WithoutCancel(t.Context()))) }()
		starting, ok := implementation.As[interface{ WaitReady(context.Context) error }](cluster)
		require.True(t, ok)
		require.NoError(t, starting.WaitReady(t.Context()))
		faults, ok := implementation.As[implementation.Faults](cluster)
		require.True(t, ok)
		require.NoError(t, faults.Inject(t.Context(), chain.ReplicaSetController, implementation.Fault{
			Verb: "create", Resource: "pods", Effect: implementation.Answer, Code: http.StatusInternalServerError, Times: 1}))
		deployments := clientOf(t, cluster).AppsV1().Deployments("default")
		seen, err := deployments.Watch(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		defer seen.Stop()
		_, err = deployments.Create(t.Context(), newDeployment("web", 1), metav1.CreateOptions{})
		require.NoError(t, err)
		for counted := int32(0); counted < 1; { // the Pod, which has been created by then
			counted = (<-seen.ResultChan()).Object.(*appsv1.Deployment).Status.Replicas
		}

		writes, err := faults.Writes(t.Context())
		require.NoError(t, err)
		var codes []int
		for _, write := range writes {
			if write.Verb == "create" && write.Resource == "pods" && write.Namespace == "default" {
				assert.Equal(t, chain.ReplicaSetController, write.Link)
				codes = append(codes, write.Code)
			}
		}
		assert.Equal(t, []int{http.StatusInternalServerError, http.StatusCreated}, codes)
	})
}
