package nodelifecycle

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
)

// blockers are the conditions that keep Pods off a node, and how the node is
// marked (NODE-05): the scheduler reads taints, and no conditions.
var blockers = []struct {
	condition corev1.NodeConditionType
	status    corev1.ConditionStatus
	taint     string
	evicts    bool // those that are on it have to go as well
}{
	{corev1.NodeReady, corev1.ConditionFalse, corev1.TaintNodeNotReady, true},
	{corev1.NodeReady, corev1.ConditionUnknown, corev1.TaintNodeUnreachable, true},
	{corev1.NodeMemoryPressure, corev1.ConditionTrue, corev1.TaintNodeMemoryPressure, false},
	{corev1.NodeDiskPressure, corev1.ConditionTrue, corev1.TaintNodeDiskPressure, false},
	{corev1.NodePIDPressure, corev1.ConditionTrue, corev1.TaintNodePIDPressure, false},
	{corev1.NodeNetworkUnavailable, corev1.ConditionTrue, corev1.TaintNodeNetworkUnavailable, false},
}

// wanted returns the taints that the node's state calls for; those that send
// Pods away only if evict says so.
func wanted(node *corev1.Node, evict bool) []corev1.Taint {
	var taints []corev1.Taint
	for _, blocker := range blockers {
		found := condition(node, blocker.condition)
		if found == nil || found.Status != blocker.status {
			continue
		}
		taints = append(taints, corev1.Taint{Key: blocker.taint, Effect: corev1.TaintEffectNoSchedule})
		if blocker.evicts && evict {
			taints = append(taints, corev1.Taint{Key: blocker.taint, Effect: corev1.TaintEffectNoExecute})
		}
	}
	if node.Spec.Unschedulable {
		taints = append(taints, corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule})
	}
	return taints
}

// ours tells whether a taint is one that this controller adds and removes.
func ours(taint corev1.Taint) bool {
	if taint.Key == corev1.TaintNodeUnschedulable {
		return taint.Effect == corev1.TaintEffectNoSchedule
	}
	for _, blocker := range blockers {
		if blocker.taint == taint.Key {
			return taint.Effect == corev1.TaintEffectNoSchedule || taint.Effect == corev1.TaintEffectNoExecute && blocker.evicts
		}
	}
	return false
}

// correct returns the present taints with what is ours as it is wanted, and
// whether that changes any. What stays keeps its place and its time.
func correct(present, wanted []corev1.Taint, now metav1.Time) (corrected []corev1.Taint, changed bool) {
	for i := range present {
		if ours(present[i]) && !slices.ContainsFunc(wanted, same(&present[i])) {
			changed = true
			continue
		}
		corrected = append(corrected, present[i])
	}
	for i := range wanted {
		if !slices.ContainsFunc(present, same(&wanted[i])) {
			added := wanted[i]
			added.TimeAdded = &now
			corrected = append(corrected, added)
			changed = true
		}
	}
	return corrected, changed
}

func same(taint *corev1.Taint) func(corev1.Taint) bool {
	return func(other corev1.Taint) bool { return taint.MatchTaint(&other) }
}

// taint has the node show what is wrong with it.
func (l *lifecycle) taint(ctx context.Context, node *corev1.Node) error {
	taints, changed := correct(node.Spec.Taints, wanted(node, l.ready.any()), metav1.Now())
	if !changed {
		return nil
	}
	// The taints are one value: the write of another client must not be undone.
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": node.UID, "resourceVersion": node.ResourceVersion},
		"spec":     map[string]any{"taints": taints},
	})
	if err != nil {
		return err
	}
	_, err = l.clients.Nodes().Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// readyNodes are the nodes that are ready. While there is none, no Pod is evicted:
// no other node could run it, and if all nodes seem to fail at once the fault is
// likely on this side.
type readyNodes struct {
	mu    sync.Mutex
	names sets.Set[string]
}

func newReadyNodes() *readyNodes { return &readyNodes{names: sets.New[string]()} }

func (r *readyNodes) any() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names.Len() > 0
}

// set notes whether the node is ready, and returns whether that makes it the
// first one that is, or was the last one.
func (r *readyNodes) set(node string, ready bool) (turned bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.names.Len() > 0
	if ready {
		r.names.Insert(node)
	} else {
		r.names.Delete(node)
	}
	return before != (r.names.Len() > 0)
}
