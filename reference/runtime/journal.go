package runtime

import (
	"context"
	"maps"
	"slices"
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

// NewJournal returns an empty journal.
func NewJournal() *Journal {
	return &Journal{subjects: map[string]implementation.Call{}}
}

// Calls returns all calls so far, in the order in which they were made.
func (j *Journal) Calls() []implementation.Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.calls)
}

// Wrap returns the runtime of a node with its calls going through the journal.
func (j *Journal) Wrap(node string, runtime Runtime) Runtime {
	return &journaled{Runtime: runtime, journal: j, node: node}
}

// begin writes a call down and returns what completes it.
func (j *Journal) begin(call implementation.Call) func(error) {
	index := j.add(call)
	return func(err error) { j.complete(index, "", err) }
}

func (j *Journal) add(call implementation.Call) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, call)
	return len(j.calls) - 1
}

// complete writes down what came of a call: the sandbox it created, or the error.
func (j *Journal) complete(index int, sandbox string, err error) {
	if sandbox == "" && err == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.calls[index].Error = err.Error()
		return
	}
	j.calls[index].Sandbox = sandbox
}

// know remembers the subject of later calls about the id.
func (j *Journal) know(id string, subject implementation.Call) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.subjects[id] = subject
}

func (j *Journal) forget(id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.subjects, id)
}

type journaled struct {
	Runtime
	journal *Journal
	node    string
}

// about is a call on a sandbox or container known by its id.
func (r *journaled) about(method, id string) implementation.Call {
	r.journal.mu.Lock()
	defer r.journal.mu.Unlock()
	call := r.journal.subjects[id]
	call.Node, call.Method = r.node, method
	return call
}

func subjectOf(labels map[string]string) implementation.Call {
	return implementation.Call{
		PodUID: labels[PodUIDLabel], PodName: labels[PodNameLabel], PodNamespace: labels[PodNamespaceLabel], Container: labels[ContainerNameLabel],
	}
}

func (r *journaled) RunPodSandbox(ctx context.Context, config *runtimeapi.PodSandboxConfig, handler string) (string, error) {
	subject := subjectOf(config.GetLabels())
	call := subject
	call.Node, call.Method, call.Labels = r.node, "RunPodSandbox", maps.Clone(config.GetLabels())
	index := r.journal.add(call)
	id, err := r.Runtime.RunPodSandbox(ctx, config, handler)
	r.journal.complete(index, id, err)
	if err == nil {
		subject.Sandbox = id
		r.journal.know(id, subject)
	}
	return id, err
}

func (r *journaled) PodSandboxStatus(ctx context.Context, id string, verbose bool) (*runtimeapi.PodSandboxStatusResponse, error) {
	done := r.journal.begin(r.about("PodSandboxStatus", id))
	response, err := r.Runtime.PodSandboxStatus(ctx, id, verbose)
	done(err)
	return response, err
}

func (r *journaled) StopPodSandbox(ctx context.Context, id string) error {
	done := r.journal.begin(r.about("StopPodSandbox", id))
	err := r.Runtime.StopPodSandbox(ctx, id)
	done(err)
	return err
}

func (r *journaled) RemovePodSandbox(ctx context.Context, id string) error {
	done := r.journal.begin(r.about("RemovePodSandbox", id))
	err := r.Runtime.RemovePodSandbox(ctx, id)
	done(err)
	if err == nil {
		r.journal.forget(id)
	}
	return err
}

func (r *journaled) CreateContainer(ctx context.Context, sandbox string, config *runtimeapi.ContainerConfig, sandboxConfig *runtimeapi.PodSandboxConfig) (string, error) {
	subject := subjectOf(config.GetLabels())
	subject.Sandbox, subject.Image = sandbox, imageName(config.GetImage())
	call := subject
	call.Node, call.Method, call.Labels = r.node, "CreateContainer", maps.Clone(config.GetLabels())
	call.Command, call.Args, call.WorkingDir = config.GetCommand(), config.GetArgs(), config.GetWorkingDir()
	if envs := config.GetEnvs(); len(envs) > 0 {
		call.Env = make(map[string]string, len(envs))
		for _, env := range envs {
			call.Env[env.GetKey()] = string(env.GetValue())
		}
	}
	done := r.journal.begin(call)
	id, err := r.Runtime.CreateContainer(ctx, sandbox, config, sandboxConfig)
	if err == nil {
		r.journal.know(id, subject)
	}
	done(err)
	return id, err
}

func (r *journaled) StartContainer(ctx context.Context, id string) error {
	done := r.journal.begin(r.about("StartContainer", id))
	err := r.Runtime.StartContainer(ctx, id)
	done(err)
	return err
}

func (r *journaled) StopContainer(ctx context.Context, id string, timeout int64) error {
	call := r.about("StopContainer", id)
	call.Timeout = time.Duration(timeout) * time.Second
	done := r.journal.begin(call)
	err := r.Runtime.StopContainer(ctx, id, timeout)
	done(err)
	return err
}

func (r *journaled) RemoveContainer(ctx context.Context, id string) error {
	done := r.journal.begin(r.about("RemoveContainer", id))
	err := r.Runtime.RemoveContainer(ctx, id)
	done(err)
	if err == nil {
		r.journal.forget(id)
	}
	return err
}

func (r *journaled) ExecSync(ctx context.Context, id string, cmd []string, timeout time.Duration) ([]byte, []byte, error) {
	call := r.about("ExecSync", id)
	call.Command, call.Timeout = cmd, timeout
	done := r.journal.begin(call)
	stdout, stderr, err := r.Runtime.ExecSync(ctx, id, cmd, timeout)
	done(err)
	return stdout, stderr, err
}

func (r *journaled) ImageStatus(ctx context.Context, image *runtimeapi.ImageSpec, verbose bool) (*runtimeapi.ImageStatusResponse, error) {
	done := r.journal.begin(implementation.Call{Node: r.node, Method: "ImageStatus", Image: imageName(image)})
	response, err := r.Runtime.ImageStatus(ctx, image, verbose)
	done(err)
	return response, err
}

func (r *journaled) PullImage(ctx context.Context, image *runtimeapi.ImageSpec, auth *runtimeapi.AuthConfig, config *runtimeapi.PodSandboxConfig) (string, error) {
	call := subjectOf(config.GetLabels())
	call.Node, call.Method, call.Image = r.node, "PullImage", imageName(image)
	done := r.journal.begin(call)
	id, err := r.Runtime.PullImage(ctx, image, auth, config)
	done(err)
	return id, err
}

// imageName is the reference that the Pod gave, where the kubelet tells.
func imageName(image *runtimeapi.ImageSpec) string {
	if name := image.GetUserSpecifiedImage(); name != "" {
		return name
	}
	return image.GetImage()
}
