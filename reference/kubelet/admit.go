package kubelet

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	resourcehelper "k8s.io/component-helpers/resource"
	corehelper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

// reservation is what an accepted Pod takes of the node until it has ended.
type reservation struct {
	requests corev1.ResourceList
	ports    []corev1.ContainerPort
}

// rejection is why a Pod cannot run on this node: it fails for good (KUBELET-04).
type rejection struct {
	reason, message string
}

// admit accepts the Pod and reserves what it needs, or says why not.
func (k *kubelet) admit(pod *corev1.Pod) *rejection {
	wants := reservation{requests: resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}), ports: hostPorts(pod)}
	node := k.currentNode()

	k.mu.Lock()
	defer k.mu.Unlock()
	if refused := refuse(pod, node, k.Allocatable, wants, k.accepted); refused != nil {
		return refused
	}
	k.accepted[pod.UID] = wants
	return nil
}

// readmit takes the Pod in that an earlier kubelet of this node has accepted.
func (k *kubelet) readmit(pod *corev1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.accepted[pod.UID] = reservation{requests: resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}), ports: hostPorts(pod)}
}

// release gives back what the Pod reserved.
func (k *kubelet) release(uid types.UID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.accepted, uid)
}

func refuse(pod *corev1.Pod, node *corev1.Node, allocatable corev1.ResourceList, wants reservation, accepted map[types.UID]reservation) *rejection {
	if pod.Spec.OS != nil && pod.Spec.OS.Name != corev1.Linux {
		return &rejection{reason: "PodOSNotSupported", message: "Failed to admit pod as the OS field doesn't match node OS"}
	}
	pods := *resource.NewQuantity(int64(len(accepted)), resource.DecimalSI)
	if refused := outOf(corev1.ResourcePods, *resource.NewQuantity(1, resource.DecimalSI), pods, allocatable); refused != nil {
		return refused
	}
	for _, name := range sortedNames(wants.requests) {
		request := wants.requests[name]
		if request.IsZero() {
			continue
		}
		var used resource.Quantity
		for _, other := range accepted {
			used.Add(other.requests[name])
		}
		if refused := outOf(name, request, used, allocatable); refused != nil {
			return refused
		}
	}
	if match, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(node); err != nil || !match {
		return predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
	}
	for _, other := range accepted {
		if slices.ContainsFunc(wants.ports, func(a corev1.ContainerPort) bool {
			return slices.ContainsFunc(other.ports, func(b corev1.ContainerPort) bool { return collide(a, b) })
		}) {
			return predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports")
		}
	}
	noExecute := func(taint *corev1.Taint) bool { return taint.Effect == corev1.TaintEffectNoExecute }
	if _, untolerated := corehelper.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, pod.Spec.Tolerations, noExecute, false); untolerated {
		return predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate")
	}
	return nil
}

func outOf(name corev1.ResourceName, request, used resource.Quantity, allocatable corev1.ResourceList) *rejection {
	capacity := allocatable[name]
	sum := used.DeepCopy()
	sum.Add(request)
	if sum.Cmp(capacity) <= 0 {
		return nil
	}
	value := func(q resource.Quantity) int64 {
		if name == corev1.ResourceCPU {
			return q.MilliValue()
		}
		return q.Value()
	}
	return &rejection{
		reason: "OutOf" + string(name),
		message: fmt.Sprintf("Node didn't have enough resource: %s, requested: %d, used: %d, capacity: %d",
			name, value(request), value(used), value(capacity)),
	}
}

func predicate(name, why string) *rejection {
	return &rejection{reason: name, message: fmt.Sprintf("Predicate %s failed: %s", name, why)}
}

func hostPorts(pod *corev1.Pod) []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	for i := range pod.Spec.Containers {
		for _, port := range pod.Spec.Containers[i].Ports {
			if port.HostPort > 0 {
				ports = append(ports, port)
			}
		}
	}
	return ports
}

func collide(a, b corev1.ContainerPort) bool {
	anywhere := func(ip string) bool { return ip == "" || ip == "0.0.0.0" || ip == "::" }
	return a.HostPort == b.HostPort && a.Protocol == b.Protocol &&
		(a.HostIP == b.HostIP || anywhere(a.HostIP) || anywhere(b.HostIP))
}

func sortedNames(list corev1.ResourceList) []corev1.ResourceName {
	names := make([]corev1.ResourceName, 0, len(list))
	for name := range list {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
