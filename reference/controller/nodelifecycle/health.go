package nodelifecycle

import (
	"context"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// grace is how long a node may be silent: four renewals of its Lease may fail.
	grace = 50 * time.Second
	// startupGrace is how long a new Node may be without any status.
	startupGrace = 60 * time.Second
)

// signs are the heartbeats of the nodes: in their status, or as a renewal of their
// Lease. They are timed by the controller's own clock, so that the clocks of two
// machines need not agree.
type signs struct {
	mu sync.Mutex
	of map[string]*sign
}

type sign struct {
	uid       types.UID
	heartbeat metav1.Time
	renewal   metav1.MicroTime
	heard     time.Time
}

func newSigns() *signs { return &signs{of: map[string]*sign{}} }

// reported takes a Node's status as a sign of life, if it is a new one.
func (s *signs) reported(node *corev1.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Without a status its creation is all that is known of it.
	heartbeat, heard := node.CreationTimestamp, node.CreationTimestamp.Time
	if ready := condition(node, corev1.NodeReady); ready != nil {
		heartbeat, heard = ready.LastHeartbeatTime, time.Now()
	}
	last := s.of[node.Name]
	if last == nil {
		last = &sign{}
		s.of[node.Name] = last
	}
	if last.uid == node.UID && last.heartbeat.Equal(&heartbeat) {
		return
	}
	last.uid, last.heartbeat, last.heard = node.UID, heartbeat, heard
}

// renewed takes a Lease as a sign of life, and returns whether it is a new one.
func (s *signs) renewed(lease *coordinationv1.Lease) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.of[lease.Name]
	if last == nil {
		last = &sign{} // its Node is seen a moment later
		s.of[lease.Name] = last
	}
	if lease.Spec.RenewTime == nil || !last.renewal.Before(lease.Spec.RenewTime) {
		return false
	}
	last.renewal, last.heard = *lease.Spec.RenewTime, time.Now()
	return true
}

// excuse starts the time of a node's silence again.
func (s *signs) excuse(node string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := s.of[node]; last != nil {
		last.heard = time.Now()
	}
}

func (s *signs) forget(node string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, node)
}

// left is for how long the node may still be silent.
func (s *signs) left(node *corev1.Node) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	allowed := grace
	if condition(node, corev1.NodeReady) == nil {
		allowed = startupGrace
	}
	last := s.of[node.Name]
	if last == nil {
		return allowed // it has gone a moment ago
	}
	return allowed - time.Since(last.heard)
}

// fromKubelet are the conditions that only the node's kubelet can know.
var fromKubelet = []corev1.NodeConditionType{
	corev1.NodeReady, corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure,
}

// unknown sets the conditions of a node without heartbeats (NODE-04), and returns
// whether that changes any.
func unknown(node *corev1.Node, now metav1.Time) (changed bool) {
	for _, kind := range fromKubelet {
		known := condition(node, kind)
		switch {
		case known == nil:
			node.Status.Conditions = append(node.Status.Conditions, corev1.NodeCondition{
				Type: kind, Status: corev1.ConditionUnknown, LastHeartbeatTime: node.CreationTimestamp, LastTransitionTime: now,
				Reason: "NodeStatusNeverUpdated", Message: "Kubelet never posted node status.",
			})
		case known.Status != corev1.ConditionUnknown:
			known.Status, known.LastTransitionTime = corev1.ConditionUnknown, now
			known.Reason, known.Message = "NodeStatusUnknown", "Kubelet stopped posting node status."
		default:
			continue
		}
		changed = true
	}
	return changed
}

// checkHealth says that nothing is known about a node whose time is over, and
// otherwise comes back when it is. It returns whether it has written the Node.
func (l *lifecycle) checkHealth(ctx context.Context, node *corev1.Node) (wrote bool, err error) {
	if left := l.signs.left(node); left > 0 {
		l.nodeQueue.AddAfter(node.Name, left)
		return false, nil
	}
	lost := node.DeepCopy()
	if !unknown(lost, metav1.Now()) {
		return false, nil // the end of the silence is an event
	}
	// The node may be heard of, and the watch be late.
	lease, err := l.clients.Leases(corev1.NamespaceNodeLease).Get(ctx, node.Name, metav1.GetOptions{})
	switch {
	case err == nil && l.signs.renewed(lease):
		l.nodeQueue.AddAfter(node.Name, l.signs.left(node))
		return false, nil
	case err != nil && !apierrors.IsNotFound(err):
		// Who cannot ask cannot tell either: it may be us who are cut off.
		l.signs.excuse(node.Name)
		return false, err
	}
	if _, err := l.clients.Nodes().UpdateStatus(ctx, lost, metav1.UpdateOptions{}); err != nil {
		return false, err
	}
	if isReady(node) {
		l.events.Event(node, corev1.EventTypeNormal, "NodeNotReady", "Node "+node.Name+" status is now: NodeNotReady")
	}
	return true, nil
}

// condition returns the node's condition of that type, or nil.
func condition(node *corev1.Node, kind corev1.NodeConditionType) *corev1.NodeCondition {
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == kind {
			return &node.Status.Conditions[i]
		}
	}
	return nil
}

func isReady(node *corev1.Node) bool { return readyStatus(node) == corev1.ConditionTrue }

// readyStatus is the status of condition Ready, empty if the node has none.
func readyStatus(node *corev1.Node) corev1.ConditionStatus {
	if ready := condition(node, corev1.NodeReady); ready != nil {
		return ready.Status
	}
	return ""
}
