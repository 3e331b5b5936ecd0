package runtime

import (
	"context"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/podchain/podchain/conformance/implementation"
)

// Observe returns the runtime of a node with an observer of the calls that change
// something, and of the questions that CRI's sequence for a Pod has in it.
func Observe(node string, runtime Runtime, observe implementation.CallObserver) Runtime {
	return &observed{runtime, node, observe}
}

// observed puts the calls that are made in Go as CRI puts them on the wire.
type observed struct {
	Runtime
	node    string
	observe implementation.CallObserver
}

func (r *observed) RunPodSandbox(ctx context.Context, config *runtimeapi.PodSandboxConfig, handler string) (string, error) {
	done := r.observe(r.node, &runtimeapi.RunPodSandboxRequest{Config: config, RuntimeHandler: handler})
	id, err := r.Runtime.RunPodSandbox(ctx, config, handler)
	done(&runtimeapi.RunPodSandboxResponse{PodSandboxId: id}, err)
	return id, err
}

func (r *observed) PodSandboxStatus(ctx context.Context, id string, verbose bool) (*runtimeapi.PodSandboxStatusResponse, error) {
	done := r.observe(r.node, &runtimeapi.PodSandboxStatusRequest{PodSandboxId: id, Verbose: verbose})
	response, err := r.Runtime.PodSandboxStatus(ctx, id, verbose)
	done(response, err)
	return response, err
}

func (r *observed) StopPodSandbox(ctx context.Context, id string) error {
	done := r.observe(r.node, &runtimeapi.StopPodSandboxRequest{PodSandboxId: id})
	err := r.Runtime.StopPodSandbox(ctx, id)
	done(nil, err)
	return err
}

func (r *observed) RemovePodSandbox(ctx context.Context, id string) error {
	done := r.observe(r.node, &runtimeapi.RemovePodSandboxRequest{PodSandboxId: id})
	err := r.Runtime.RemovePodSandbox(ctx, id)
	done(nil, err)
	return err
}

func (r *observed) CreateContainer(ctx context.Context, sandbox string, config *runtimeapi.ContainerConfig, sandboxConfig *runtimeapi.PodSandboxConfig) (string, error) {
	done := r.observe(r.node, &runtimeapi.CreateContainerRequest{PodSandboxId: sandbox, Config: config, SandboxConfig: sandboxConfig})
	id, err := r.Runtime.CreateContainer(ctx, sandbox, config, sandboxConfig)
	done(&runtimeapi.CreateContainerResponse{ContainerId: id}, err)
	return id, err
}

func (r *observed) StartContainer(ctx context.Context, id string) error {
	done := r.observe(r.node, &runtimeapi.StartContainerRequest{ContainerId: id})
	err := r.Runtime.StartContainer(ctx, id)
	done(nil, err)
	return err
}

func (r *observed) StopContainer(ctx context.Context, id string, timeout int64) error {
	done := r.observe(r.node, &runtimeapi.StopContainerRequest{ContainerId: id, Timeout: timeout})
	err := r.Runtime.StopContainer(ctx, id, timeout)
	done(nil, err)
	return err
}

func (r *observed) RemoveContainer(ctx context.Context, id string) error {
	done := r.observe(r.node, &runtimeapi.RemoveContainerRequest{ContainerId: id})
	err := r.Runtime.RemoveContainer(ctx, id)
	done(nil, err)
	return err
}

func (r *observed) ExecSync(ctx context.Context, id string, cmd []string, timeout time.Duration) ([]byte, []byte, error) {
	done := r.observe(r.node, &runtimeapi.ExecSyncRequest{ContainerId: id, Cmd: cmd, Timeout: int64(timeout / time.Second)})
	stdout, stderr, err := r.Runtime.ExecSync(ctx, id, cmd, timeout)
	done(nil, err)
	return stdout, stderr, err
}

func (r *observed) ImageStatus(ctx context.Context, image *runtimeapi.ImageSpec, verbose bool) (*runtimeapi.ImageStatusResponse, error) {
	done := r.observe(r.node, &runtimeapi.ImageStatusRequest{Image: image, Verbose: verbose})
	response, err := r.Runtime.ImageStatus(ctx, image, verbose)
	done(response, err)
	return response, err
}

func (r *observed) PullImage(ctx context.Context, image *runtimeapi.ImageSpec, auth *runtimeapi.AuthConfig, config *runtimeapi.PodSandboxConfig) (string, error) {
	done := r.observe(r.node, &runtimeapi.PullImageRequest{Image: image, Auth: auth, SandboxConfig: config})
	id, err := r.Runtime.PullImage(ctx, image, auth, config)
	done(&runtimeapi.PullImageResponse{ImageRef: id}, err)
	return id, err
}
