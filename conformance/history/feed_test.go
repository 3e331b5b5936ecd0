package history_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/reference"
)

// cuttable lets a test end the watches of ConfigMaps, and have the next one
// refused.
type cuttable struct {
	http.RoundTripper
	expired atomic.Bool
	cut     atomic.Pointer[context.CancelFunc]
	// meanwhile is what happens before the next one is refused.
	meanwhile func()
}

func (c *cuttable) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("watch") == "" || !strings.HasSuffix(r.URL.Path, "/configmaps") {
		return c.RoundTripper.RoundTrip(r)
	}
	if c.expired.Swap(false) {
		c.meanwhile()
		status := `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410}`
		return &http.Response{StatusCode: http.StatusGone, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(status)), Request: r}, nil
	}
	ctx, cancel := context.WithCancel(r.Context())
	c.cut.Store(&cancel)
	return c.RoundTripper.RoundTrip(r.WithContext(ctx))
}

// breakOff ends the watch; where it was has expired by then.
func (c *cuttable) breakOff(meanwhile func()) {
	c.meanwhile = meanwhile
	c.expired.Store(true)
	(*c.cut.Load())()
}

// TestFeed: every history has its namespace and what is everybody's; a gap is one
// for those that were being filled, and for no others.
func TestFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		cluster := reference.StartForTest(t, reference.Options{Nodes: -1})
		client, err := kubernetes.NewForConfig(cluster.Config())
		require.NoError(t, err)
		config := cluster.Config()
		connection := &cuttable{}
		config.Wrap(func(next http.RoundTripper) http.RoundTripper {
			connection.RoundTripper = next
			return connection
		})
		transport, err := rest.HTTPClientFor(config)
		require.NoError(t, err)
		source := func(resource string) history.Source {
			return history.Source{Resource: corev1.SchemeGroupVersion.WithResource(resource)}
		}
		feed, err := history.NewFeed(config, transport, []history.Source{source("namespaces"), source("configmaps")}, []history.Source{source("nodes")})
		require.NoError(t, err)
		defer feed.Stop()
		require.NoError(t, feed.Open(ctx))

		fill := func(namespace string) *history.History {
			filled := history.New()
			t.Cleanup(feed.Fill(namespace, filled))
			_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
			require.NoError(t, err)
			return filled
		}
		mapIn := func(namespace, name string) {
			_, err := client.CoreV1().ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
			require.NoError(t, err)
			synctest.Wait()
		}
		node := func(name string) {
			_, err := client.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
			require.NoError(t, err)
			synctest.Wait()
		}
		holds := func(filled *history.History, want ...string) {
			t.Helper()
			seen := map[string]bool{}
			for _, version := range filled.Now().All() {
				if version.Object.GetName() != "kube-root-ca.crt" {
					seen[version.Object.GetKind()+"/"+version.Object.GetName()] = true
				}
			}
			expected := map[string]bool{}
			for _, name := range want {
				expected[name] = true
			}
			require.Empty(t, cmp.Diff(expected, seen))
		}
		broken := func(filled *history.History) bool {
			return filled.Await(ctx, "nothing", func(history.Record) error { return nil }) != nil
		}

		node("early")
		one := fill("one")
		mapIn("one", "a")
		two := fill("two")
		mapIn("two", "b")
		node("late")
		holds(one, "Namespace/one", "ConfigMap/a", "Node/early", "Node/late")
		holds(two, "Namespace/two", "ConfigMap/b", "Node/early", "Node/late")
		require.False(t, broken(one))

		connection.breakOff(func() {})
		synctest.Wait()
		require.False(t, broken(one), "nothing has changed meanwhile")
		mapIn("two", "between")
		connection.breakOff(func() {
			_, err := client.CoreV1().ConfigMaps("one").Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "missed"}}, metav1.CreateOptions{})
			require.NoError(t, err)
		})
		synctest.Wait()
		require.True(t, broken(one))
		require.True(t, broken(two))
		three := fill("three")
		mapIn("three", "c")
		holds(three, "Namespace/three", "ConfigMap/c", "Node/early", "Node/late")
		require.False(t, broken(three))
	})
}
