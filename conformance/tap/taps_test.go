package tap_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/tap"
	"github.com/podchain/podchain/reference"
)

const link = chain.Scheduler

// tapped returns clients of a cluster: one through the tap of a link, and one
// that nothing stands before.
func tapped(t *testing.T, contentType string) (taps *tap.Taps, through, past coreclient.ConfigMapInterface) {
	t.Helper()
	cluster := reference.StartForTest(t, reference.Options{Nodes: -1})
	taps = tap.New()
	config := cluster.Config()
	config.ContentType, config.AcceptContentTypes = contentType, contentType
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return taps.Through(link, next) })
	client := func(config *rest.Config) coreclient.ConfigMapInterface {
		made, err := kubernetes.NewForConfig(config)
		require.NoError(t, err)
		return made.CoreV1().ConfigMaps("kube-node-lease") // where nobody else writes any
	}
	return taps, client(config), client(cluster.Config())
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func TestWritesAreAttributed(t *testing.T) {
	for _, contentType := range []string{"application/json", "application/vnd.kubernetes.protobuf"} {
		t.Run(contentType, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				taps, through, past := tapped(t, contentType)
				ctx := t.Context()
				_, err := past.Create(ctx, configMap("not-ours"), metav1.CreateOptions{})
				require.NoError(t, err)
				made, err := through.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "a-"}}, metav1.CreateOptions{})
				require.NoError(t, err)
				_, err = through.List(ctx, metav1.ListOptions{})
				require.NoError(t, err)
				_, err = through.Create(ctx, configMap(made.Name), metav1.CreateOptions{})
				require.True(t, apierrors.IsAlreadyExists(err))
				changed, err := through.Patch(ctx, made.Name, types.MergePatchType, []byte(`{"data":{"a":"b"}}`), metav1.PatchOptions{})
				require.NoError(t, err)
				require.NoError(t, through.Delete(ctx, made.Name, metav1.DeleteOptions{}))
				require.NoError(t, through.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "no=one"}))

				writes, err := taps.Writes(ctx)
				require.NoError(t, err)
				write := func(verb, name string, code int, version string) implementation.Write {
					return implementation.Write{Link: link, Verb: verb, Resource: "configmaps", Namespace: "kube-node-lease",
						Name: name, Code: code, ResourceVersion: version}
				}
				assert.Empty(t, cmp.Diff([]implementation.Write{
					write("create", made.Name, 201, made.ResourceVersion),
					write("create", "", 409, ""),
					write("patch", made.Name, 200, changed.ResourceVersion),
					write("delete", made.Name, 200, ""),
					write("deletecollection", "", 200, ""),
				}, writes, cmpopts.IgnoreFields(implementation.Write{}, "Time")))
			})
		})
	}
}

func TestFaults(t *testing.T) {
	broken := func(t *testing.T, err error) { require.ErrorIs(t, err, syscall.ECONNRESET) }
	for name, test := range map[string]struct {
		fault  implementation.Fault
		fails  func(*testing.T, error) // nil: the request succeeds
		stored bool                    // all the same
		takes  time.Duration
	}{
		"a lost reply": {fault: implementation.Fault{Verb: "create", Resource: "configmaps", Effect: implementation.LoseReply}, fails: broken, stored: true},
		"a conflict": {fault: implementation.Fault{Effect: implementation.Answer, Code: 409},
			fails: func(t *testing.T, err error) { require.True(t, apierrors.IsConflict(err)) }},
		"a fault of the server": {fault: implementation.Fault{Effect: implementation.Answer, Code: 500},
			fails: func(t *testing.T, err error) { require.True(t, apierrors.IsInternalError(err)) }},
		"a cut connection":     {fault: implementation.Fault{Verb: "create", Effect: implementation.Cut}, fails: broken},
		"a delay":              {fault: implementation.Fault{Effect: implementation.Delay, Delay: time.Hour}, stored: true, takes: time.Hour},
		"of another verb":      {fault: implementation.Fault{Verb: "update", Effect: implementation.LoseReply}, stored: true},
		"of another resource":  {fault: implementation.Fault{Resource: "pods", Effect: implementation.LoseReply}, stored: true},
		"of a subresource":     {fault: implementation.Fault{Resource: "configmaps", Subresource: "status", Effect: implementation.LoseReply}, stored: true},
		"of another namespace": {fault: implementation.Fault{Namespace: "other", Effect: implementation.LoseReply}, stored: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				taps, through, past := tapped(t, "application/json")
				ctx := t.Context()
				test.fault.Times = 1
				require.NoError(t, taps.Inject(ctx, link, test.fault))
				require.NoError(t, taps.Inject(ctx, chain.Kubelet, implementation.Fault{Effect: implementation.LoseReply}), "of another link")
				started := time.Now()
				_, err := through.Create(ctx, configMap("a"), metav1.CreateOptions{})
				if test.fails == nil {
					require.NoError(t, err)
				} else {
					test.fails(t, err)
				}
				assert.Equal(t, test.takes, time.Since(started))
				_, err = past.Get(ctx, "a", metav1.GetOptions{})
				assert.Equal(t, test.stored, err == nil, "it is stored")
				_, err = through.Create(ctx, configMap("b"), metav1.CreateOptions{})
				require.NoError(t, err, "it is met once")
			})
		})
	}
}

func TestHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		taps, through, _ := tapped(t, "application/json")
		ctx := t.Context()
		always := implementation.Fault{Effect: implementation.Answer, Code: 429}
		scoped := always
		scoped.Namespace = "kube-node-lease"
		require.NoError(t, taps.Inject(ctx, link, scoped))
		require.NoError(t, taps.Heal(ctx, "other"))
		err := errors.Join(create(ctx, through, "a"))
		require.True(t, apierrors.IsTooManyRequests(err), err)
		require.NoError(t, taps.Heal(ctx, "kube-node-lease"))
		require.NoError(t, create(ctx, through, "a"))
	})
}

func create(ctx context.Context, configMaps coreclient.ConfigMapInterface, name string) error {
	_, err := configMaps.Create(ctx, configMap(name), metav1.CreateOptions{})
	return err
}

// onlyA leaves out what the cluster puts into every namespace.
var onlyA = metav1.ListOptions{FieldSelector: "metadata.name=a"}

func TestWatchesAreCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		taps, through, past := tapped(t, "application/json")
		ctx := t.Context()
		open := func() watch.Interface {
			w, err := through.Watch(ctx, onlyA)
			require.NoError(t, err)
			return w
		}
		first := open()
		cut := implementation.Fault{Verb: "watch", Resource: "configmaps", Effect: implementation.Cut, Times: 2}
		require.NoError(t, taps.Inject(ctx, link, cut))
		_, more := <-first.ResultChan()
		require.False(t, more, "the open one is cut")
		_, more = <-open().ResultChan()
		require.False(t, more, "and the next one")
		third := open()
		defer third.Stop()
		require.NoError(t, create(ctx, past, "a"))
		require.Equal(t, watch.Added, (<-third.ResultChan()).Type)
	})
}

// TestWatchesAreReadable: a client may ask for what is compressed, which nobody can read
// on its way; only of a watch is that taken back, and the client's request stays as it is.
func TestWatchesAreReadable(t *testing.T) {
	for query, asked := range map[string]string{"": "gzip", "?watch=true": ""} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.test/api/v1/pods"+query, nil)
		require.NoError(t, err)
		r.Header.Set("Accept-Encoding", "gzip")
		var sent string
		response, err := tap.New().Through(link, sink(func(r *http.Request) { sent = r.Header.Get("Accept-Encoding") })).RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, asked, sent, query)
		assert.Equal(t, "gzip", r.Header.Get("Accept-Encoding"), query)
	}
}

// sink answers every request with nothing, and is told of it.
type sink func(*http.Request)

func (s sink) RoundTrip(r *http.Request) (*http.Response, error) {
	s(r)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// TestMet: whoever waits for faults to be met is told when they are, how often they say.
func TestMet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		taps, through, _ := tapped(t, "application/json")
		ctx := t.Context()
		refuse := implementation.Fault{Verb: "create", Resource: "configmaps", Effect: implementation.Answer, Code: 500}
		twice := refuse
		twice.Times = 2
		require.NoError(t, taps.Inject(ctx, link, twice))
		require.NoError(t, taps.Inject(ctx, link, refuse))
		require.NoError(t, taps.AwaitTriggered(ctx, "elsewhere"))
		met := make(chan error, 1)
		go func() { met <- taps.AwaitTriggered(ctx, "") }()
		for range 3 {
			synctest.Wait()
			require.Empty(t, met)
			require.Error(t, create(ctx, through, "a"))
		}
		require.NoError(t, <-met)

		require.NoError(t, taps.Inject(ctx, link, twice))
		impatient, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		require.ErrorContains(t, taps.AwaitTriggered(impatient, ""), "requests of the scheduler that were to meet a fault")
		go func() { met <- taps.AwaitTriggered(ctx, "") }()
		synctest.Wait()
		require.NoError(t, taps.Heal(ctx, ""))
		require.NoError(t, <-met, "it cannot be met any more")
	})
}

// TestHealLetsGo: what a fault delays goes on when it is healed, and has been answered
// and told by then.
func TestHealLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		taps, through, _ := tapped(t, "application/json")
		ctx := t.Context()
		delay := implementation.Fault{Verb: "create", Resource: "configmaps", Effect: implementation.Delay, Delay: time.Hour}
		require.NoError(t, taps.Inject(ctx, link, delay))
		began, created := time.Now(), make(chan error, 1)
		go func() { created <- create(ctx, through, "a") }()
		synctest.Wait()
		require.NoError(t, taps.Heal(ctx, ""))
		writes, err := taps.Writes(ctx)
		require.NoError(t, err)
		require.Len(t, writes, 1)
		require.Equal(t, implementation.Delay, writes[0].Fault)
		require.NoError(t, <-created)
		require.Less(t, time.Since(began), time.Hour)
	})
}

// TestNotices: what a watch brings to a link is told, in either encoding, while the
// link reads it; what the link has not asked for is not.
func TestNotices(t *testing.T) {
	for _, contentType := range []string{"application/json", "application/vnd.kubernetes.protobuf"} {
		t.Run(contentType, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				taps, through, past := tapped(t, contentType)
				ctx := t.Context()
				w, err := through.Watch(ctx, onlyA)
				require.NoError(t, err)
				defer w.Stop()
				big := configMap("a")
				big.Data = map[string]string{"long": strings.Repeat("x", 100_000)} // more than one read
				made, err := past.Create(ctx, big, metav1.CreateOptions{})
				require.NoError(t, err)
				require.NoError(t, create(ctx, past, "b"))
				changed, err := past.Patch(ctx, "a", types.MergePatchType, []byte(`{"data":{"a":"b"}}`), metav1.PatchOptions{})
				require.NoError(t, err)
				require.NoError(t, past.Delete(ctx, "a", metav1.DeleteOptions{}))
				var versions []string
				for range 3 {
					event := <-w.ResultChan()
					versions = append(versions, event.Object.(*corev1.ConfigMap).ResourceVersion)
				}
				require.Equal(t, []string{made.ResourceVersion, changed.ResourceVersion}, versions[:2])
				var want []implementation.Notice
				for _, version := range versions {
					want = append(want, implementation.Notice{Link: link, Resource: "configmaps", Namespace: "kube-node-lease", Name: "a", ResourceVersion: version, Time: time.Now()})
				}
				notices, err := taps.Notices(ctx)
				require.NoError(t, err)
				assert.Empty(t, cmp.Diff(want, notices))
			})
		})
	}
}

func TestInjectRefusesWhatIsNoFault(t *testing.T) {
	for says, fault := range map[string]implementation.Fault{
		"unknown fault":       {},
		"code of a failure":   {Effect: implementation.Answer, Code: 200},
		"needs a time":        {Effect: implementation.Delay},
		"number of times is ": {Effect: implementation.LoseReply, Times: -1},
	} {
		require.ErrorContains(t, tap.New().Inject(t.Context(), link, fault), says)
	}
}

// A program behind a proxy meets the same faults, as a client of a real port.
func TestDoor(t *testing.T) {
	cluster := reference.StartForTest(t, reference.Options{Nodes: -1})
	taps := tap.New()
	proxy, err := taps.OpenProxy(link, cluster.Config())
	require.NoError(t, err)
	defer func() { require.NoError(t, proxy.Close()) }()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, proxy.WriteKubeconfig(file))
	config, err := clientcmd.BuildConfigFromFlags("", file)
	require.NoError(t, err)
	client, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	configMaps := client.CoreV1().ConfigMaps("kube-node-lease")

	asked := proxy.NextRequest()
	w, err := configMaps.Watch(t.Context(), onlyA)
	require.NoError(t, err)
	<-asked
	require.NoError(t, taps.Inject(t.Context(), link, implementation.Fault{Verb: "watch", Effect: implementation.Cut, Times: 1}))
	for event := range w.ResultChan() { // that ends: the open watch is cut
		require.Equal(t, watch.Error, event.Type)
	}

	require.NoError(t, taps.Inject(t.Context(), link, implementation.Fault{Verb: "create", Effect: implementation.LoseReply, Times: 1}))
	require.Error(t, create(t.Context(), configMaps, "a"))
	_, err = configMaps.Get(t.Context(), "a", metav1.GetOptions{})
	require.NoError(t, err, "it is stored, only the reply was lost")

	stranger := rest.AnonymousClientConfig(config)
	client, err = kubernetes.NewForConfig(stranger)
	require.NoError(t, err)
	_, err = client.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	require.True(t, apierrors.IsUnauthorized(err), err)
}
