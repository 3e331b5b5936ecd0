package runtime_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/podchain/podchain/conformance/crijournal"
	"github.com/podchain/podchain/reference/runtime"
)

func TestReference(t *testing.T) {
	for _, test := range []struct{ reference, normal, short string }{
		{"web", "web:latest", "web:latest"},
		{"web:1", "web:1", "web:1"},
		{"registry.example:5000/team/web:1", "registry.example:5000/team/web:1", "web:1"},
		{"localhost/a/b-c_d.e:V1.0", "localhost/a/b-c_d.e:V1.0", "b-c_d.e:V1.0"},
		{"UPPER:1", "", ""},
		{"no:such:name", "", ""},
		{"a//b", "", ""},
		{"", "", ""},
	} {
		t.Run(test.reference, func(t *testing.T) {
			reference, err := runtime.ParseReference(test.reference)
			if test.normal == "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.normal, reference.String())
			require.Equal(t, test.short, reference.Short())
		})
	}
}

// run starts a container of the image in a sandbox of its own.
func run(t *testing.T, r runtime.Runtime, image string) (sandbox, container string) {
	t.Helper()
	ctx := t.Context()
	labels := map[string]string{runtime.PodUIDLabel: "uid", runtime.PodNameLabel: "pod", runtime.PodNamespaceLabel: "default"}
	config := &runtimeapi.PodSandboxConfig{Metadata: &runtimeapi.PodSandboxMetadata{Name: "pod", Namespace: "default", Uid: "uid"}, Labels: labels}
	sandbox, err := r.RunPodSandbox(ctx, config, "")
	require.NoError(t, err)
	id, err := r.PullImage(ctx, &runtimeapi.ImageSpec{Image: image}, nil, config)
	require.NoError(t, err)
	container, err = r.CreateContainer(ctx, sandbox, &runtimeapi.ContainerConfig{
		Metadata: &runtimeapi.ContainerMetadata{Name: "app"}, Image: &runtimeapi.ImageSpec{Image: id}, Labels: labels,
	}, config)
	require.NoError(t, err)
	require.NoError(t, r.StartContainer(ctx, container))
	return sandbox, container
}

// TestBehaviors runs containers of the table of images until their end.
func TestBehaviors(t *testing.T) {
	for _, test := range []struct {
		image string
		// stop is when the container is told to stop, within 10 s.
		stop time.Duration
		runs time.Duration
		code int32
	}{
		{image: "web:1", stop: time.Minute, runs: time.Minute, code: 0},
		{image: "succeeds:1", stop: time.Minute, runs: time.Second, code: 0},
		{image: "fails:1", stop: time.Minute, runs: time.Second, code: 3},
		{image: "fails-once:1", stop: time.Minute, runs: 0, code: 1},
		{image: "slow-to-end:1", stop: time.Minute, runs: time.Minute + 2*time.Second, code: 0},
		{image: "ignores-term:1", stop: time.Minute, runs: time.Minute + 10*time.Second, code: 137},
	} {
		t.Run(test.image, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := runtime.NewSimulated(runtime.Options{})
				_, id := run(t, r, test.image)
				time.Sleep(test.stop)
				require.NoError(t, r.StopContainer(t.Context(), id, 10))
				response, err := r.ContainerStatus(t.Context(), id, false)
				require.NoError(t, err)
				got := response.Status
				require.Equal(t, test.runs, time.Duration(got.FinishedAt-got.StartedAt))
				require.Equal(t, test.code, got.ExitCode)
			})
		})
	}
}

// TestRegistry tells what can be pulled.
func TestRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		strict := runtime.NewRegistry(runtime.RegistryOptions{})
		lenient := runtime.NewRegistry(runtime.RegistryOptions{Lenient: true})
		pull := func(registry *runtime.Registry, image string) codes.Code {
			_, err := runtime.NewSimulated(runtime.Options{Registry: registry}).PullImage(t.Context(), &runtimeapi.ImageSpec{Image: image}, nil, nil)
			return status.Code(err)
		}
		require.Equal(t, codes.OK, pull(strict, "registry.example/x/web:2"))
		require.Equal(t, codes.NotFound, pull(strict, "web:9"))
		require.Equal(t, codes.NotFound, pull(strict, "nginx"))
		require.Equal(t, codes.OK, pull(lenient, "nginx"))
		require.Equal(t, codes.InvalidArgument, pull(lenient, "no:such:name"))
		require.Equal(t, codes.NotFound, pull(lenient, "unpublished:1"))
		require.NoError(t, lenient.Publish("team/unpublished:1"))
		require.Equal(t, codes.OK, pull(lenient, "team/unpublished:1"))
		require.Equal(t, codes.NotFound, pull(lenient, "unpublished:1"))
		require.NoError(t, lenient.Publish("unpublished:1"))
		require.Equal(t, codes.OK, pull(lenient, "unpublished:1"))
		require.Error(t, strict.Publish("nobody-has:this"))
	})
}

// TestProbing reaches a container by its Pod's address.
func TestProbing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := runtime.NewSimulated(runtime.Options{})
		sandbox, id := run(t, r, "slow-to-be-ready:1")
		response, err := r.PodSandboxStatus(t.Context(), sandbox, false)
		require.NoError(t, err)
		client := &http.Client{Transport: &http.Transport{DialContext: r.Dial, DisableKeepAlives: true}}
		get := func(address string) int {
			response, err := client.Get("http://" + address)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, response.Body)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			return response.StatusCode
		}
		address := response.Status.Network.Ip + ":8080"
		require.Equal(t, 503, get(address+"/ready"))
		require.Equal(t, 200, get(address+"/healthz"))
		_, _, err = r.ExecSync(t.Context(), id, []string{"ready"}, 0)
		require.Error(t, err)
		time.Sleep(5 * time.Second)
		require.Equal(t, 200, get(address+"/ready"))
		_, _, err = r.ExecSync(t.Context(), id, []string{"ready"}, 0)
		require.NoError(t, err)
		require.NoError(t, r.StopContainer(t.Context(), id, 0))
		_, err = r.Dial(t.Context(), "tcp", address)
		require.Error(t, err)
	})
}

// TestEventsAndJournal: every change is told to those who listen, and every call
// that made one is written down.
func TestEventsAndJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := crijournal.New()
		r := runtime.Observe("node-1", runtime.NewSimulated(runtime.Options{}), journal.Record)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		events := make(chan *runtimeapi.ContainerEventResponse, 10)
		go func() { _ = r.GetContainerEvents(ctx, events, nil) }()
		synctest.Wait()
		sandbox, id := run(t, r, "web:1")
		require.NoError(t, r.StopContainer(ctx, id, 30))
		require.NoError(t, r.StopPodSandbox(ctx, sandbox))
		require.NoError(t, r.RemovePodSandbox(ctx, sandbox))
		synctest.Wait()
		var kinds []string
		for len(events) > 0 {
			kinds = append(kinds, (<-events).ContainerEventType.String())
		}
		require.Empty(t, cmp.Diff([]string{
			"CONTAINER_CREATED_EVENT", "CONTAINER_STARTED_EVENT", "CONTAINER_STOPPED_EVENT", // the container
			"CONTAINER_STOPPED_EVENT", "CONTAINER_DELETED_EVENT", // the sandbox
		}, kinds))
		var methods []string
		calls, err := journal.Calls(ctx)
		require.NoError(t, err)
		for _, call := range calls {
			require.Equal(t, "node-1", call.Node)
			require.Equal(t, "uid", call.PodUID)
			require.True(t, call.Method == "PullImage" || call.Sandbox == sandbox, call.Method)
			methods = append(methods, call.Method)
		}
		require.Empty(t, cmp.Diff([]string{
			"RunPodSandbox", "PullImage", "CreateContainer", "StartContainer", "StopContainer", "StopPodSandbox", "RemovePodSandbox",
		}, methods))
	})
}
