package control_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/control"
	"github.com/podchain/podchain/conformance/implementation"
)

// bare offers nothing beyond the API.
type bare struct{}

func (bare) Config() *rest.Config       { return &rest.Config{} }
func (bare) Stop(context.Context) error { return nil }

// full offers everything, and writes down what it is asked for.
type full struct {
	bare
	asked []string
	fails error
}

func (f *full) note(format string, args ...any) error {
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
	return f.fails
}

func (f *full) StopLink(_ context.Context, link chain.Link) error {
	return f.note("stop %s", link)
}

func (f *full) StartLink(_ context.Context, link chain.Link) error {
	return f.note("start %s", link)
}

func (f *full) AddNode(_ context.Context, node *corev1.Node) error {
	return f.note("add %s %v", node.Name, node.Labels)
}

func (f *full) RemoveNode(_ context.Context, name string) error { return f.note("remove %s", name) }
func (f *full) StopKubelet(_ context.Context, node string) error {
	return f.note("stop kubelet of %s", node)
}

func (f *full) StartKubelet(_ context.Context, node string) error {
	return f.note("start kubelet of %s", node)
}
func (f *full) ImageName(short string) string                 { return "registry.test/" + short }
func (f *full) Publish(_ context.Context, short string) error { return f.note("publish %s", short) }
func (f *full) Compact(context.Context) error                 { return f.note("compact") }
func (f *full) Calls(context.Context) ([]implementation.Call, error) {
	return []implementation.Call{call}, f.note("calls")
}

func (f *full) StartReplica(_ context.Context, link chain.Link) error {
	return f.note("replica of %s", link)
}

func (f *full) KillLeader(_ context.Context, link chain.Link) error {
	return f.note("kill %s", link)
}

func (f *full) StopReplicas(_ context.Context, link chain.Link) error {
	return f.note("one %s", link)
}

func (f *full) Inject(_ context.Context, link chain.Link, fault implementation.Fault) error {
	return f.note("inject %s %+v", link, fault)
}
func (f *full) AwaitTriggered(_ context.Context, namespace string) error  { return f.note("met %s", namespace) }
func (f *full) Heal(_ context.Context, namespace string) error { return f.note("heal %s", namespace) }
func (f *full) Writes(context.Context) ([]implementation.Write, error) {
	return []implementation.Write{wrote}, f.note("writes")
}

func (f *full) Notices(context.Context) ([]implementation.Notice, error) {
	return []implementation.Notice{notice}, f.note("notices")
}

func (f *full) StoreAccess(context.Context) (implementation.StoreAccess, error) {
	return access, f.note("store")
}
func (f *full) StopStore(context.Context) error  { return f.note("stop store") }
func (f *full) StartStore(context.Context) error { return f.note("start store") }

var (
	wrote = implementation.Write{Link: chain.Scheduler, Verb: "create", Resource: "pods", Subresource: "binding",
		Namespace: "ns", Name: "p", Code: 201, Fault: implementation.LoseReply, Time: time.Unix(1, 0).UTC()}
	notice = implementation.Notice{Link: chain.Scheduler, Resource: "pods", Namespace: "ns", Name: "p",
		ResourceVersion: "7", Time: time.Unix(1, 0).UTC()}
	access = implementation.StoreAccess{Endpoints: []string{"https://127.0.0.1:2379"}, Prefix: "/registry/",
		CA: []byte("ca"), Certificate: []byte("certificate"), Key: []byte("key")}
	fault = implementation.Fault{Verb: "create", Resource: "pods", Subresource: "binding", Namespace: "a&b", Times: 2,
		Effect: implementation.Delay, Delay: time.Second}
)

var call = implementation.Call{
	Node: "n", Method: "StopContainer", PodUID: "u", PodName: "p", PodNamespace: "ns", Container: "c", Image: "i",
	Sandbox: "s", Timeout: 2 * time.Second, Labels: map[string]string{"a": "b"},
	Command: []string{"sh"}, Args: []string{"-c"}, WorkingDir: "/", Env: map[string]string{"K": "v"}, Error: "no",
}

// connected is a cluster as its client sees it.
type connected struct {
	bare
	client *control.Client
}

func (c connected) Parts() []any {
	return c.client.Parts(func(string) bool { return true })
}

func connect(t *testing.T, cluster implementation.Cluster) connected {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "control")
	stop, err := control.Serve(socket, control.Handler(chain.Description{Name: "mine", Version: "v1"}, cluster))
	require.NoError(t, err)
	info, err := os.Stat(socket)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "the socket is its owner's")
	client, err := control.Connect(t.Context(), socket)
	require.NoError(t, err)
	t.Cleanup(func() {
		client.Close()
		require.NoError(t, stop())
		_, err := os.Stat(socket)
		require.ErrorIs(t, err, os.ErrNotExist)
	})
	assert.Equal(t, chain.Description{Name: "mine", Version: "v1"}, client.Description())
	return connected{client: client}
}

func TestEverythingIsOffered(t *testing.T) {
	cluster := &full{}
	remote := connect(t, cluster)
	require.Empty(t, implementation.Missing(remote, implementation.Capabilities()))
	links, _ := implementation.As[implementation.Links](remote)
	nodes, _ := implementation.As[implementation.Nodes](remote)
	kubelets, _ := implementation.As[implementation.Kubelets](remote)
	runtime, _ := implementation.As[implementation.Runtime](remote)
	images, _ := implementation.As[implementation.Images](remote)
	compactor, _ := implementation.As[implementation.Compactor](remote)
	faults, _ := implementation.As[implementation.Faults](remote)
	notifying, _ := implementation.As[implementation.WatchObserver](remote)
	store, _ := implementation.As[implementation.Store](remote)
	outage, _ := implementation.As[implementation.Outage](remote)
	replicas, _ := implementation.As[implementation.Replicas](remote)
	ctx := t.Context()

	for _, fails := range []error{nil, errors.New("it is broken")} {
		cluster.fails, cluster.asked = fails, nil
		for _, err := range []error{
			links.StopLink(ctx, chain.Scheduler),
			links.StartLink(ctx, chain.Scheduler),
			nodes.AddNode(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"k": "v"}}}),
			nodes.RemoveNode(ctx, "a"),
			kubelets.StopKubelet(ctx, "a"),
			kubelets.StartKubelet(ctx, "a"),
			images.Publish(ctx, "scope/unpublished:1"),
			compactor.Compact(ctx),
			faults.Inject(ctx, chain.Scheduler, fault),
			faults.AwaitTriggered(ctx, "a&b"),
			faults.Heal(ctx, "a&b"),
			outage.StopStore(ctx),
			outage.StartStore(ctx),
			replicas.StartReplica(ctx, chain.Scheduler),
			replicas.KillLeader(ctx, chain.Scheduler),
			replicas.StopReplicas(ctx, chain.Scheduler),
		} {
			if fails == nil {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, "it is broken")
			}
		}
		calls, err := runtime.Calls(ctx)
		told(t, fails, []implementation.Call{call}, calls, err)
		writes, err := faults.Writes(ctx)
		told(t, fails, []implementation.Write{wrote}, writes, err)
		notices, err := notifying.Notices(ctx)
		told(t, fails, []implementation.Notice{notice}, notices, err)
		got, err := store.StoreAccess(ctx)
		told(t, fails, access, got, err)
		require.Empty(t, cmp.Diff([]string{"stop scheduler", "start scheduler", "add a map[k:v]", "remove a",
			"stop kubelet of a", "start kubelet of a", "publish scope/unpublished:1", "compact", fmt.Sprintf("inject scheduler %+v", fault), "met a&b", "heal a&b", "stop store", "start store",
			"replica of scheduler", "kill scheduler", "one scheduler", "calls", "writes", "notices", "store"}, cluster.asked))
	}
	require.Equal(t, "registry.test/unpublished:1", images.ImageName("unpublished:1"))

	cluster.fails = fmt.Errorf("node a: %w", implementation.ErrNotReady)
	require.ErrorIs(t, nodes.AddNode(ctx, &corev1.Node{}), implementation.ErrNotReady)
	cluster.fails, cluster.asked = nil, nil
	require.ErrorContains(t, links.StopLink(ctx, "router"), `unknown link "router"`)
	require.Empty(t, cluster.asked)
}

// told demands that an answer has come, or the error that the cluster ended with.
func told(t *testing.T, fails error, want, got any, err error) {
	t.Helper()
	if fails != nil {
		require.EqualError(t, err, fails.Error())
		return
	}
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(want, got))
}

func TestNothingIsOffered(t *testing.T) {
	remote := connect(t, bare{})
	require.Equal(t, []string{"compaction", "cri", "faults", "images", "kubelets", "links", "nodes", "outage", "replicas", "sizes", "store"},
		implementation.Missing(remote, implementation.Capabilities()))
	_, notifying := implementation.As[implementation.WatchObserver](remote)
	require.False(t, notifying)
}

func TestConnectFails(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc // nil: nobody listens
		says   string
	}{
		"nobody listens":     {says: "no such file or directory"},
		"it is no control":   {answer: http.NotFound, says: "404 Not Found"},
		"it answers garbage": {answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, says: "the answer to GET /v1"},
		"it offers what nobody knows": {says: `it offers "wings", which is not a capability`,
			answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"capabilities": ["wings"]}`)) }},
	} {
		t.Run(name, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "control")
			if c.answer != nil {
				stop, err := control.Serve(socket, c.answer)
				require.NoError(t, err)
				defer func() { require.NoError(t, stop()) }()
			}
			_, err := control.Connect(t.Context(), socket)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, socket)
		})
	}
}

func TestServeWhereAnotherServes(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "control")
	stop, err := control.Serve(socket, http.NotFoundHandler())
	require.NoError(t, err)
	defer func() { require.NoError(t, stop()) }()
	_, err = control.Serve(socket, http.NotFoundHandler())
	require.ErrorContains(t, err, "address already in use")
}

func TestServeAfterAKill(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "control")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	require.NoError(t, err)
	left.SetUnlinkOnClose(false)
	require.NoError(t, left.Close())
	stop, err := control.Serve(socket, http.NotFoundHandler())
	require.NoError(t, err)
	require.NoError(t, stop())
}

// TestServeLeavesAnotherSocketAlone: what has taken the place of the socket stays.
func TestServeLeavesAnotherSocketAlone(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "control")
	first, err := control.Serve(socket, http.NotFoundHandler())
	require.NoError(t, err)
	require.NoError(t, os.Remove(socket))
	second, err := control.Serve(socket, http.NotFoundHandler())
	require.NoError(t, err)
	require.NoError(t, first())
	require.FileExists(t, socket)
	require.NoError(t, second())
	require.NoFileExists(t, socket)
}

// TestServeReplacesNothingButSockets: see also podchain serve --control.
func TestServeReplacesNothingButSockets(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"a file":            func(path string) error { return os.WriteFile(path, []byte("mine"), 0o600) },
		"a directory":       func(path string) error { return os.Mkdir(path, 0o700) },
		"a fifo":            func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a link to nothing": func(path string) error { return os.Symlink("nowhere", path) },
		"a socket of datagrams": func(path string) error {
			listener, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
			if err == nil {
				t.Cleanup(func() { _ = listener.Close() }) // with the test
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "control")
			require.NoError(t, make(path))
			was, err := os.Lstat(path)
			require.NoError(t, err)
			_, err = control.Serve(path, http.NotFoundHandler())
			require.ErrorContains(t, err, path)
			is, err := os.Lstat(path)
			require.NoError(t, err)
			require.True(t, os.SameFile(was, is))
		})
	}
}

func TestKubeconfigMentionsTheSocket(t *testing.T) {
	config := api.NewConfig()
	config.Clusters["c"] = &api.Cluster{Server: "https://127.0.0.1:1"}
	socket, err := control.Mentioned(config.Clusters["c"])
	require.NoError(t, err)
	require.Empty(t, socket)
	require.NoError(t, control.Mention(config.Clusters["c"], "/run/control"))
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(*config, file))
	loaded, err := clientcmd.LoadFromFile(file)
	require.NoError(t, err)
	socket, err = control.Mentioned(loaded.Clusters["c"])
	require.NoError(t, err)
	require.Equal(t, "/run/control", socket)
}
