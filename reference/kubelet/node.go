package kubelet

import (
	"encoding/json"
	"maps"
	goruntime "runtime"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/link"
)

const (
	// leaseRenewal and leaseDuration: a quarter, so that a renewal may fail (NODE-02).
	leaseRenewal  = 10 * time.Second
	leaseDuration = 40 * time.Second
	// heartbeat is how often conditions are written although nothing changed (NODE-03).
	heartbeat = 5 * time.Minute
)

// node is what a kubelet knows about its own Node.
type node struct {
	mu       sync.Mutex
	object   *corev1.Node
	reported time.Time
	lease    *coordinationv1.Lease
	// disputed says that the Node no longer shows what the kubelet reported.
	disputed chan struct{}
}

// register creates the Node, or takes over the one that is there (NODE-01). It
// tries until it succeeds; false means that the kubelet is to stop.
func (k *kubelet) register() bool {
	k.node.disputed = make(chan struct{}, 1)
	for delay := 100 * time.Millisecond; ; delay = min(2*delay, 7*time.Second) {
		err := k.tryRegister()
		if err == nil {
			break
		}
		if k.ctx.Err() != nil {
			return false
		}
		klog.FromContext(k.ctx).Error(err, "cannot register the node yet")
		if !pause(k.ctx, delay) {
			return false
		}
	}
	k.events.Event(k.nodeReference(), corev1.EventTypeNormal, eventStarting, "Starting kubelet.")
	return true
}

func (k *kubelet) tryRegister() error {
	wanted := k.initialNode()
	created, err := k.clients.Nodes().Create(k.ctx, wanted, metav1.CreateOptions{})
	if err == nil {
		k.node.object, k.node.reported = created, time.Now()
		return nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	found, err := k.clients.Nodes().Get(k.ctx, k.NodeName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	labels := maps.Clone(found.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, wanted.Labels)
	if !maps.Equal(labels, found.Labels) {
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": wanted.Labels}})
		if err != nil {
			return err
		}
		if found, err = k.clients.Nodes().Patch(k.ctx, k.NodeName, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	k.node.object = found
	return k.reportNode()
}

func (k *kubelet) initialNode() *corev1.Node {
	labels := map[string]string{
		corev1.LabelHostname:   k.NodeName,
		corev1.LabelOSStable:   "linux",
		corev1.LabelArchStable: goruntime.GOARCH,
	}
	maps.Copy(labels, k.Labels)
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: k.NodeName, Labels: labels},
		Spec:       corev1.NodeSpec{Taints: k.Taints},
	}
	n.Status = k.nodeStatus(&n.Status, metav1.Now())
	return n
}

func (k *kubelet) nodeStatus(old *corev1.NodeStatus, now metav1.Time) corev1.NodeStatus {
	return corev1.NodeStatus{
		Capacity:    k.Capacity,
		Allocatable: k.Allocatable,
		Conditions:  nodeConditions(old.Conditions, now),
		Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: k.Address},
			{Type: corev1.NodeHostName, Address: k.NodeName},
		},
		NodeInfo: corev1.NodeSystemInfo{
			MachineID: k.NodeName, SystemUUID: k.NodeName, BootID: k.NodeName,
			KernelVersion: "simulated", OSImage: "podchain",
			ContainerRuntimeVersion: k.runtime.RuntimeName + "://" + k.runtime.RuntimeVersion,
			KubeletVersion:          k.Version,
			OperatingSystem:         "linux",
			Architecture:            goruntime.GOARCH,
		},
	}
}

// theNodeConditions are what a healthy node reports (NODE-03).
var theNodeConditions = []corev1.NodeCondition{
	{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientMemory", Message: "kubelet has sufficient memory available"},
	{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasNoDiskPressure", Message: "kubelet has no disk pressure"},
	{Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientPID", Message: "kubelet has sufficient PID available"},
	{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "kubelet is posting ready status"},
}

// nodeConditions moves a transition time only where the status changed.
func nodeConditions(old []corev1.NodeCondition, now metav1.Time) []corev1.NodeCondition {
	conditions := make([]corev1.NodeCondition, 0, len(theNodeConditions))
	for _, condition := range theNodeConditions {
		condition.LastHeartbeatTime, condition.LastTransitionTime = now, now
		for _, before := range old {
			if before.Type == condition.Type && before.Status == condition.Status {
				condition.LastTransitionTime = before.LastTransitionTime
			}
		}
		conditions = append(conditions, condition)
	}
	return conditions
}

// disputes returns whether another client changed a condition of the kubelet's.
func disputes(conditions []corev1.NodeCondition) bool {
	agreed := 0
	for _, ours := range theNodeConditions {
		for _, theirs := range conditions {
			if theirs.Type == ours.Type && theirs.Status == ours.Status {
				agreed++
			}
		}
	}
	return agreed < len(theNodeConditions)
}

// reportNode writes the node's status; conditions of others stay.
func (k *kubelet) reportNode() error {
	k.node.mu.Lock()
	current := k.node.object
	k.node.mu.Unlock()
	patch, err := json.Marshal(map[string]any{"status": k.nodeStatus(&current.Status, metav1.Now())})
	if err != nil {
		return err
	}
	written, err := k.clients.Nodes().Patch(k.ctx, k.NodeName, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return err
	}
	k.nodeSeen(written)
	k.node.mu.Lock()
	defer k.node.mu.Unlock()
	k.node.reported = time.Now()
	return nil
}

// keepNode renews the lease and keeps the node's status true.
func (k *kubelet) keepNode() {
	logger := klog.FromContext(k.ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-k.ctx.Done():
			return
		case <-timer.C:
			timer.Reset(leaseRenewal)
			if err := k.renewLease(); err != nil && k.ctx.Err() == nil {
				logger.Error(err, "cannot renew the lease; trying again", "in", leaseRenewal)
			}
		case <-k.node.disputed:
		}
		if k.reportIsDue() {
			if err := k.reportNode(); err != nil && k.ctx.Err() == nil {
				logger.Error(err, "cannot report the node's status; trying again", "in", leaseRenewal)
			}
		}
	}
}

func (k *kubelet) reportIsDue() bool {
	k.node.mu.Lock()
	defer k.node.mu.Unlock()
	return time.Since(k.node.reported) >= heartbeat || disputes(k.node.object.Status.Conditions)
}

func (k *kubelet) renewLease() error {
	leases := k.clients.Leases(corev1.NamespaceNodeLease)
	if k.node.lease == nil {
		lease, err := leases.Get(k.ctx, k.NodeName, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			lease, err = leases.Create(k.ctx, &coordinationv1.Lease{
				ObjectMeta: metav1.ObjectMeta{Name: k.NodeName, Namespace: corev1.NamespaceNodeLease, OwnerReferences: []metav1.OwnerReference{{
					APIVersion: "v1", Kind: "Node", Name: k.NodeName, UID: k.currentNode().UID,
				}}},
				Spec: coordinationv1.LeaseSpec{
					HolderIdentity: &k.NodeName, LeaseDurationSeconds: ptr.To(int32(leaseDuration / time.Second)), RenewTime: ptr.To(metav1.NowMicro()),
				},
			}, metav1.CreateOptions{})
			if err == nil {
				k.node.lease = lease
			}
			return err
		case err != nil:
			return err
		}
		k.node.lease = lease
	}
	lease := k.node.lease.DeepCopy()
	lease.Spec.HolderIdentity = &k.NodeName
	lease.Spec.LeaseDurationSeconds = ptr.To(int32(leaseDuration / time.Second))
	lease.Spec.RenewTime = ptr.To(metav1.NowMicro())
	lease.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: k.NodeName, UID: k.currentNode().UID}}
	renewed, err := leases.Update(k.ctx, lease, metav1.UpdateOptions{})
	// After a failure the next renewal starts from what is there then.
	k.node.lease = nil
	if err == nil {
		k.node.lease = renewed
	}
	return err
}

// watchNode keeps the kubelet's view of its Node current: labels and taints
// decide over Pods, and a condition changed by another client is restored.
func (k *kubelet) watchNode(l *link.Link) link.Cache[*corev1.Node] {
	node := link.Watch(l, k.clients.Nodes(), link.Where(fields.OneTermEqualSelector(metav1.ObjectNameField, k.NodeName)))
	link.Handle(l, node, link.On[*corev1.Node]{
		Add:    k.nodeSeen,
		Update: func(_, now *corev1.Node) { k.nodeSeen(now) },
	})
	return node
}

func (k *kubelet) nodeSeen(seen *corev1.Node) {
	k.node.mu.Lock()
	defer k.node.mu.Unlock()
	if k.node.object != nil && k.node.object.UID == seen.UID && newer(k.node.object, seen) {
		return
	}
	k.node.object = seen
	if disputes(seen.Status.Conditions) {
		select {
		case k.node.disputed <- struct{}{}:
		default:
		}
	}
}

func (k *kubelet) currentNode() *corev1.Node {
	k.node.mu.Lock()
	defer k.node.mu.Unlock()
	return k.node.object
}

// nodeReference is what Events about the node are about. Their uid is the
// node's name, as kubectl describe expects.
func (k *kubelet) nodeReference() *corev1.ObjectReference {
	return &corev1.ObjectReference{Kind: "Node", APIVersion: "v1", Name: k.NodeName, UID: types.UID(k.NodeName)}
}
