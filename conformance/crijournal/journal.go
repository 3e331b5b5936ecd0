// Package crijournal keeps the calls that kubelets make on their container runtimes: what
// passes through a proxy before a CRI endpoint, and what an implementation in this process
// tells of (implementation.Hooks).
package crijournal

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/podchain/podchain/conformance/implementation"
)

// Journal keeps the calls that kubelets make on their runtimes: all that change
// something, and the questions that CRI's sequence for a Pod has in it
// (KUBELET-16). Listing and watching are left out.
type Journal struct {
	mu    sync.Mutex
	calls []implementation.Call
	// what the calls that carry only an id are about
	subjects map[string]implementation.Call
}

var _ implementation.Runtime = (*Journal)(nil)

// New returns an empty journal.
func New() *Journal {
	return &Journal{subjects: map[string]implementation.Call{}}
}

// Calls implements implementation.Runtime: all calls so far, in the order in which they
// were made.
func (j *Journal) Calls(context.Context) ([]implementation.Call, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.calls), nil
}

// Record writes down a call, given by its CRI request, before it is made. What
// it returns takes the response, or the error, when there is one. A request that
// the journal leaves out is no mistake.
func (j *Journal) Record(node string, request any) (done func(response any, err error)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	call, kept := j.callOf(request)
	if !kept {
		return func(any, error) {}
	}
	call.Node, call.Time = node, time.Now()
	index := len(j.calls)
	j.calls = append(j.calls, call)
	return func(response any, err error) { j.complete(index, request, response, err) }
}

// callOf translates a request; the caller holds the lock.
func (j *Journal) callOf(request any) (call implementation.Call, kept bool) {
	about := func(method, id string) (implementation.Call, bool) {
		call := j.subjects[id]
		call.Method = method
		return call, true
	}
	switch r := request.(type) {
	case *runtimeapi.RunPodSandboxRequest:
		call = subjectOf(r.GetConfig().GetLabels())
		call.Method, call.Labels = "RunPodSandbox", maps.Clone(r.GetConfig().GetLabels())
	case *runtimeapi.PodSandboxStatusRequest:
		return about("PodSandboxStatus", r.GetPodSandboxId())
	case *runtimeapi.StopPodSandboxRequest:
		return about("StopPodSandbox", r.GetPodSandboxId())
	case *runtimeapi.RemovePodSandboxRequest:
		return about("RemovePodSandbox", r.GetPodSandboxId())
	case *runtimeapi.CreateContainerRequest:
		config := r.GetConfig()
		call = containerOf(r)
		call.Method, call.Labels = "CreateContainer", maps.Clone(config.GetLabels())
		call.Command, call.Args, call.WorkingDir = config.GetCommand(), config.GetArgs(), config.GetWorkingDir()
		if envs := config.GetEnvs(); len(envs) > 0 {
			call.Env = make(map[string]string, len(envs))
			for _, env := range envs {
				call.Env[env.GetKey()] = string(env.GetValue())
			}
		}
	case *runtimeapi.StartContainerRequest:
		return about("StartContainer", r.GetContainerId())
	case *runtimeapi.StopContainerRequest:
		call, kept = about("StopContainer", r.GetContainerId())
		call.Timeout = time.Duration(r.GetTimeout()) * time.Second
		return call, kept
	case *runtimeapi.RemoveContainerRequest:
		return about("RemoveContainer", r.GetContainerId())
	case *runtimeapi.ExecSyncRequest:
		call, kept = about("ExecSync", r.GetContainerId())
		call.Command, call.Timeout = r.GetCmd(), time.Duration(r.GetTimeout())*time.Second
		return call, kept
	case *runtimeapi.ImageStatusRequest:
		call.Method, call.Image = "ImageStatus", imageName(r.GetImage())
	case *runtimeapi.PullImageRequest:
		call = subjectOf(r.GetSandboxConfig().GetLabels())
		call.Method, call.Image = "PullImage", imageName(r.GetImage())
	default:
		return call, false
	}
	return call, true
}

// complete writes down what came of a call, and remembers what later calls that
// carry only an id are about.
func (j *Journal) complete(index int, request, response any, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.calls[index].Error = err.Error()
		return
	}
	switch r := request.(type) {
	case *runtimeapi.RunPodSandboxRequest:
		subject := subjectOf(r.GetConfig().GetLabels())
		if made, ok := response.(*runtimeapi.RunPodSandboxResponse); ok {
			subject.Sandbox = made.GetPodSandboxId()
			j.calls[index].Sandbox = subject.Sandbox
			j.subjects[subject.Sandbox] = subject
		}
	case *runtimeapi.CreateContainerRequest:
		if made, ok := response.(*runtimeapi.CreateContainerResponse); ok {
			j.subjects[made.GetContainerId()] = containerOf(r)
		}
	case *runtimeapi.RemovePodSandboxRequest:
		delete(j.subjects, r.GetPodSandboxId())
	case *runtimeapi.RemoveContainerRequest:
		delete(j.subjects, r.GetContainerId())
	case *runtimeapi.ExecSyncRequest:
		if ran, ok := response.(*runtimeapi.ExecSyncResponse); ok && ran.GetExitCode() != 0 {
			j.calls[index].Error = fmt.Sprintf("command %q exited with %d", strings.Join(r.GetCmd(), " "), ran.GetExitCode())
		}
	}
}

// The labels by which a kubelet marks its sandboxes and containers (KUBELET-16).
const (
	podNameLabel       = "io.kubernetes.pod.name"
	podNamespaceLabel  = "io.kubernetes.pod.namespace"
	podUIDLabel        = "io.kubernetes.pod.uid"
	containerNameLabel = "io.kubernetes.container.name"
)

func subjectOf(labels map[string]string) implementation.Call {
	return implementation.Call{
		PodUID: labels[podUIDLabel], PodName: labels[podNameLabel], PodNamespace: labels[podNamespaceLabel], Container: labels[containerNameLabel],
	}
}

// containerOf is what calls about the container to be created are about.
func containerOf(r *runtimeapi.CreateContainerRequest) implementation.Call {
	subject := subjectOf(r.GetConfig().GetLabels())
	subject.Sandbox, subject.Image = r.GetPodSandboxId(), imageName(r.GetConfig().GetImage())
	return subject
}

// imageName is the reference that the Pod gave, where the kubelet tells.
func imageName(image *runtimeapi.ImageSpec) string {
	if name := image.GetUserSpecifiedImage(); name != "" {
		return name
	}
	return image.GetImage()
}
