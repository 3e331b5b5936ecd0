// Package runtime is the container runtime under the kubelet: the interface the
// kubelet drives, which is the part of CRI that it needs, and a simulated
// implementation whose containers behave as the table of images says.
package runtime

import (
	"context"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Runtime is what a kubelet asks of a container runtime. Types and signatures
// are those of k8s.io/cri-api, so that a client of a CRI endpoint fits as it is.
// Failures carry gRPC status codes, NotFound above all.
type Runtime interface {
	// Version says what the runtime is.
	Version(ctx context.Context, apiVersion string) (*runtimeapi.VersionResponse, error)

	// RunPodSandbox creates a sandbox and returns its id once its network is up.
	RunPodSandbox(ctx context.Context, config *runtimeapi.PodSandboxConfig, runtimeHandler string) (string, error)
	// StopPodSandbox kills what still runs in the sandbox and takes its network.
	StopPodSandbox(ctx context.Context, podSandboxID string) error
	// RemovePodSandbox removes the sandbox and the containers left in it.
	RemovePodSandbox(ctx context.Context, podSandboxID string) error
	// PodSandboxStatus returns the state of a sandbox, its address included.
	PodSandboxStatus(ctx context.Context, podSandboxID string, verbose bool) (*runtimeapi.PodSandboxStatusResponse, error)
	// ListPodSandbox lists sandboxes.
	ListPodSandbox(ctx context.Context, filter *runtimeapi.PodSandboxFilter) ([]*runtimeapi.PodSandbox, error)

	// CreateContainer creates a container in a sandbox and returns its id.
	CreateContainer(ctx context.Context, podSandboxID string, config *runtimeapi.ContainerConfig, sandboxConfig *runtimeapi.PodSandboxConfig) (string, error)
	// StartContainer starts a created container.
	StartContainer(ctx context.Context, containerID string) error
	// StopContainer sends TERM, after timeout seconds KILL, and returns when the
	// container has ended.
	StopContainer(ctx context.Context, containerID string, timeout int64) error
	// RemoveContainer removes a container, killing it where it runs.
	RemoveContainer(ctx context.Context, containerID string) error
	// ListContainers lists containers.
	ListContainers(ctx context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error)
	// ContainerStatus returns the state of a container.
	ContainerStatus(ctx context.Context, containerID string, verbose bool) (*runtimeapi.ContainerStatusResponse, error)
	// ExecSync runs a command in a container. An exit code other than 0 comes
	// back as an error of type exec.CodeExitError.
	ExecSync(ctx context.Context, containerID string, cmd []string, timeout time.Duration) (stdout []byte, stderr []byte, err error)
	// GetContainerEvents sends what happens to containers and sandboxes from now
	// on, until ctx is done. It calls established once events are being kept.
	GetContainerEvents(ctx context.Context, events chan *runtimeapi.ContainerEventResponse, established func(runtimeapi.RuntimeService_GetContainerEventsClient)) error

	// ImageStatus tells whether an image is on the node: Image is nil if not.
	ImageStatus(ctx context.Context, image *runtimeapi.ImageSpec, verbose bool) (*runtimeapi.ImageStatusResponse, error)
	// PullImage brings an image to the node and returns the reference by which
	// containers are created from it.
	PullImage(ctx context.Context, image *runtimeapi.ImageSpec, auth *runtimeapi.AuthConfig, podSandboxConfig *runtimeapi.PodSandboxConfig) (string, error)
}

// The labels by which a kubelet marks its sandboxes and containers (KUBELET-16).
const (
	PodNameLabel       = "io.kubernetes.pod.name"
	PodNamespaceLabel  = "io.kubernetes.pod.namespace"
	PodUIDLabel        = "io.kubernetes.pod.uid"
	ContainerNameLabel = "io.kubernetes.container.name"
)

// ContainerTypeAnnotation is the annotation by which a kubelet says what a container
// is to its Pod: [InitContainer] for one that the Pod waits for the end of. CRI has no
// field for it, and no runtime with real containers needs one.
const (
	ContainerTypeAnnotation = "io.kubernetes.container.type"
	InitContainer           = "INIT"
)
