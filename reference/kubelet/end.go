package kubelet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"

	"github.com/podchain/podchain/conformance/implementation/crash"
)

// end ends the Pod: its containers, its sandbox, its status, and, once the API
// no longer has the Pod, what is left of it in the runtime.
func (w *worker) end(ctx context.Context, pod *corev1.Pod, gone bool, grace int64) error {
	v, err := w.k.observe(ctx, w.uid)
	if err != nil {
		return err
	}
	if !w.ended {
		if err := w.stop(ctx, pod, v, grace, gone); err != nil {
			return err
		}
		w.ended = true
		w.k.release(w.uid)
		w.stopProbes(nil)
		if v, err = w.k.observe(ctx, w.uid); err != nil {
			return err
		}
	}
	if gone {
		return w.cleanUp(ctx, v)
	}
	if w.lastStatus() == nil && terminal(pod.Status.Phase) && len(v.sandboxes) == 0 {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.report.ended = true // reported long ago: there is nothing to add
		w.kickReport()
		return nil
	}
	if w.rejected {
		// It never ran here: only the generation is to be followed.
		status := *w.lastStatus()
		status.ObservedGeneration = pod.Generation
		w.publish(status, true)
		return nil
	}
	w.publish(w.status(pod, v, true), true)
	return nil
}

// stop stops all running containers (KUBELET-35 to 37). Liveness and startup probes
// end at once, readiness probes continue.
func (w *worker) stop(ctx context.Context, pod *corev1.Pod, v *view, grace int64, gone bool) error {
	w.probe(pod, v) // an earlier kubelet's Pod has no probes yet
	w.stopProbes(func(kind probeKind) bool { return kind == readiness })
	if running := v.running(); len(running) > 0 {
		if !gone {
			// The start of the termination is reported, but no terminal phase:
			// containers are still running.
			current := w.status(pod, v, false)
			current.Phase = w.tellablePhase(pod, current.Phase)
			w.publish(current, false)
		}
		if err := w.stopContainers(ctx, pod, running, grace); err != nil {
			if ctx.Err() == nil {
				w.k.events.Eventf(podReference(pod), corev1.EventTypeWarning, eventFailedKillPod, "error killing pod: %v", err)
			}
			return err
		}
	}
	for _, sandbox := range v.sandboxes {
		if sandbox.State != runtimeapi.PodSandboxState_SANDBOX_READY {
			continue
		}
		if err := w.k.Runtime.StopPodSandbox(ctx, sandbox.Id); err != nil {
			return err
		}
	}
	return nil
}

// tellablePhase keeps back a phase that says that the Pod is over.
func (w *worker) tellablePhase(pod *corev1.Pod, phase corev1.PodPhase) corev1.PodPhase {
	if !terminal(phase) || terminal(pod.Status.Phase) {
		return phase
	}
	if last := w.lastStatus(); last != nil {
		return last.Phase
	}
	return pod.Status.Phase
}

// stopContainers stops the containers of the Pod proper at once, and then the
// sidecars in the reverse order of their start, all within the grace period.
func (w *worker) stopContainers(ctx context.Context, pod *corev1.Pod, running []container, grace int64) error {
	stopped := make(map[string]chan struct{}, len(running))
	for _, c := range running {
		stopped[c.name()] = make(chan struct{})
	}
	var (
		group crash.Group
		mu    sync.Mutex
		errs  []error
	)
	for _, c := range running {
		after := stopsAfter(pod, c.name(), stopped)
		group.Go(func() {
			defer close(stopped[c.name()])
			if err := w.killContainer(ctx, pod, c, "", grace, after); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// stopsAfter returns what must have stopped before a sidecar is stopped: the regular
// containers of the Pod, and the sidecars that were started after it.
func stopsAfter(pod *corev1.Pod, name string, stopped map[string]chan struct{}) []<-chan struct{} {
	spec := specOf(pod, name)
	if spec == nil || !sidecar(spec) {
		return nil
	}
	var after []<-chan struct{}
	add := func(name string) {
		if ended, runs := stopped[name]; runs {
			after = append(after, ended)
		}
	}
	for i := range pod.Spec.Containers {
		add(pod.Spec.Containers[i].Name)
	}
	later := false
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		if later && sidecar(c) {
			add(c.Name)
		}
		later = later || c.Name == name
	}
	return after
}

// killContainer runs the preStop hook, awaits the container's turn, and stops
// it; all of it counts against the grace period.
func (w *worker) killContainer(ctx context.Context, pod *corev1.Pod, c container, message string, grace int64, after []<-chan struct{}) error {
	if message == "" {
		message = fmt.Sprintf("Stopping container %s", c.name())
	}
	w.k.events.Event(containerReference(pod, c.name()), corev1.EventTypeNormal, eventKilling, message)
	began := time.Now()
	period := time.Duration(grace) * time.Second
	if spec := specOf(pod, c.name()); spec != nil && spec.Lifecycle != nil && spec.Lifecycle.PreStop != nil {
		hook, cancel := context.WithTimeout(ctx, period)
		err := w.runHook(hook, pod, spec, c.Id, w.podIP(pod), spec.Lifecycle.PreStop)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			w.k.events.Eventf(containerReference(pod, c.name()), corev1.EventTypeWarning, eventFailedPreStop, "PreStopHook failed: %v", err)
		}
	}
	if !await(ctx, after, period-time.Since(began)) {
		return ctx.Err()
	}
	// What was waited counts in whole seconds; a little time is left in any case.
	left := max(grace-int64(time.Since(began)/time.Second), minimumGrace)
	err := w.k.Runtime.StopContainer(ctx, c.Id, left)
	if status.Code(err) == codes.NotFound {
		return nil
	}
	return err
}

// await waits for all of the channels to be closed, or for the time to pass. It
// is false when ctx is done.
func await(ctx context.Context, channels []<-chan struct{}, d time.Duration) bool {
	if len(channels) == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	for _, channel := range channels {
		select {
		case <-channel:
		case <-timer.C:
			return true
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// cleanUp removes what is left of the Pod, and the worker with it.
func (w *worker) cleanUp(ctx context.Context, v *view) error {
	for _, sandbox := range v.sandboxes {
		for _, containers := range v.containers {
			for _, c := range containers {
				if c.sandbox != sandbox.Id {
					continue
				}
				if err := w.k.Runtime.RemoveContainer(ctx, c.Id); err != nil {
					return err
				}
			}
		}
		if err := w.k.Runtime.RemovePodSandbox(ctx, sandbox.Id); err != nil {
			return err
		}
	}
	if w.k.Root != "" {
		if err := os.RemoveAll(w.k.podFolder(w.uid)); err != nil {
			return err
		}
	}
	w.k.forget(w.uid)
	klog.FromContext(ctx).V(2).Info("Pod is gone", "uid", w.uid)
	return nil
}
