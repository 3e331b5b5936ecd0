package crijournal_test

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/exec"

	"github.com/podchain/podchain/conformance/crijournal"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/reference/runtime"
	"github.com/podchain/podchain/reference/runtime/cri"
)

// server is a runtime on the wire: the little that the test asks of it.
type server struct {
	runtimeapi.UnimplementedRuntimeServiceServer
	runtimeapi.UnimplementedImageServiceServer
}

func (server) Version(context.Context, *runtimeapi.VersionRequest) (*runtimeapi.VersionResponse, error) {
	return &runtimeapi.VersionResponse{RuntimeName: "test"}, nil
}

func (server) RunPodSandbox(context.Context, *runtimeapi.RunPodSandboxRequest) (*runtimeapi.RunPodSandboxResponse, error) {
	return &runtimeapi.RunPodSandboxResponse{PodSandboxId: "sandbox"}, nil
}

func (server) CreateContainer(context.Context, *runtimeapi.CreateContainerRequest) (*runtimeapi.CreateContainerResponse, error) {
	return &runtimeapi.CreateContainerResponse{ContainerId: "container"}, nil
}

func (server) StartContainer(context.Context, *runtimeapi.StartContainerRequest) (*runtimeapi.StartContainerResponse, error) {
	return nil, status.Error(codes.NotFound, "no such container")
}

func (server) ExecSync(context.Context, *runtimeapi.ExecSyncRequest) (*runtimeapi.ExecSyncResponse, error) {
	return &runtimeapi.ExecSyncResponse{Stdout: []byte("said"), ExitCode: 3}, nil
}

func (server) GetContainerEvents(_ *runtimeapi.GetEventsRequest, stream runtimeapi.RuntimeService_GetContainerEventsServer) error {
	for _, id := range []string{"a", "b"} {
		if err := stream.Send(&runtimeapi.ContainerEventResponse{ContainerId: id}); err != nil {
			return err
		}
	}
	return nil
}

// listen returns a listener on a unix socket, and its endpoint.
func listen(t *testing.T) (net.Listener, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	return listener, "unix://" + path
}

// TestThroughTheProxy: the client gets through the proxy what the runtime
// answers, and the journal holds what was asked.
func TestThroughTheProxy(t *testing.T) {
	listener, endpoint := listen(t)
	backend := grpc.NewServer()
	runtimeapi.RegisterRuntimeServiceServer(backend, server{})
	runtimeapi.RegisterImageServiceServer(backend, server{})
	go func() { _ = backend.Serve(listener) }()
	defer backend.Stop()

	journal := crijournal.New()
	proxy, err := journal.NewProxy("n1", endpoint)
	require.NoError(t, err)
	front, frontEndpoint := listen(t)
	go func() { _ = proxy.Serve(front) }()
	defer func() { require.NoError(t, proxy.Stop()) }()

	client, err := cri.NewClient(frontEndpoint)
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	ctx := t.Context()

	version, err := client.Version(ctx, "")
	require.NoError(t, err)
	require.Equal(t, "test", version.RuntimeName)

	labels := map[string]string{runtime.PodUIDLabel: "uid", runtime.PodNameLabel: "a", runtime.PodNamespaceLabel: "default"}
	sandbox, err := client.RunPodSandbox(ctx, &runtimeapi.PodSandboxConfig{Labels: labels}, "")
	require.NoError(t, err)
	require.Equal(t, "sandbox", sandbox)
	container, err := client.CreateContainer(ctx, sandbox, &runtimeapi.ContainerConfig{
		Labels: map[string]string{runtime.PodUIDLabel: "uid", runtime.ContainerNameLabel: "main"},
		Image:  &runtimeapi.ImageSpec{Image: "web:1"},
		Envs:   []*runtimeapi.KeyValue{{Key: "A", Value: []byte("b")}},
	}, nil)
	require.NoError(t, err)
	require.Equal(t, codes.NotFound, status.Code(client.StartContainer(ctx, container)))
	stdout, _, err := client.ExecSync(ctx, container, []string{"ready"}, time.Second)
	require.Equal(t, "said", string(stdout))
	var exit exec.CodeExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 3, exit.Code)
	_, err = client.PullImage(ctx, &runtimeapi.ImageSpec{Image: "web:1"}, nil, nil)
	require.Equal(t, codes.Unimplemented, status.Code(err))

	events := make(chan *runtimeapi.ContainerEventResponse, 3)
	require.NoError(t, client.GetContainerEvents(ctx, events, nil))
	require.Len(t, events, 2)

	calls, err := journal.Calls(ctx)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]implementation.Call{
		{Node: "n1", Method: "RunPodSandbox", PodUID: "uid", PodName: "a", PodNamespace: "default", Sandbox: "sandbox", Labels: labels},
		{Node: "n1", Method: "CreateContainer", PodUID: "uid", Container: "main", Image: "web:1", Sandbox: "sandbox",
			Labels: map[string]string{runtime.PodUIDLabel: "uid", runtime.ContainerNameLabel: "main"}, Env: map[string]string{"A": "b"}},
		{Node: "n1", Method: "StartContainer", PodUID: "uid", Container: "main", Image: "web:1", Sandbox: "sandbox",
			Error: "rpc error: code = NotFound desc = no such container"},
		{Node: "n1", Method: "ExecSync", PodUID: "uid", Container: "main", Image: "web:1", Sandbox: "sandbox",
			Command: []string{"ready"}, Timeout: time.Second, Error: `command "ready" exited with 3`},
		{Node: "n1", Method: "PullImage", Image: "web:1",
			Error: "rpc error: code = Unimplemented desc = method PullImage not implemented"},
	}, calls, cmpopts.IgnoreFields(implementation.Call{}, "Time")))
}
