package kinds

import (
	"fmt"
	"hash/fnv"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"
)

func service(k *Kind) {
	k.ValidateName = validation.NameIsDNSLabel
	k.Default = on(defaultService)
	k.PrepareForCreate = afterCreate(k.PrepareForCreate, allocate)
	k.PrepareForUpdate = after(k.PrepareForUpdate, onBoth(reallocate))
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

// allocate gives a Service the addresses that it lacks. They are derived from its UID and
// not recorded anywhere: nothing in the chain connects to them.
func allocate(s *corev1.Service) {
	spec := &s.Spec
	if !needsClusterIP(s) {
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
		// Its endpoints are written by other clients, which may use both families.
		families, policy = append(families, corev1.IPv6Protocol), corev1.IPFamilyPolicyRequireDualStack
	}
	orDefault(&spec.IPFamilyPolicy, policy)
	if len(spec.IPFamilies) == 0 {
		spec.IPFamilies = families
	}
	if needsNodePorts(s) {
		taken := nodePorts(spec.Ports)
		for i := range spec.Ports {
			port := &spec.Ports[i].NodePort
			for ; *port == 0; number++ {
				if free := 30000 + int32(number%2768); !taken.Has(free) {
					*port = free
					taken.Insert(free)
				}
			}
		}
	}
}

// reallocate lets an update leave out what was allocated, takes back what the new type
// has no use for, unless the client has changed it, and allocates what it needs.
func reallocate(s, old *corev1.Service) {
	had, has := needsClusterIP(old), needsClusterIP(s)
	spec, was := &s.Spec, &old.Spec
	switch {
	case had && has:
		orValue(&spec.ClusterIP, was.ClusterIP)
		if len(spec.ClusterIPs) == 0 {
			spec.ClusterIPs = was.ClusterIPs
		}
		if len(spec.IPFamilies) == 0 {
			spec.IPFamilies = was.IPFamilies
		}
		if spec.IPFamilyPolicy == nil {
			spec.IPFamilyPolicy = was.IPFamilyPolicy
		}
	case had:
		if spec.ClusterIP == was.ClusterIP && slices.Equal(spec.ClusterIPs, was.ClusterIPs) {
			spec.ClusterIP, spec.ClusterIPs = "", nil
		}
		if slices.Equal(spec.IPFamilies, was.IPFamilies) {
			spec.IPFamilies = nil
		}
		if ptr.Equal(spec.IPFamilyPolicy, was.IPFamilyPolicy) {
			spec.IPFamilyPolicy = nil
		}
	}
	switch hadPorts, hasPorts := needsNodePorts(old), needsNodePorts(s); {
	case hadPorts && hasPorts:
		keepNodePorts(spec.Ports, was.Ports)
	case hadPorts && nodePorts(was.Ports).IsSuperset(nodePorts(spec.Ports)):
		for i := range spec.Ports {
			spec.Ports[i].NodePort = 0
		}
	}
	if was.Type == corev1.ServiceTypeLoadBalancer && spec.Type != corev1.ServiceTypeLoadBalancer {
		if ptr.Equal(spec.AllocateLoadBalancerNodePorts, was.AllocateLoadBalancerNodePorts) {
			spec.AllocateLoadBalancerNodePorts = nil
		}
		if ptr.Equal(spec.LoadBalancerClass, was.LoadBalancerClass) {
			spec.LoadBalancerClass = nil
		}
		s.Status.LoadBalancer = corev1.LoadBalancerStatus{}
	}
	if reachable(old) && !reachable(s) && spec.ExternalTrafficPolicy == was.ExternalTrafficPolicy {
		spec.ExternalTrafficPolicy = ""
	}
	allocate(s)
}

// keepNodePorts gives ports the numbers that they have had by their names, unless
// another port has taken the number.
func keepNodePorts(ports, old []corev1.ServicePort) {
	taken := nodePorts(old).Intersection(nodePorts(ports))
	had := map[string]int32{}
	for i := range old {
		had[old[i].Name] = old[i].NodePort
	}
	for i := range ports {
		if number := had[ports[i].Name]; !taken.Has(number) {
			orValue(&ports[i].NodePort, number)
		}
	}
}

func nodePorts(ports []corev1.ServicePort) sets.Set[int32] {
	numbers := sets.New[int32]()
	for i := range ports {
		if number := ports[i].NodePort; number != 0 {
			numbers.Insert(number)
		}
	}
	return numbers
}

func needsClusterIP(s *corev1.Service) bool { return s.Spec.Type != corev1.ServiceTypeExternalName }

// needsNodePorts leaves out a load balancer that goes to the Pods by itself.
func needsNodePorts(s *corev1.Service) bool {
	return s.Spec.Type == corev1.ServiceTypeNodePort ||
		s.Spec.Type == corev1.ServiceTypeLoadBalancer && ptr.Deref(s.Spec.AllocateLoadBalancerNodePorts, true)
}

// reachable says whether there is a way to the Service from outside of the cluster.
func reachable(s *corev1.Service) bool {
	return s.Spec.Type == corev1.ServiceTypeNodePort || s.Spec.Type == corev1.ServiceTypeLoadBalancer ||
		s.Spec.Type == corev1.ServiceTypeClusterIP && len(s.Spec.ExternalIPs) > 0
}
