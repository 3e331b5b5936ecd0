package scheduler

import (
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The trim functions drop what no decision looks at before an object enters a
// cache: most of a Pod is of no concern to the scheduler, and it holds all of
// them.

func trimMeta(obj any) (any, error) {
	if object, ok := obj.(metav1.Object); ok {
		object.SetManagedFields(nil)
		object.SetAnnotations(nil)
	}
	return obj, nil
}

func trimNode(obj any) (any, error) {
	node, ok := obj.(*v1.Node)
	if !ok {
		return obj, nil
	}
	node.ObjectMeta = metav1.ObjectMeta{
		Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion, Labels: node.Labels,
	}
	node.Spec = v1.NodeSpec{Taints: node.Spec.Taints, Unschedulable: node.Spec.Unschedulable}
	node.Status = v1.NodeStatus{Allocatable: node.Status.Allocatable, Images: node.Status.Images}
	return node, nil
}

func trimPod(obj any) (any, error) {
	pod, ok := obj.(*v1.Pod)
	if !ok {
		return obj, nil
	}
	assigned := pod.Spec.NodeName != ""
	pod.ObjectMeta = metav1.ObjectMeta{
		Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
		Labels: pod.Labels, OwnerReferences: pod.OwnerReferences,
		CreationTimestamp: pod.CreationTimestamp, DeletionTimestamp: pod.DeletionTimestamp,
	}
	spec := &pod.Spec
	kept := v1.PodSpec{
		NodeName: spec.NodeName, SchedulerName: spec.SchedulerName,
		Containers: trimContainers(spec.Containers, assigned), InitContainers: trimContainers(spec.InitContainers, assigned),
		Resources: spec.Resources, Overhead: spec.Overhead, Priority: spec.Priority,
		Affinity: spec.Affinity,
	}
	if assigned {
		// Node rules no longer apply to it (SCHED-09), rules between Pods do.
		if kept.Affinity != nil && kept.Affinity.PodAffinity == nil && kept.Affinity.PodAntiAffinity == nil {
			kept.Affinity = nil
		}
	} else {
		kept.NodeSelector, kept.Tolerations = spec.NodeSelector, spec.Tolerations
		kept.TopologySpreadConstraints = spec.TopologySpreadConstraints
		kept.PreemptionPolicy, kept.SchedulingGates = spec.PreemptionPolicy, spec.SchedulingGates
		kept.ResourceClaims = spec.ResourceClaims
	}
	pod.Spec = kept
	pod.Status = trimStatus(&pod.Status)
	return pod, nil
}

func trimContainers(containers []v1.Container, assigned bool) []v1.Container {
	for i := range containers {
		c := &containers[i]
		kept := v1.Container{Name: c.Name, Resources: c.Resources, RestartPolicy: c.RestartPolicy}
		if !assigned {
			kept.Image = c.Image
		}
		for _, port := range c.Ports {
			if port.HostPort > 0 {
				kept.Ports = append(kept.Ports, port)
			}
		}
		*c = kept
	}
	return containers
}

// trimStatus keeps the conditions that the scheduler writes, and the container
// statuses only while a resize is under way: then they say what is in use.
func trimStatus(status *v1.PodStatus) v1.PodStatus {
	kept := v1.PodStatus{Phase: status.Phase, NominatedNodeName: status.NominatedNodeName, StartTime: status.StartTime}
	resizing := false
	for _, condition := range status.Conditions {
		switch condition.Type {
		case v1.PodScheduled, v1.DisruptionTarget:
			kept.Conditions = append(kept.Conditions, condition)
		case v1.PodResizePending, v1.PodResizeInProgress:
			kept.Conditions = append(kept.Conditions, condition)
			resizing = true
		}
	}
	if resizing {
		for _, container := range status.ContainerStatuses {
			kept.ContainerStatuses = append(kept.ContainerStatuses, v1.ContainerStatus{
				Name: container.Name, Resources: container.Resources, AllocatedResources: container.AllocatedResources,
			})
		}
		kept.Resize, kept.Resources, kept.AllocatedResources = status.Resize, status.Resources, status.AllocatedResources
	}
	return kept
}
