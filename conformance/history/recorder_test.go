package history_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/reference"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Between the recorder's list and its watch the store is compacted: the record
// has no gap, it begins with what the next list shows.
func TestCompactionBeforeTheWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		cluster := reference.StartForTest(t, reference.Options{Nodes: -1})
		client, err := kubernetes.NewForConfig(cluster.Config())
		require.NoError(t, err)
		maps := client.CoreV1().ConfigMaps("kube-node-lease") // where nobody else writes any
		create := func(name string) {
			_, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"ours": ""}}}, metav1.CreateOptions{})
			require.NoError(t, err)
		}
		for _, name := range []string{"stays", "changes", "goes"} {
			create(name)
		}

		config := cluster.Config()
		meanwhile := sync.OnceFunc(func() {
			create("comes")
			_, err := maps.Patch(ctx, "changes", "application/merge-patch+json", []byte(`{"data":{"a":"b"}}`), metav1.PatchOptions{})
			require.NoError(t, err)
			require.NoError(t, maps.Delete(ctx, "goes", metav1.DeleteOptions{}))
			require.NoError(t, cluster.Compact(ctx))
		})
		config.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.URL.Query().Get("watch") != "" {
					meanwhile()
				}
				return next.RoundTrip(r)
			})
		})
		recorded := history.New()
		transport, err := rest.HTTPClientFor(config)
		require.NoError(t, err)
		recorder, err := history.NewRecorder(config, transport, recorded)
		require.NoError(t, err)
		require.NoError(t, recorder.Watch(ctx, history.Source{
			Resource: corev1.SchemeGroupVersion.WithResource("configmaps"), Namespace: "kube-node-lease", LabelSelector: "ours"}))
		synctest.Wait()
		create("later")
		synctest.Wait()
		recorder.Stop()

		seen := map[string]string{}
		for _, version := range recorded.Now().All() {
			name := version.Object.GetName()
			seen[name] = strings.TrimSpace(seen[name] + " " + string(version.Type))
		}
		require.Empty(t, cmp.Diff(map[string]string{
			"stays": "ADDED", "changes": "ADDED MODIFIED", "goes": "ADDED DELETED", "comes": "ADDED", "later": "ADDED"}, seen))
		require.NoError(t, recorded.Await(ctx, "nothing", func(history.Record) error { return nil }), "there is no gap")
	})
}

// An API server may be away for long: the record goes on where it was.
func TestAPIServerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		cluster := reference.StartForTest(t, reference.Options{Nodes: -1})
		client, err := kubernetes.NewForConfig(cluster.Config())
		require.NoError(t, err)
		config := cluster.Config()
		config.ContentType, config.AcceptContentTypes = "application/json", "application/json"
		recorded := history.New()
		transport, err := rest.HTTPClientFor(config)
		require.NoError(t, err)
		recorder, err := history.NewRecorder(config, transport, recorded)
		require.NoError(t, err)
		require.NoError(t, recorder.Watch(ctx, history.Source{
			Resource: corev1.SchemeGroupVersion.WithResource("configmaps"), Namespace: "kube-node-lease", LabelSelector: "ours"}))

		require.NoError(t, cluster.StopLink(ctx, implementation.APIServer))
		time.Sleep(time.Minute)
		require.NoError(t, cluster.StartLink(ctx, implementation.APIServer))
		_, err = client.CoreV1().ConfigMaps("kube-node-lease").Create(ctx,
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "later", Labels: map[string]string{"ours": ""}}}, metav1.CreateOptions{})
		require.NoError(t, err)
		require.NoError(t, recorded.Await(ctx, "what was made later", func(record history.Record) error {
			if record.Live("ConfigMap", "later") == nil {
				return errors.New("it was not recorded")
			}
			return nil
		}))
		recorder.Stop()
	})
}
