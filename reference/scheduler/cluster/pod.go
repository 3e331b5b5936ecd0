package cluster

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1"
)

// Pod is a Pod with what decisions need of it worked out once.
type Pod struct {
	*v1.Pod
	Class *Class
	// Request is what it takes from a node, Ranked the same for ranking, where
	// unstated requests count as something.
	Request, Ranked Resources
	Ports           []Port

	// node is where it is, or is assumed to be.
	node    string
	assumed bool
}

// Port is a port that a Pod takes on its node's own network (SCHED-12).
type Port struct {
	IP       string
	Protocol v1.Protocol
	Number   int32
}

// anyIP is all the node's addresses.
const anyIP = "0.0.0.0"

// Conflicts tells whether two ports cannot be taken on one node.
func (p Port) Conflicts(other Port) bool {
	return p.Number == other.Number && p.Protocol == other.Protocol &&
		(p.IP == other.IP || p.IP == anyIP || other.IP == anyIP)
}

// NewPod works out what decisions need. It fails if a selector in the Pod
// cannot be parsed.
func NewPod(pod *v1.Pod) (*Pod, error) {
	class, err := newClass(pod)
	if err != nil {
		return nil, fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return &Pod{
		Pod: pod, Class: class,
		Request: requestOf(pod), Ranked: rankedRequestOf(pod),
		Ports: portsOf(pod),
	}, nil
}

// Priority is spec.priority, 0 if there is none.
func (p *Pod) Priority() int32 { return corev1.PodPriority(p.Pod) }

// portsOf lists the host ports; sidecars hold theirs for the Pod's life, other
// init containers do not.
func portsOf(pod *v1.Pod) []Port {
	var ports []Port
	add := func(container *v1.Container) {
		for _, port := range container.Ports {
			if port.HostPort <= 0 {
				continue
			}
			p := Port{IP: port.HostIP, Protocol: port.Protocol, Number: port.HostPort}
			if p.IP == "" {
				p.IP = anyIP
			}
			if p.Protocol == "" {
				p.Protocol = v1.ProtocolTCP
			}
			ports = append(ports, p)
		}
	}
	for i := range pod.Spec.InitContainers {
		container := &pod.Spec.InitContainers[i]
		if container.RestartPolicy != nil && *container.RestartPolicy == v1.ContainerRestartPolicyAlways {
			add(container)
		}
	}
	for i := range pod.Spec.Containers {
		add(&pod.Spec.Containers[i])
	}
	return ports
}
