package kinds

import (
	"fmt"
	"hash/fnv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func service(k *Kind) {
	k.ValidateName = validation.NameIsDNS1035Label
	k.Default = on(defaultService)
	k.PrepareForCreate = afterCreate(k.PrepareForCreate, allocate)
	k.PrepareForUpdate = after(k.PrepareForUpdate, onBoth(keepAllocated))
	k.Validate = check(validateService)
	k.ValidateUpdate = checkBoth(validateServiceUpdate)
	k.Columns, k.Row = serviceColumns, cells(serviceRow)
	selectable(k, func(s *corev1.Service) fields.Set {
		return fields.Set{"spec.clusterIP": s.Spec.ClusterIP, "spec.type": string(s.Spec.Type)}
	}, &corev1.Service{})
}

func defaultService(s *corev1.Service) {
	spec := &s.Spec
	orValue(&spec.SessionAffinity, corev1.ServiceAffinityNone)
	switch spec.SessionAffinity {
	case corev1.ServiceAffinityNone:
		spec.SessionAffinityConfig = nil
	case corev1.ServiceAffinityClientIP:
		orDefault(&spec.SessionAffinityConfig, corev1.SessionAffinityConfig{})
		orDefault(&spec.SessionAffinityConfig.ClientIP, corev1.ClientIPConfig{})
		orDefault(&spec.SessionAffinityConfig.ClientIP.TimeoutSeconds, corev1.DefaultClientIPServiceAffinitySeconds)
	}
	orValue(&spec.Type, corev1.ServiceTypeClusterIP)
	for i := range spec.Ports {
		port := &spec.Ports[i]
		orValue(&port.Protocol, corev1.ProtocolTCP)
		if port.TargetPort == intstr.FromInt32(0) || port.TargetPort == intstr.FromString("") {
			port.TargetPort = intstr.FromInt32(port.Port)
		}
	}
	if spec.Type == corev1.ServiceTypeNodePort || spec.Type == corev1.ServiceTypeLoadBalancer || len(spec.ExternalIPs) > 0 {
		orValue(&spec.ExternalTrafficPolicy, corev1.ServiceExternalTrafficPolicyCluster)
	}
	if spec.Type != corev1.ServiceTypeExternalName {
		orDefault(&spec.InternalTrafficPolicy, corev1.ServiceInternalTrafficPolicyCluster)
	}
	if spec.Type == corev1.ServiceTypeLoadBalancer {
		orDefault(&spec.AllocateLoadBalancerNodePorts, true)
	}
}

// allocate gives a new Service its addresses. They are derived from its UID and
// not recorded anywhere: nothing in the chain connects to them.
func allocate(s *corev1.Service) {
	spec := &s.Spec
	if spec.Type == corev1.ServiceTypeExternalName {
		return
	}
	hash := fnv.New32a()
	hash.Write([]byte(s.UID))
	number := hash.Sum32()
	if spec.ClusterIP == "" {
		spec.ClusterIP = fmt.Sprintf("10.%d.%d.%d", 96+number>>16&15, number>>8&255, 1+number%254)
	}
	if len(spec.ClusterIPs) == 0 {
		spec.ClusterIPs = []string{spec.ClusterIP}
	}
	families := []corev1.IPFamily{corev1.IPv4Protocol}
	policy := corev1.IPFamilyPolicySingleStack
	if spec.ClusterIP == corev1.ClusterIPNone && len(spec.Selector) == 0 {
		// Whoever writes the endpoints of it may use both families.
		families, policy = append(families, corev1.IPv6Protocol), corev1.IPFamilyPolicyRequireDualStack
	}
	orDefault(&spec.IPFamilyPolicy, policy)
	if len(spec.IPFamilies) == 0 {
		spec.IPFamilies = families
	}
	if spec.Type == corev1.ServiceTypeNodePort || spec.Type == corev1.ServiceTypeLoadBalancer {
		for i := range spec.Ports {
			orValue(&spec.Ports[i].NodePort, 30000+int32((number+uint32(i))%2768))
		}
	}
}

// keepAllocated lets an update leave out what was allocated.
func keepAllocated(s, old *corev1.Service) {
	if s.Spec.Type == corev1.ServiceTypeExternalName {
		return
	}
	orValue(&s.Spec.ClusterIP, old.Spec.ClusterIP)
	if len(s.Spec.ClusterIPs) == 0 {
		s.Spec.ClusterIPs = old.Spec.ClusterIPs
	}
	if len(s.Spec.IPFamilies) == 0 {
		s.Spec.IPFamilies = old.Spec.IPFamilies
	}
	if s.Spec.IPFamilyPolicy == nil {
		s.Spec.IPFamilyPolicy = old.Spec.IPFamilyPolicy
	}
}
