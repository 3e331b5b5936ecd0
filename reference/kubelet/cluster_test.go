package kubelet_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/conformance/crijournal"
	"github.com/podchain/podchain/reference/apiserver"
	"github.com/podchain/podchain/reference/inmemoryhttp"
	"github.com/podchain/podchain/reference/kubelet"
	"github.com/podchain/podchain/reference/runtime"
	"github.com/podchain/podchain/reference/store"
)

const nodeName = "node-1"

// cluster is an API server and one node, within a bubble.
type cluster struct {
	t        *testing.T
	config   *rest.Config
	client   kubernetes.Interface
	registry *runtime.Registry
	runtime  *runtime.Simulated
	journal  *crijournal.Journal
	root     string // of volumes
	quiet    bool   // the runtime has no events to tell
	dial     func(ctx context.Context, network, address string) (net.Conn, error)

	mu      sync.Mutex
	began   time.Time
	history map[string][]string // by Pod name
}

func start(t *testing.T) *cluster { return startWith(t, runtime.RegistryOptions{}) }

func startWith(t *testing.T, images runtime.RegistryOptions) *cluster {
	server, err := apiserver.New(apiserver.Options{Store: store.NewMemory(), WithoutAdmission: []string{"ServiceAccount"}})
	require.NoError(t, err)
	transport := inmemoryhttp.NewTransport(server)
	t.Cleanup(func() {
		server.Close()
		transport.Close()
	})
	registry := runtime.NewRegistry(images)
	c := &cluster{
		t: t, config: inmemoryhttp.Config(transport), registry: registry, journal: crijournal.New(),
		runtime: runtime.NewSimulated(runtime.Options{Registry: registry}),
		history: map[string][]string{},
	}
	c.dial = c.runtime.Dial
	client, err := kubernetes.NewForConfig(c.config)
	require.NoError(t, err)
	c.client = client

	w, err := c.client.CoreV1().Pods("default").Watch(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	var recording sync.WaitGroup
	recording.Go(func() {
		for event := range w.ResultChan() {
			if pod, ok := event.Object.(*corev1.Pod); ok {
				c.record(event.Type, pod)
			}
		}
	})
	t.Cleanup(func() { w.Stop(); recording.Wait() })
	return c
}

// run runs a kubelet until the function that it returns is called.
func (c *cluster) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	runtime := runtime.Observe(nodeName, c.runtime, c.journal.Record)
	if c.quiet {
		runtime = quietRuntime{runtime}
	}
	go func() {
		ended <- kubelet.Run(ctx, c.config, kubelet.Options{
			NodeName: nodeName, Address: "192.0.2.1", Runtime: runtime, Dial: c.dial, Root: c.root,
		})
	}()
	synctest.Wait()
	return sync.OnceFunc(func() {
		cancel()
		require.NoError(c.t, <-ended)
	})
}

// quietRuntime has no events to tell, as containerd before 1.7.
type quietRuntime struct{ runtime.Runtime }

func (quietRuntime) GetContainerEvents(_ context.Context, _ chan *runtimeapi.ContainerEventResponse, established func(runtimeapi.RuntimeService_GetContainerEventsClient)) error {
	established(nil)
	return status.Error(codes.Unimplemented, "unknown method GetContainerEvents")
}

// create creates a Pod on the node, from its name and its spec in YAML.
func (c *cluster) create(name, spec string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}}
	require.NoError(c.t, yaml.UnmarshalStrict([]byte(spec), &pod.Spec))
	pod.Spec.NodeName = nodeName
	c.mu.Lock()
	c.began = time.Now()
	c.mu.Unlock()
	created, err := c.client.CoreV1().Pods("default").Create(c.t.Context(), pod, metav1.CreateOptions{})
	require.NoError(c.t, err)
	return created
}

func (c *cluster) delete(name string, options metav1.DeleteOptions) {
	require.NoError(c.t, c.client.CoreV1().Pods("default").Delete(c.t.Context(), name, options))
}

func (c *cluster) get(name string) *corev1.Pod {
	pod, err := c.client.CoreV1().Pods("default").Get(c.t.Context(), name, metav1.GetOptions{})
	require.NoError(c.t, err)
	return pod
}

// pass lets time pass, and everything happen that happens meanwhile.
func (c *cluster) pass(d time.Duration) {
	time.Sleep(d) // the bubble's time
	synctest.Wait()
}

// record keeps what a version of a Pod says, and when it came.
func (c *cluster) record(event watch.EventType, pod *corev1.Pod) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := time.Since(c.began).Round(time.Millisecond).String() + " "
	lines := c.history[pod.Name]
	if event == watch.Deleted {
		c.history[pod.Name] = append(lines, at+"gone")
		return
	}
	// Of one instant only the last version counts: how many there are before it
	// depends on how fast they are written.
	if last := len(lines) - 1; last >= 0 && strings.HasPrefix(lines[last], at) {
		lines = lines[:last]
	}
	c.history[pod.Name] = append(lines, at+describe(pod))
}

// told returns what the API has said of the Pod, version by version.
func (c *cluster) told(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.history[name], "\n")
}

// describe puts a Pod's status into a line: the phase, the conditions that are
// True by their initials, and the containers.
func describe(pod *corev1.Pod) string {
	words := []string{string(pod.Status.Phase)}
	if pod.DeletionTimestamp != nil {
		words = append(words, "ending")
	}
	if pod.Status.Reason != "" {
		words = append(words, pod.Status.Reason)
	}
	initials := ""
	for _, kind := range []struct {
		corev1.PodConditionType
		initial string
	}{
		{corev1.PodScheduled, "P"}, {corev1.PodReadyToStartContainers, "S"}, {corev1.PodInitialized, "I"},
		{corev1.ContainersReady, "C"}, {corev1.PodReady, "R"},
	} {
		for _, condition := range pod.Status.Conditions {
			if condition.Type == kind.PodConditionType && condition.Status == corev1.ConditionTrue {
				initials += kind.initial
			}
		}
	}
	words = append(words, "["+initials+"]")
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, status := range statuses {
			words = append(words, status.Name+":"+describeContainer(status))
		}
	}
	return strings.Join(words, " ")
}

func describeContainer(status corev1.ContainerStatus) string {
	var text string
	switch state := status.State; {
	case state.Waiting != nil:
		text = state.Waiting.Reason
	case state.Terminated != nil:
		text = fmt.Sprintf("exit(%d)", state.Terminated.ExitCode)
	case status.Ready:
		text = "ready"
	case status.Started != nil && *status.Started:
		text = "started"
	default:
		text = "running"
	}
	if status.RestartCount > 0 {
		text += fmt.Sprintf("*%d", status.RestartCount)
	}
	return text
}

// calls returns the methods that the runtime was called with for the Pod,
// without the questions.
func (c *cluster) calls(uid types.UID) []string {
	all, err := c.journal.Calls(c.t.Context())
	require.NoError(c.t, err)
	var methods []string
	for _, call := range all {
		if call.PodUID == string(uid) && call.Method != "PodSandboxStatus" {
			methods = append(methods, call.Method)
		}
	}
	return methods
}

// events returns the messages of the Events about the Pod that have the reason.
func (c *cluster) events(name, reason string) []string {
	list, err := c.client.CoreV1().Events("default").List(c.t.Context(), metav1.ListOptions{})
	require.NoError(c.t, err)
	var messages []string
	for _, event := range list.Items {
		if event.InvolvedObject.Name == name && event.Reason == reason {
			messages = append(messages, event.Message)
		}
	}
	return messages
}
