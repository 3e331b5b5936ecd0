package reference_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference"
	"github.com/podchain/podchain/reference/store"
)

// panicking has the requests of one link panic, or the reading of their answers, in
// the goroutine that the link makes them in, and notes of which kinds there are.
type panicking struct {
	link chain.Link
	at   string // a kind of request, or reading and a kind; "": never

	mu    sync.Mutex
	kinds map[string]bool
}

func (p *panicking) tap(link chain.Link, next http.RoundTripper) http.RoundTripper {
	if link != p.link {
		return next
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		kind := r.Method + " " + requested(r)
		p.meet(kind)
		response, err := next.RoundTrip(r)
		if err == nil {
			response.Body = &panickingBody{response.Body, p, "reading " + kind}
		}
		return response, err
	})
}

// requested is the last part of the path that names no object, and whether it is watched.
func requested(r *http.Request) string {
	path := strings.Split(r.URL.Path, "/")
	for _, name := range []string{"status", "binding", "scale"} {
		if path[len(path)-1] == name {
			return name
		}
	}
	for i, part := range path {
		if part == "namespaces" && len(path) > i+2 {
			path = path[i+2:]
			break
		}
		if i > 0 && (path[1] == "api" && i == 3 || i == 4) {
			path = path[i:]
			break
		}
	}
	return strings.TrimSpace(path[0] + " " + r.URL.Query().Get("watch"))
}

func (p *panicking) meet(kind string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kinds[kind] = true
	if kind == p.at {
		panic("at " + kind)
	}
}

// met tells whether there was such a request.
func (p *panicking) met(kind string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kinds[kind]
}

type panickingBody struct {
	io.ReadCloser
	of   *panicking
	kind string
}

func (b *panickingBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if n > 0 {
		b.of.meet(b.kind)
	}
	return n, err
}

// exercise has every link of a cluster do something, until one crashes: what has been told of
// it is handed to check.
func exercise(t *testing.T, options reference.Options, check func(t *testing.T, cluster *reference.Cluster, told error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		cluster, err := reference.Start(ctx, options)
		require.NoError(t, err)
		defer func() { _ = cluster.Stop(ctx) }() // where a check has ended the test: it does nothing the second time
		work(ctx, cluster)
		select {
		case err = <-cluster.Failed():
		default:
		}
		check(t, cluster, err)
		err = cluster.Stop(ctx)
		if _, crash := cluster.Crashed(); crash != nil && !strings.Contains(crash.Error(), "node-2") { // which was stopped
			assert.ErrorIs(t, err, crash, "the end says it, too")
		}
	})
}

// work has every link of a cluster do something, and returns early when one has crashed.
func work(ctx context.Context, cluster *reference.Cluster) {
	client := kubernetes.NewForConfigOrDie(cluster.Config())
	crashed := func(within time.Duration) bool {
		time.Sleep(within)
		_, crash := cluster.Crashed()
		return crash != nil
	}
	if crashed(time.Second) {
		return
	}
	pods := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"a": "b"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "web:1"}}}}
	selector := &metav1.LabelSelector{MatchLabels: pods.Labels}
	named := metav1.ObjectMeta{Name: "x"}
	replicas := int32(4) // of which some are on each node
	// Refusals are what is to be expected of a link that has crashed.
	_, _ = client.AppsV1().Deployments("default").Create(ctx, &appsv1.Deployment{ObjectMeta: named,
		Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: selector, Template: pods}}, metav1.CreateOptions{})
	_, _ = client.AppsV1().StatefulSets("default").Create(ctx, &appsv1.StatefulSet{ObjectMeta: named,
		Spec: appsv1.StatefulSetSpec{Replicas: &replicas, Selector: selector, Template: pods}}, metav1.CreateOptions{})
	_, _ = client.AppsV1().DaemonSets("default").Create(ctx, &appsv1.DaemonSet{ObjectMeta: named,
		Spec: appsv1.DaemonSetSpec{Selector: selector, Template: pods}}, metav1.CreateOptions{})
	if crashed(time.Minute) {
		return
	}
	_ = client.AppsV1().Deployments("default").Delete(ctx, "x", metav1.DeleteOptions{})
	_, _ = client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: named}, metav1.CreateOptions{})
	time.Sleep(time.Second)
	_ = client.CoreV1().Namespaces().Delete(ctx, "x", metav1.DeleteOptions{})
	if crashed(time.Minute) {
		return
	}
	_ = cluster.StopKubelet(ctx, "node-2")
	crashed(10 * time.Minute)
}

// A link that panics ends, and nothing else does, in whatever goroutine it is: each of
// the kinds of requests that it makes comes from one of its own or of client-go's. A new
// link is tried, too: what it asks for is found out.
func TestLinkThatPanics(t *testing.T) {
	for _, link := range chain.AllLinks {
		if link == chain.APIServer || !reference.Has(link) {
			continue
		}
		t.Run(string(link), func(t *testing.T) {
			t.Parallel()
			healthy := &panicking{link: link, kinds: map[string]bool{}}
			exercise(t, reference.Options{Tap: healthy.tap}, func(t *testing.T, cluster *reference.Cluster, _ error) {
				_, crash := cluster.Crashed()
				require.NoError(t, crash)
			})
			require.GreaterOrEqual(t, len(healthy.kinds), 4, "there is more that a link does")
			met := 0
			defer func() { assert.GreaterOrEqual(t, met, 4, "kinds of requests that it panicked at") }()
			for _, kind := range slices.Sorted(maps.Keys(healthy.kinds)) {
				t.Run(kind, func(t *testing.T) {
					sick := &panicking{link: link, at: kind, kinds: map[string]bool{}}
					exercise(t, reference.Options{Tap: sick.tap}, func(t *testing.T, cluster *reference.Cluster, told error) {
						if !sick.met(kind) {
							t.Logf("this time the %s had no reason to ask for it", link)
							return
						}
						met++
						blamed, err := cluster.Crashed()
						assert.Equal(t, link, blamed)
						require.ErrorContains(t, err, "panic: at "+kind+"\n")
						assert.ErrorContains(t, err, "reference_test.(*panicking).meet\n", "the stack begins where it panicked")
						var fault *crash.Panic
						assert.ErrorAs(t, err, &fault)
						assert.Equal(t, err, told, "who waits for it")
					})
				})
			}
		})
	}
}

// panickingStore panics in a method of the store that the API server calls.
type panickingStore struct {
	store.Store
	at   string
	sick atomic.Bool
}

func (s *panickingStore) meet(method string) {
	if s.sick.Load() && method == s.at {
		panic("at " + method)
	}
}

func (s *panickingStore) Get(ctx context.Context, key string) (*store.KeyValue, error) {
	s.meet("Get")
	return s.Store.Get(ctx, key)
}

func (s *panickingStore) Watch(prefix string, since int64) store.Watcher {
	return panickingWatcher{s.Store.Watch(prefix, since), s}
}

type panickingWatcher struct {
	store.Watcher
	of *panickingStore
}

func (w panickingWatcher) Next(ctx context.Context) (store.Batch, error) {
	batch, err := w.Watcher.Next(ctx)
	w.of.meet("Next")
	return batch, err
}

// An API server that panics is away from then on: in a request as well as beside them.
func TestAPIServerThatPanics(t *testing.T) {
	for _, at := range []string{"Get", "Next"} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				held := &panickingStore{Store: store.NewMemory(), at: at}
				cluster, err := reference.Start(ctx, reference.Options{Store: held})
				require.NoError(t, err)
				require.NoError(t, cluster.WaitReady(ctx))
				held.sick.Store(true)
				client := kubernetes.NewForConfigOrDie(cluster.Config())
				_, _ = client.CoreV1().Nodes().Get(ctx, "node-1", metav1.GetOptions{})
				_, _ = client.CoreV1().ConfigMaps("default").Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}}, metav1.CreateOptions{})
				time.Sleep(time.Minute)
				link, err := cluster.Crashed()
				assert.Equal(t, chain.APIServer, link)
				assert.ErrorContains(t, err, fmt.Sprintf("api-server gave up: panic: at %s\n", at))
				_, err = client.CoreV1().Nodes().Get(ctx, "node-1", metav1.GetOptions{})
				assert.ErrorContains(t, err, "the API server is stopped")
				// Like any link it can be started again.
				held.sick.Store(false)
				require.NoError(t, cluster.StartLink(ctx, chain.APIServer))
				_, err = client.CoreV1().Nodes().Get(ctx, "node-1", metav1.GetOptions{})
				assert.NoError(t, err)
				_, err = cluster.Crashed()
				assert.NoError(t, err)
				assert.NoError(t, errors.Join(cluster.Stop(ctx)))
			})
		})
	}
}
