package kubelet

import (
	"encoding/json"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
)

// report is the status that a worker writes for its Pod. It is written in the
// background: the Pod keeps running while the API server is down, and of several
// statuses that could not be written only the last one is (KUBELET-42).
type report struct {
	// base is the Pod as the API server last answered, status what it should say.
	base   *corev1.Pod
	status *corev1.PodStatus
	// ended: nothing runs any more, the Pod may go where it is to be deleted.
	ended, deleted bool
	writing        bool
	failures       int
}

// publish sets what the API is to say about the Pod.
func (w *worker) publish(status corev1.PodStatus, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.status = &status
	w.report.ended = w.report.ended || ended
	w.kickReport()
}

func (w *worker) lastStatus() *corev1.PodStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.report.status
}

// kickReport has the report written, if there is anything in it to write.
func (w *worker) kickReport() {
	r := &w.report
	if r.writing || w.gone || r.base == nil || !r.pending() {
		return
	}
	r.writing = true
	w.k.tasks.Go(w.writeReport)
}

func (r *report) pending() bool {
	return r.status != nil && differs(&r.base.Status, r.status) || r.mayDelete()
}

func (r *report) mayDelete() bool {
	return r.ended && !r.deleted && r.base.DeletionTimestamp != nil && terminal(r.base.Status.Phase)
}

// reportsAtOnce is how many reports a kubelet writes at a time. Those that wait
// for their turn say only what is true when it comes: a busy API server is
// spared what was true in between.
const reportsAtOnce = 2

func (w *worker) writeReport() {
	for {
		select {
		case w.k.reporting <- struct{}{}:
		case <-w.k.ctx.Done():
			return
		}
		delay, done := w.writeNext()
		<-w.k.reporting
		if done || !pause(w.k.ctx, delay) {
			return
		}
	}
}

// writeNext writes what is to be written now. done says that nothing is left, or
// nothing can be done; else it is to be called again after the delay.
func (w *worker) writeNext() (delay time.Duration, done bool) {
	for {
		w.mu.Lock()
		r := &w.report
		if w.gone || !r.pending() || w.k.ctx.Err() != nil {
			r.writing = false
			w.mu.Unlock()
			return 0, true
		}
		base, status := r.base, r.status
		w.mu.Unlock()

		err := w.writeOnce(base, status)
		if err == nil {
			continue
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.k.ctx.Err() != nil {
			r.writing = false
			return 0, true
		}
		r.failures++
		delay := min(10*time.Second, 100*time.Millisecond<<min(r.failures, 10))
		logger := klog.FromContext(w.k.ctx).WithValues("pod", klog.KObj(base), "in", delay)
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			// Where the Pod has gone, or another has its name, the watch says so before
			// long, and that ends it. Where it does not, this very Pod was refused.
			logger.V(2).Info("A Pod's status is refused; trying again", "reason", err)
		} else {
			logger.Error(err, "cannot report a Pod's status; trying again")
		}
		return delay, false
	}
}

// writeOnce writes the status and, once that says that the Pod has ended, has
// the API remove the Pod that is to be deleted (KUBELET-35).
func (w *worker) writeOnce(base *corev1.Pod, status *corev1.PodStatus) error {
	pods := w.k.clients.Pods(base.Namespace)
	if status != nil && differs(&base.Status, status) {
		patch, err := json.Marshal(statusPatch(base, status))
		if err != nil {
			return err
		}
		// The answer is what the next patch starts from.
		written, err := pods.Patch(w.k.ctx, base.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
		if err != nil {
			return err
		}
		written.ManagedFields = nil
		w.mu.Lock()
		defer w.mu.Unlock()
		w.report.failures = 0
		if !newer(w.report.base, written) {
			w.report.base = written
		}
		return nil
	}
	err := pods.Delete(w.k.ctx, base.Name, metav1.DeleteOptions{
		GracePeriodSeconds: ptr.To[int64](0),
		Preconditions:      metav1.NewUIDPreconditions(string(base.UID)), // KUBELET-38
	})
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report.deleted = true
	return nil
}

// differs tells whether the API says something else than it should, in what the
// kubelet writes.
func differs(is, should *corev1.PodStatus) bool {
	return len(changedFields(is, should)) > 0
}

// statusPatch is a strategic merge patch of what has changed, for this very Pod:
// the API server refuses it for another uid. Conditions merge by type, so that
// those of others are not touched (KUBELET-05).
func statusPatch(base *corev1.Pod, status *corev1.PodStatus) map[string]any {
	return map[string]any{
		"metadata": map[string]any{"uid": base.UID},
		"status":   changedFields(&base.Status, status),
	}
}

func changedFields(is, should *corev1.PodStatus) map[string]any {
	fields := map[string]any{}
	text := func(name, is, should string) {
		if is != should {
			fields[name] = should
			if should == "" {
				fields[name] = nil
			}
		}
	}
	if is.ObservedGeneration != should.ObservedGeneration {
		fields["observedGeneration"] = should.ObservedGeneration
	}
	text("phase", string(is.Phase), string(should.Phase))
	text("reason", is.Reason, should.Reason)
	text("message", is.Message, should.Message)
	text("hostIP", is.HostIP, should.HostIP)
	text("podIP", is.PodIP, should.PodIP)
	if !slices.Equal(is.HostIPs, should.HostIPs) {
		fields["hostIPs"] = replaced(should.HostIPs, len(is.HostIPs) > 0)
	}
	if !slices.Equal(is.PodIPs, should.PodIPs) {
		fields["podIPs"] = replaced(should.PodIPs, len(is.PodIPs) > 0)
	}
	if !is.StartTime.Equal(should.StartTime) {
		fields["startTime"] = should.StartTime
	}
	if !equality.Semantic.DeepEqual(is.InitContainerStatuses, should.InitContainerStatuses) {
		fields["initContainerStatuses"] = should.InitContainerStatuses
	}
	if !equality.Semantic.DeepEqual(is.ContainerStatuses, should.ContainerStatuses) {
		fields["containerStatuses"] = should.ContainerStatuses
	}
	if changed := changedConditions(is.Conditions, should.Conditions); len(changed) > 0 {
		fields["conditions"] = changed
	}
	return fields
}

// replaced is a list that merges by key, to be taken as it is: what it held
// before does not stay in it.
func replaced[T any](list []T, held bool) []any {
	var patch []any
	if held {
		patch = append(patch, map[string]any{"$patch": "replace"})
	}
	for _, item := range list {
		patch = append(patch, item)
	}
	return patch
}

// changedConditions returns those that are to be written, with null for what is
// to be cleared.
func changedConditions(is, should []corev1.PodCondition) []map[string]any {
	var changed []map[string]any
	for _, c := range should {
		index := slices.IndexFunc(is, func(other corev1.PodCondition) bool { return other.Type == c.Type })
		if index >= 0 && sameCondition(is[index], c) {
			continue
		}
		patch := map[string]any{
			"type": c.Type, "status": c.Status, "observedGeneration": c.ObservedGeneration,
			"lastTransitionTime": c.LastTransitionTime, "lastProbeTime": nil,
		}
		if c.Reason != "" || index >= 0 && is[index].Reason != "" {
			patch["reason"] = orNull(c.Reason)
		}
		if c.Message != "" || index >= 0 && is[index].Message != "" {
			patch["message"] = orNull(c.Message)
		}
		changed = append(changed, patch)
	}
	return changed
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func sameCondition(a, b corev1.PodCondition) bool {
	return a.Status == b.Status && a.Reason == b.Reason && a.Message == b.Message &&
		a.ObservedGeneration == b.ObservedGeneration && a.LastTransitionTime.Equal(&b.LastTransitionTime)
}
