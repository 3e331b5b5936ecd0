package kubelet

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/podchain/podchain/reference/runtime"
)

// view is what the runtime has of one Pod.
type view struct {
	// sandboxes, the newest first.
	sandboxes []*runtimeapi.PodSandbox
	// address of the Pod: that of its newest sandbox, if it is ready.
	address string
	// containers by name, the newest first.
	containers map[string][]container
}

// container is a container and the sandbox it is in.
type container struct {
	*runtimeapi.ContainerStatus
	sandbox string
}

func (c container) running() bool { return c.State == runtimeapi.ContainerState_CONTAINER_RUNNING }
func (c container) exited() bool  { return c.State == runtimeapi.ContainerState_CONTAINER_EXITED }
func (c container) name() string  { return c.GetMetadata().GetName() }

// observe asks the runtime for the state of a Pod.
func (k *kubelet) observe(ctx context.Context, uid types.UID) (*view, error) {
	selector := map[string]string{runtime.PodUIDLabel: string(uid)}
	sandboxes, err := k.Runtime.ListPodSandbox(ctx, &runtimeapi.PodSandboxFilter{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	v := &view{sandboxes: sandboxes}
	if len(sandboxes) == 0 {
		return v, nil
	}
	slices.SortFunc(sandboxes, func(a, b *runtimeapi.PodSandbox) int {
		return int(b.GetMetadata().GetAttempt()) - int(a.GetMetadata().GetAttempt())
	})
	if ready := v.ready(); ready != nil {
		response, err := k.Runtime.PodSandboxStatus(ctx, ready.Id, false)
		switch {
		case status.Code(err) == codes.NotFound: // gone since it was listed
			v.sandboxes = v.sandboxes[1:]
		case err != nil:
			return nil, err
		default:
			v.address = response.GetStatus().GetNetwork().GetIp()
		}
	}
	listed, err := k.Runtime.ListContainers(ctx, &runtimeapi.ContainerFilter{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	v.containers = make(map[string][]container, len(listed))
	for _, item := range listed {
		response, err := k.Runtime.ContainerStatus(ctx, item.Id, false)
		if status.Code(err) == codes.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		name := item.GetMetadata().GetName()
		v.containers[name] = append(v.containers[name], container{ContainerStatus: response.GetStatus(), sandbox: item.PodSandboxId})
	}
	for _, containers := range v.containers {
		slices.SortFunc(containers, func(a, b container) int {
			return int(b.GetMetadata().GetAttempt()) - int(a.GetMetadata().GetAttempt())
		})
	}
	return v, nil
}

// ready returns the newest sandbox if containers can run in it.
func (v *view) ready() *runtimeapi.PodSandbox {
	if len(v.sandboxes) == 0 || v.sandboxes[0].State != runtimeapi.PodSandboxState_SANDBOX_READY {
		return nil
	}
	return v.sandboxes[0]
}

// newest returns the last container of that name, in whatever sandbox.
func (v *view) newest(name string) (container, bool) {
	if containers := v.containers[name]; len(containers) > 0 {
		return containers[0], true
	}
	return container{}, false
}

// current returns the last container of that name if it is in the ready sandbox.
func (v *view) current(name string) (container, bool) {
	newest, found := v.newest(name)
	ready := v.ready()
	return newest, found && ready != nil && newest.sandbox == ready.Id
}

// running returns all containers that run.
func (v *view) running() []container {
	var running []container
	for _, containers := range v.containers {
		for _, c := range containers {
			if c.running() {
				running = append(running, c)
			}
		}
	}
	slices.SortFunc(running, func(a, b container) int { return int(a.CreatedAt - b.CreatedAt) })
	return running
}

// attempt is the number of the container's next instance: how often it has been
// restarted then. What the API remembers counts where the runtime has forgotten.
func (v *view) attempt(pod *corev1.Pod, name string) uint32 {
	if newest, found := v.newest(name); found {
		return newest.GetMetadata().GetAttempt() + 1
	}
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			if statuses[i].Name == name && statuses[i].ContainerID != "" {
				return uint32(statuses[i].RestartCount) + 1
			}
		}
	}
	return 0
}

// sidecar tells whether an init container keeps running beside the others.
func sidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// restarts tells whether a container that ended with the code is started again:
// its own rules come first, then its own policy, then the Pod's.
func restarts(pod *corev1.Pod, c *corev1.Container, code int32) bool {
	for _, rule := range c.RestartPolicyRules {
		if rule.Action != corev1.ContainerRestartRuleActionRestart || rule.ExitCodes == nil {
			continue
		}
		in := slices.Contains(rule.ExitCodes.Values, code)
		if in == (rule.ExitCodes.Operator == corev1.ContainerRestartRuleOnExitCodesOpIn) {
			return true
		}
	}
	policy := corev1.ContainerRestartPolicy(pod.Spec.RestartPolicy)
	if c.RestartPolicy != nil {
		policy = *c.RestartPolicy
	}
	switch policy {
	case corev1.ContainerRestartPolicyNever:
		return false
	case corev1.ContainerRestartPolicyOnFailure:
		return code != 0
	}
	return true
}
