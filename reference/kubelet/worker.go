package kubelet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
)

// worker takes one Pod from its acceptance to its end. What it has to do, it
// does on one goroutine, which exists only while there is something to do.
type worker struct {
	k   *kubelet
	uid types.UID

	mu sync.Mutex
	// pod as the API last had it; gone says that it no longer has it.
	pod  *corev1.Pod
	gone bool
	// busy: the goroutine runs. due: there is something to look at.
	busy, due bool
	// interrupt ends what is under way, because it is no longer wanted.
	interrupt context.CancelFunc
	// stopping says that the Pod is being ended, within grace seconds.
	stopping bool
	grace    int64
	alarm    *time.Timer
	probers  map[probeKey]*prober
	report   report

	// What follows belongs to the goroutine.

	// admitted and rejected: what came of the Pod's admission.
	admitted, rejected bool
	// verdict fails the Pod; completed says that it ended by itself; ended, that
	// nothing of it runs any more and that its last status is known.
	verdict   *rejection
	completed bool
	ended     bool
	waiting   map[string]corev1.ContainerStateWaiting
	pulls     map[string]*pulling
	crashes   map[string]backoff
	// mountRetry is how long the last failure of a volume was waited on.
	mountRetry time.Duration
}

func newWorker(k *kubelet, pod *corev1.Pod) *worker {
	return &worker{
		k: k, uid: pod.UID, pod: pod,
		waiting: map[string]corev1.ContainerStateWaiting{},
		pulls:   map[string]*pulling{},
		crashes: map[string]backoff{},
	}
}

// update takes in what the API has of the Pod now.
func (w *worker) update(pod *corev1.Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone || newer(w.pod, pod) {
		return
	}
	first := w.report.base == nil
	look := first || concerns(w.pod, pod)
	w.pod = pod
	w.report.base = pod
	w.kickReport() // restores what another client has overwritten
	if look {
		w.interruptIfUnwanted()
		w.pokeLocked()
	}
}

// remove takes in that the API no longer has the Pod.
func (w *worker) remove(pod *corev1.Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pod, w.gone = pod, true
	w.interruptIfUnwanted()
	w.pokeLocked()
}

// newer tells whether a is a later version than b.
func newer[T interface{ GetResourceVersion() string }](a, b T) bool {
	first, err := strconv.ParseUint(a.GetResourceVersion(), 10, 64)
	if err != nil {
		return false
	}
	second, err := strconv.ParseUint(b.GetResourceVersion(), 10, 64)
	return err == nil && first > second
}

// concerns tells whether the change is one to act on: most updates only bring
// back what the kubelet itself has written.
func concerns(old, pod *corev1.Pod) bool {
	if old.Generation != pod.Generation || (old.DeletionTimestamp == nil) != (pod.DeletionTimestamp == nil) ||
		old.Status.Phase != pod.Status.Phase && terminal(pod.Status.Phase) {
		return true
	}
	for _, gate := range pod.Spec.ReadinessGates {
		if isTrue(old.Status.Conditions, gate.ConditionType) != isTrue(pod.Status.Conditions, gate.ConditionType) {
			return true
		}
	}
	return false
}

// interruptIfUnwanted ends the start of a Pod that is to end, and a slow end
// that is to be quicker.
func (w *worker) interruptIfUnwanted() {
	if w.interrupt == nil || !w.unwanted() {
		return
	}
	if !w.stopping || w.gracePeriod() < w.grace {
		w.interrupt()
	}
}

// unwanted tells whether the API wants the Pod to end.
func (w *worker) unwanted() bool {
	return w.gone || w.pod.DeletionTimestamp != nil || terminal(w.pod.Status.Phase)
}

// minimumGrace is what a container is given in any case after its preStop hook.
const minimumGrace = 2

// gracePeriod is how long the Pod has to end, in seconds.
func (w *worker) gracePeriod() int64 {
	switch {
	case w.pod.DeletionGracePeriodSeconds != nil:
		return max(1, *w.pod.DeletionGracePeriodSeconds)
	case w.pod.Spec.TerminationGracePeriodSeconds != nil:
		return max(1, *w.pod.Spec.TerminationGracePeriodSeconds)
	}
	return 1 // a Pod of which only the runtime knows
}

// poke has the worker look at its Pod.
func (w *worker) poke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pokeLocked()
}

func (w *worker) pokeLocked() {
	w.due = true
	if !w.busy {
		w.busy = true
		w.k.tasks.Go(w.run)
	}
}

// pokeAfter has the worker look at its Pod later.
func (w *worker) pokeAfter(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.alarm != nil {
		w.alarm.Stop()
	}
	w.alarm = w.k.tasks.After(d, w.poke)
}

func (w *worker) run() {
	for {
		w.mu.Lock()
		if !w.due || w.k.ctx.Err() != nil {
			w.busy = false
			w.mu.Unlock()
			return
		}
		w.due = false
		pod, gone := w.pod, w.gone
		ctx, cancel := context.WithCancel(w.k.ctx)
		w.interrupt = cancel
		end := w.unwanted() || w.completed || w.verdict != nil
		w.stopping, w.grace = end, w.gracePeriod()
		grace := w.grace
		if w.alarm != nil {
			w.alarm.Stop()
			w.alarm = nil
		}
		w.mu.Unlock()

		var again time.Duration
		var err error
		if end {
			err = w.end(ctx, pod, gone, grace)
		} else {
			again, err = w.sync(ctx, pod)
		}
		interrupted := ctx.Err() != nil
		cancel()
		if err != nil && !interrupted {
			klog.FromContext(ctx).Error(err, "Pod sync failed; trying again", "pod", klog.KObj(pod), "in", backoffInitial)
			again = backoffInitial
		}
		if again > 0 {
			w.pokeAfter(again)
		}
	}
}

// sync brings the Pod nearer to its spec until there is nothing left to do but
// to wait. It returns after what time to look again, 0 for when something happens.
func (w *worker) sync(ctx context.Context, pod *corev1.Pod) (time.Duration, error) {
	if !w.admitted {
		if pod.Status.StartTime != nil {
			w.k.readmit(pod)
		} else if refused := w.k.admit(pod); refused != nil {
			w.reject(pod, refused)
			return 0, nil
		}
		w.admitted = true
	}
	for {
		v, err := w.k.observe(ctx, w.uid)
		if err != nil {
			return 0, err
		}
		if left, limited := w.deadline(pod); limited && left <= 0 {
			w.verdict = &rejection{reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline"}
			w.k.events.Event(podReference(pod), corev1.EventTypeNormal, eventDeadlineExceeded, w.verdict.message)
			w.poke()
			return 0, nil
		}
		w.probe(pod, v)
		status := w.status(pod, v, false)
		p := makePlan(pod, v, w.health)
		if p.done || terminal(status.Phase) {
			w.completed = true
			w.poke()
			return 0, nil // the phase is reported once no container runs any more
		}
		w.publish(status, false)
		acted, retry, err := w.carryOut(ctx, pod, v, p)
		if err != nil {
			return 0, err
		}
		if !acted {
			w.publish(w.status(pod, v, false), false) // what keeps containers from starting
			if left, limited := w.deadline(pod); limited && (retry == 0 || left < retry) {
				retry = left
			}
			return retry, nil
		}
	}
}

// carryOut does what is planned. acted says that the runtime's state is another
// now; retry, after what time what could not be done may be tried again.
func (w *worker) carryOut(ctx context.Context, pod *corev1.Pod, v *view, p plan) (acted bool, retry time.Duration, err error) {
	for _, kill := range p.kill {
		grace := w.gracePeriod()
		if kill.probe != nil && kill.probe.TerminationGracePeriodSeconds != nil {
			grace = *kill.probe.TerminationGracePeriodSeconds
		}
		if err := w.killContainer(ctx, pod, kill.container, kill.message, grace, nil); err != nil {
			return false, 0, err
		}
		acted = true
	}
	// A container that starts again finds what has changed meanwhile, where there are
	// files to find.
	again := func(s starting) bool { return s.last != nil }
	if p.sandbox || slices.ContainsFunc(p.start, again) && !w.k.simulated() {
		if retry, err := w.setUpVolumes(ctx, pod); err != nil || retry > 0 {
			return acted, retry, err
		}
	}
	if p.sandbox {
		return true, 0, w.createSandbox(ctx, pod, p.attempt)
	}
	waiting := map[string]corev1.ContainerStateWaiting{}
	for _, start := range p.start {
		err := w.startContainer(ctx, pod, v, start)
		if err == nil {
			acted = true
			continue
		}
		if ctx.Err() != nil {
			return acted, 0, ctx.Err()
		}
		why := asNotStarted(err, "RunContainerError")
		waiting[start.spec.Name] = corev1.ContainerStateWaiting{Reason: why.reason, Message: why.message}
		if retry == 0 || why.retry > 0 && why.retry < retry {
			retry = why.retry
		}
	}
	if len(waiting) > 0 || len(w.waiting) > 0 {
		w.waiting = waiting
	}
	return acted, retry, nil
}

// deadline is how much of activeDeadlineSeconds is left (KUBELET-33).
func (w *worker) deadline(pod *corev1.Pod) (left time.Duration, limited bool) {
	if pod.Spec.ActiveDeadlineSeconds == nil {
		return 0, false
	}
	began := pod.Status.StartTime
	if status := w.lastStatus(); status != nil {
		began = status.StartTime
	}
	whole := time.Duration(*pod.Spec.ActiveDeadlineSeconds) * time.Second
	if began == nil {
		return whole, true
	}
	return time.Until(began.Add(whole)), true
}

// status is the Pod's status as of what was observed.
func (w *worker) status(pod *corev1.Pod, v *view, ended bool) corev1.PodStatus {
	old := w.lastStatus()
	if old == nil {
		old = &pod.Status
	}
	return makeStatus(pod, old, observation{
		view: v, waiting: maps.Clone(w.waiting),
		started: func(c container) bool { return w.health(c).started },
		ready:   w.isReady, runtimeName: w.k.runtime.RuntimeName, hostIP: w.k.Address,
		ended: ended, verdict: w.verdict, now: metav1.NewTime(time.Now().Truncate(time.Second)),
	})
}

// reject fails the Pod before anything of it has run (KUBELET-04).
func (w *worker) reject(pod *corev1.Pod, why *rejection) {
	w.k.events.Event(podReference(pod), corev1.EventTypeWarning, why.reason, why.message)
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	w.rejected, w.completed, w.ended = true, true, true
	w.publish(corev1.PodStatus{
		ObservedGeneration: pod.Generation, StartTime: &now,
		Phase: corev1.PodFailed, Reason: why.reason, Message: fmt.Sprintf("Pod was rejected: %s", why.message),
	}, true)
}
