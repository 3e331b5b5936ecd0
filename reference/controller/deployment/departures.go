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
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference/controller"
)

// departures waits for old Pods to end, for Deployments whose strategy is
// Recreate (ROLLOUT-08). That is the only use that this controller has for
// Pods, so it keeps no cache of all of them: it watches those of one
// Deployment for as long as that waits. Whatever ends the watch, the
// Deployment is looked at again, and the look begins with a list.
type departures struct {
	client kubernetes.Interface
	queue  *controller.Queue[cache.ObjectName]
	group  crash.Group

	mu      sync.Mutex
	waiting map[types.UID]*departure
}

// departure is one Deployment's wait for the Pods of its old ReplicaSets.
type departure struct {
	sets   string
	cancel context.CancelFunc
}

func newDepartures(client kubernetes.Interface, queue *controller.Queue[cache.ObjectName]) *departures {
	return &departures{client: client, queue: queue, waiting: map[types.UID]*departure{}}
}

// departed reports whether all Pods of the old ReplicaSets have ended. If not,
// the Deployment is queued when they have.
func (d *deployments) departed(ctx context.Context, r *rollout) (bool, error) {
	if len(r.old) == 0 {
		return true, nil
	}
	for _, set := range r.old {
		// The ReplicaSet controller knows of some: its next status is the event to wait for.
		if set.Status.Replicas > 0 {
			return false, nil
		}
	}
	return d.departures.check(ctx, r)
}

func (w *departures) check(ctx context.Context, r *rollout) (bool, error) {
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

	pods := w.client.CoreV1().Pods(r.deployment.Namespace)
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
	w.follow(ctx, r, &departure{sets: sets, cancel: cancel}, events, left, owners)
	return false, nil
}

// lingers says that the Pod belongs to one of the owners and may still run.
func lingers(pod *corev1.Pod, owners map[types.UID]bool) bool {
	owner := metav1.GetControllerOfNoCopy(pod)
	return owner != nil && owners[owner.UID] && !controller.Terminal(pod)
}

// follow watches until no Pod is left, and queues the Deployment then.
func (w *departures) follow(ctx context.Context, r *rollout, wait *departure, events watch.Interface, left, owners map[types.UID]bool) {
	uid, key := r.deployment.UID, cache.MetaObjectToName(r.deployment)
	w.mu.Lock()
	w.waiting[uid] = wait
	w.mu.Unlock()
	w.group.Go(func() {
		defer wait.cancel()
		defer events.Stop()
		again := w.queue.AddRateLimited // the watch broke
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
				again = w.queue.Add
				break
			}
		}
		w.mu.Lock()
		if w.waiting[uid] == wait {
			delete(w.waiting, uid)
		}
		w.mu.Unlock()
		if ctx.Err() == nil {
			again(key)
		}
	})
}

// forget ends a Deployment's wait.
func (w *departures) forget(deployment types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if running := w.waiting[deployment]; running != nil {
		running.cancel()
		delete(w.waiting, deployment)
	}
}

// wait returns when no wait is left; the context of the syncs must be done.
func (w *departures) wait() { w.group.Wait() }
