package kubelet

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"

	"github.com/podchain/podchain/reference/runtime"
)

// relistPeriod is how often a runtime without events is asked what has ended.
const relistPeriod = time.Second

// relist has the workers look when something has ended in a runtime that does
// not tell by itself, such as containerd before 1.7.
func (k *kubelet) relist() {
	ended := map[string]bool{}
	for pause(k.ctx, relistPeriod) {
		now, err := k.endedNow()
		if err != nil {
			if k.ctx.Err() == nil {
				klog.FromContext(k.ctx).Error(err, "cannot list what runs; trying again", "in", relistPeriod)
			}
			continue
		}
		for id, uid := range now {
			if !ended[id] {
				k.pokePod(uid)
			}
		}
		clear(ended)
		for id := range now {
			ended[id] = true
		}
	}
}

// endedNow returns the sandboxes and containers that do not run any more, with
// the Pods that they are of.
func (k *kubelet) endedNow() (map[string]types.UID, error) {
	ended := map[string]types.UID{}
	sandboxes, err := k.Runtime.ListPodSandbox(k.ctx, nil)
	if err != nil {
		return nil, err
	}
	for _, sandbox := range sandboxes {
		if sandbox.State != runtimeapi.PodSandboxState_SANDBOX_READY {
			ended[sandbox.Id] = types.UID(sandbox.GetMetadata().GetUid())
		}
	}
	containers, err := k.Runtime.ListContainers(k.ctx, nil)
	if err != nil {
		return nil, err
	}
	for _, container := range containers {
		if container.State == runtimeapi.ContainerState_CONTAINER_EXITED {
			ended[container.Id] = types.UID(container.Labels[runtime.PodUIDLabel])
		}
	}
	return ended, nil
}
