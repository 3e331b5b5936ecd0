package deployment

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference/controller"
)

// podDrain waits for old Pods to end, for Deployments whose strategy is
// Recreate (ROLLOUT-08). That is the only use that this controller has for
// Pods, so it keeps no cache of all of them: it watches those of one
// Deployment for as long as that waits. Whatever ends the watch, the
// Deployment is looked at again, and the look begins with a list.
type podDrain struct {
	clients *clients.Clients
	group   crash.Group

	mu      sync.Mutex
	waiting map[types.UID]*drainWait
}

// drainWait is one Deployment's wait for the Pods of its old ReplicaSets.
type drainWait struct {
	sets   string
	cancel context.CancelFunc
}

func newPodDrain(clients *clients.Clients) *podDrain {
	return &podDrain{clients: clients, waiting: map[types.UID]*drainWait{}}
}

// drained reports whether all Pods of the old ReplicaSets have ended. If not,
// the Deployment is queued when they have.
func (d *deployments) drained(ctx context.Context, r *rollout) (bool, error) {
	if len(r.old) == 0 {
		return true, nil
	}
	for _, set := range r.old {
		// The ReplicaSet controller knows of some: its next status is the event to wait for.
		if set.Status.Replicas > 0 {
			return false, nil
		}
	}
	return d.drain.check(ctx, r, func(broken bool) {
		if broken {
			d.EnqueueRateLimited(r.deployment)
			return
		}
		d.Enqueue(r.deployment)
	})
}

// check reports whether the Pods have ended. If not, it calls ended later: when they
// have, or when it can no longer be seen.
func (w *podDrain) check(ctx context.Context, r *rollout, ended func(broken bool)) (bool, error) {
	owners := map[types.UID]bool{}
	names := make([]string, 0, len(r.old))
	for _, set := range r.old {
		owners[set.UID] = true
		names = append(names, string(set.UID))
	}
	slices.Sort(names)
	sets := strings.Join(names, " ")

	w.mu.Lock()
	running := w.waiting[r.deployment.UID]
	w.mu.Unlock()
	if running != nil && running.sets == sets {
		return false, nil
	}
	if running != nil {
		w.forget(r.deployment.UID)
	}

	pods := w.clients.Pods(r.deployment.Namespace)
	options := metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(r.deployment.Spec.Selector)}
	list, err := pods.List(ctx, options)
	if err != nil {
		return false, fmt.Errorf("old Pods: %w", err)
	}
	left := map[types.UID]bool{}
	for i := range list.Items {
		if pod := &list.Items[i]; lingers(pod, owners) {
			left[pod.UID] = true
		}
	}
	if len(left) == 0 {
		return true, nil
	}
	options.ResourceVersion = list.ResourceVersion
	ctx, cancel := context.WithCancel(ctx)
	events, err := pods.Watch(ctx, options)
	if err != nil {
		cancel()
		return false, fmt.Errorf("old Pods: %w", err)
	}
	w.follow(ctx, r.deployment.UID, &drainWait{sets: sets, cancel: cancel}, events, left, owners, ended)
	return false, nil
}

// lingers says that the Pod belongs to one of the owners and may still run.
func lingers(pod *corev1.Pod, owners map[types.UID]bool) bool {
	owner := metav1.GetControllerOfNoCopy(pod)
	return owner != nil && owners[owner.UID] && !controller.Terminal(pod)
}

// follow watches until none of the Pods is left.
func (w *podDrain) follow(ctx context.Context, deployment types.UID, wait *drainWait, events watch.Interface, left, owners map[types.UID]bool, ended func(broken bool)) {
	w.mu.Lock()
	w.waiting[deployment] = wait
	w.mu.Unlock()
	w.group.Go(func() {
		defer wait.cancel()
		defer events.Stop()
		for event := range events.ResultChan() {
			pod, ok := event.Object.(*corev1.Pod)
			if !ok {
				break
			}
			if event.Type == watch.Deleted || !lingers(pod, owners) {
				delete(left, pod.UID)
			} else {
				left[pod.UID] = true
			}
			if len(left) == 0 {
				break
			}
		}
		w.mu.Lock()
		if w.waiting[deployment] == wait {
			delete(w.waiting, deployment)
		}
		w.mu.Unlock()
		if ctx.Err() == nil {
			ended(len(left) > 0)
		}
	})
}

// forget ends a Deployment's wait.
func (w *podDrain) forget(deployment types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if running := w.waiting[deployment]; running != nil {
		running.cancel()
		delete(w.waiting, deployment)
	}
}

// wait returns when no wait is left; the context of the syncs must be done.
func (w *podDrain) wait() { w.group.Wait() }
