package kinds

import (
	"fmt"
	"slices"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

var nodeColumns = columns("Name", "Status", "Roles", "Age", "Version",
	"+Internal-IP", "+External-IP", "+OS-Image", "+Kernel-Version", "+Container-Runtime")

func nodeRow(n *corev1.Node, now time.Time) []any {
	info := n.Status.NodeInfo
	kernel := or(info.KernelVersion, unknown)
	if info.Architecture != "" {
		kernel += " (" + info.Architecture + ")"
	}
	return []any{n.Name, nodeStatus(n), nodeRoles(n), age(n.CreationTimestamp, now), info.KubeletVersion,
		nodeAddress(n, corev1.NodeInternalIP), nodeAddress(n, corev1.NodeExternalIP), or(info.OSImage, unknown),
		kernel, or(info.ContainerRuntimeVersion, unknown)}
}

func nodeStatus(n *corev1.Node) string {
	status := "Unknown"
	for _, c := range n.Status.Conditions {
		if c.Type != corev1.NodeReady {
			continue
		}
		if status = "NotReady"; c.Status == corev1.ConditionTrue {
			status = "Ready"
		}
	}
	if n.Spec.Unschedulable {
		status += ",SchedulingDisabled"
	}
	return status
}

func nodeRoles(n *corev1.Node) string {
	var roles []string
	for label, value := range n.Labels {
		if role, ok := strings.CutPrefix(label, "node-role.kubernetes.io/"); ok && role != "" {
			roles = append(roles, role)
		}
		if label == "kubernetes.io/role" && value != "" {
			roles = append(roles, value)
		}
	}
	slices.Sort(roles)
	return or(strings.Join(slices.Compact(roles), ","), none)
}

func nodeAddress(n *corev1.Node, kind corev1.NodeAddressType) string {
	for _, address := range n.Status.Addresses {
		if address.Type == kind {
			return address.Address
		}
	}
	return none
}

var namespaceColumns = columns("Name", "Status", "Age")

func namespaceRow(ns *corev1.Namespace, now time.Time) []any {
	return []any{ns.Name, string(ns.Status.Phase), age(ns.CreationTimestamp, now)}
}

var serviceColumns = columns("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector")

func serviceRow(s *corev1.Service, now time.Time) []any {
	clusterIP := none
	if len(s.Spec.ClusterIPs) > 0 {
		clusterIP = s.Spec.ClusterIPs[0]
	}
	return []any{s.Name, string(s.Spec.Type), clusterIP, externalIP(s), or(servicePorts(s.Spec.Ports), none),
		age(s.CreationTimestamp, now), formatLabels(s.Spec.Selector)}
}

func externalIP(s *corev1.Service) string {
	ips := slices.Clone(s.Spec.ExternalIPs)
	switch s.Spec.Type {
	case corev1.ServiceTypeExternalName:
		return s.Spec.ExternalName
	case corev1.ServiceTypeLoadBalancer:
		for _, ingress := range s.Status.LoadBalancer.Ingress {
			ips = append(ips, or(ingress.IP, ingress.Hostname))
		}
		return or(strings.Join(ips, ","), "<pending>")
	default:
		return or(strings.Join(ips, ","), none)
	}
}

func servicePorts(ports []corev1.ServicePort) string {
	all := make([]string, 0, len(ports))
	for _, p := range ports {
		number := fmt.Sprint(p.Port)
		if p.NodePort > 0 {
			number += fmt.Sprintf(":%d", p.NodePort)
		}
		all = append(all, number+"/"+string(p.Protocol))
	}
	return strings.Join(all, ",")
}

var eventColumns = columns("Last Seen", "Type", "Reason", "Object", "+Subobject", "+Source", "Message", "+First Seen", "+Count", "+Name")

func eventRow(e *corev1.Event, now time.Time) []any {
	first := age(e.FirstTimestamp, now)
	if e.FirstTimestamp.IsZero() {
		first = age(metav1.Time(e.EventTime), now)
	}
	last, count := first, max(e.Count, 1)
	if !e.LastTimestamp.IsZero() {
		last = age(e.LastTimestamp, now)
	}
	if e.Series != nil {
		last, count = age(metav1.Time(e.Series.LastObservedTime), now), e.Series.Count
	}
	object := strings.ToLower(e.InvolvedObject.Kind)
	if e.InvolvedObject.Name != "" {
		object += "/" + e.InvolvedObject.Name
	}
	source := or(e.Source.Component, e.ReportingController)
	if instance := or(e.Source.Host, e.ReportingInstance); instance != "" {
		source += ", " + instance
	}
	return []any{last, e.Type, e.Reason, object, e.InvolvedObject.FieldPath, source, strings.TrimSpace(e.Message), first, int64(count), e.Name}
}

var configMapColumns = columns("Name", "Data", "Age")

func configMapRow(c *corev1.ConfigMap, now time.Time) []any {
	return []any{c.Name, int64(len(c.Data) + len(c.BinaryData)), age(c.CreationTimestamp, now)}
}

var secretColumns = columns("Name", "Type", "Data", "Age")

func secretRow(s *corev1.Secret, now time.Time) []any {
	return []any{s.Name, string(s.Type), int64(len(s.Data)), age(s.CreationTimestamp, now)}
}

var leaseColumns = columns("Name", "Holder", "Age")

func leaseRow(l *coordinationv1.Lease, now time.Time) []any {
	return []any{l.Name, deref(l.Spec.HolderIdentity), age(l.CreationTimestamp, now)}
}

var priorityClassColumns = columns("Name", "Value:integer", "Global-Default:boolean", "Age", "PreemptionPolicy")

func priorityClassRow(c *schedulingv1.PriorityClass, now time.Time) []any {
	return []any{c.Name, int64(c.Value), c.GlobalDefault, age(c.CreationTimestamp, now), string(deref(c.PreemptionPolicy))}
}

var disruptionBudgetColumns = columns("Name", "Min Available", "Max Unavailable", "Allowed Disruptions:integer", "Age")

func disruptionBudgetRow(b *policyv1.PodDisruptionBudget, now time.Time) []any {
	bound := func(value *intstr.IntOrString) string {
		if value == nil {
			return "N/A"
		}
		return value.String()
	}
	return []any{b.Name, bound(b.Spec.MinAvailable), bound(b.Spec.MaxUnavailable), int64(b.Status.DisruptionsAllowed), age(b.CreationTimestamp, now)}
}

var autoscalerColumns = columns("Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age")

func autoscalerRow(a *autoscalingv2.HorizontalPodAutoscaler, now time.Time) []any {
	targets := make([]string, 0, len(a.Spec.Metrics))
	for _, m := range a.Spec.Metrics {
		if m.Resource == nil {
			targets = append(targets, string(m.Type))
			continue
		}
		average := deref(m.Resource.Target.AverageValue)
		target := average.String()
		if m.Resource.Target.AverageUtilization != nil {
			target = fmt.Sprintf("%d%%", *m.Resource.Target.AverageUtilization)
		}
		targets = append(targets, fmt.Sprintf("%s: %s/%s", m.Resource.Name, unknown, target))
	}
	least := unset
	if a.Spec.MinReplicas != nil {
		least = fmt.Sprint(*a.Spec.MinReplicas)
	}
	return []any{a.Name, a.Spec.ScaleTargetRef.Kind + "/" + a.Spec.ScaleTargetRef.Name, or(strings.Join(targets, ", "), none),
		least, int64(a.Spec.MaxReplicas), int64(a.Status.CurrentReplicas), age(a.CreationTimestamp, now)}
}

var volumeColumns = columns("Name", "Capacity", "Access Modes", "Reclaim Policy", "Status", "Claim", "StorageClass",
	"VolumeAttributesClass", "Reason", "Age", "+VolumeMode")

func volumeRow(v *corev1.PersistentVolume, now time.Time) []any {
	claim := ""
	if ref := v.Spec.ClaimRef; ref != nil {
		claim = ref.Namespace + "/" + ref.Name
	}
	return []any{v.Name, quantity(v.Spec.Capacity), shortModes(v.Spec.AccessModes), string(v.Spec.PersistentVolumeReclaimPolicy),
		phase(v, string(v.Status.Phase)), claim, v.Spec.StorageClassName, or(deref(v.Spec.VolumeAttributesClassName), unset),
		v.Status.Reason, age(v.CreationTimestamp, now), or(string(deref(v.Spec.VolumeMode)), unset)}
}

var claimColumns = columns("Name", "Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age", "+VolumeMode")

func claimRow(c *corev1.PersistentVolumeClaim, now time.Time) []any {
	capacity, modes := "", ""
	if c.Spec.VolumeName != "" {
		capacity, modes = quantity(c.Status.Capacity), shortModes(c.Status.AccessModes)
	}
	return []any{c.Name, phase(c, string(c.Status.Phase)), c.Spec.VolumeName, capacity, modes, deref(c.Spec.StorageClassName),
		or(deref(c.Spec.VolumeAttributesClassName), unset), age(c.CreationTimestamp, now), or(string(deref(c.Spec.VolumeMode)), unset)}
}

func phase(obj metav1.Object, phase string) string {
	if obj.GetDeletionTimestamp() != nil {
		return "Terminating"
	}
	return phase
}

func quantity(list corev1.ResourceList) string {
	storage := list[corev1.ResourceStorage]
	return storage.String()
}

// shortModes is the usual abbreviation of access modes: RWO,ROX,RWX,RWOP.
func shortModes(modes []corev1.PersistentVolumeAccessMode) string {
	var all []string
	for _, m := range []struct {
		mode  corev1.PersistentVolumeAccessMode
		short string
	}{{corev1.ReadWriteOnce, "RWO"}, {corev1.ReadOnlyMany, "ROX"}, {corev1.ReadWriteMany, "RWX"}, {corev1.ReadWriteOncePod, "RWOP"}} {
		if slices.Contains(modes, m.mode) {
			all = append(all, m.short)
		}
	}
	return strings.Join(all, ",")
}
