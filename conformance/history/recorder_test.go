package history_test

import (
	"context"
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

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/reference"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// recordMaps records the ConfigMaps that are ours, where nobody else writes any.
func recordMaps(t *testing.T, config *rest.Config) (recorded *history.History, stop func()) {
	t.Helper()
	recorded = history.New()
	transport, err := rest.HTTPClientFor(config)
	require.NoError(t, err)
	recorder, err := history.NewRecorder(config, transport, recorded)
	require.NoError(t, err)
	require.NoError(t, recorder.Watch(t.Context(), history.Source{
		Resource: corev1.SchemeGroupVersion.WithResource("configmaps"), Namespace: "kube-node-lease", LabelSelector: "ours"}))
	return recorded, recorder.Stop
}

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
		recorded, stop := recordMaps(t, config)
		synctest.Wait()
		create("later")
		synctest.Wait()
		stop()

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

// A watch breaks off, and the API server has forgotten the past when it is opened
// again: where nothing has changed the record has no gap, else it says so.
func TestAPIServerForgets(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile bool
		gap       bool
	}{"nothing has changed": {false, false}, "something has changed": {true, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				cluster := reference.StartForTest(t, reference.Options{Nodes: -1})
				client, err := kubernetes.NewForConfig(cluster.Config())
				require.NoError(t, err)
				configMaps := client.CoreV1().ConfigMaps("kube-node-lease")
				made := func(name, label string) *corev1.ConfigMap {
					return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{label: ""}}}
				}
				_, err = configMaps.Create(ctx, made("before", "ours"), metav1.CreateOptions{})
				require.NoError(t, err)
				config := cluster.Config()
				watches := 0
				once, breakOff := context.WithCancel(ctx)
				config.Wrap(func(next http.RoundTripper) http.RoundTripper {
					return roundTripper(func(r *http.Request) (*http.Response, error) {
						if r.URL.Query().Get("watch") != "" {
							if watches++; watches == 1 {
								r = r.WithContext(once)
							}
							if watches == 2 {
								if test.meanwhile {
									_, err := configMaps.Create(ctx, made("meanwhile", "ours"), metav1.CreateOptions{})
									require.NoError(t, err)
								}
								_, err := configMaps.Create(ctx, made("another", "theirs"), metav1.CreateOptions{})
								require.NoError(t, err)
								require.NoError(t, cluster.Compact(ctx))
							}
						}
						return next.RoundTrip(r)
					})
				})
				recorded, stop := recordMaps(t, config)
				// What was listed is forgivable: something comes by the watch.
				_, err = configMaps.Create(ctx, made("watched", "ours"), metav1.CreateOptions{})
				require.NoError(t, err)
				synctest.Wait()
				breakOff()
				synctest.Wait()
				err = recorded.Await(ctx, "nothing", func(history.Record) error { return nil })
				if test.gap {
					require.ErrorIs(t, err, history.ErrBroken)
				} else {
					require.NoError(t, err)
					_, err = configMaps.Create(ctx, made("later", "ours"), metav1.CreateOptions{})
					require.NoError(t, err)
					synctest.Wait()
					require.NotNil(t, recorded.Now().Live("ConfigMap", "later"))
				}
				stop()
			})
		})
	}
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
		recorded, stop := recordMaps(t, config)

		require.NoError(t, cluster.StopLink(ctx, chain.APIServer))
		time.Sleep(time.Minute)
		require.NoError(t, cluster.StartLink(ctx, chain.APIServer))
		_, err = client.CoreV1().ConfigMaps("kube-node-lease").Create(ctx,
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "later", Labels: map[string]string{"ours": ""}}}, metav1.CreateOptions{})
		require.NoError(t, err)
		require.NoError(t, recorded.Await(ctx, "what was made later", func(record history.Record) error {
			if record.Live("ConfigMap", "later") == nil {
				return errors.New("it was not recorded")
			}
			return nil
		}))
		stop()
	})
}
