package kinds

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// computeResources are the resources without a domain that a container may ask for.
var computeResources = sets.New(corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage)

// quotaResources are known names that mean something to quotas only.
var quotaResources = sets.New(corev1.ResourcePods, corev1.ResourceServices, corev1.ResourceReplicationControllers,
	corev1.ResourceQuotas, corev1.ResourceSecrets, corev1.ResourceConfigMaps, corev1.ResourcePersistentVolumeClaims,
	corev1.ResourceStorage, corev1.ResourceRequestsStorage, corev1.ResourceServicesNodePorts, corev1.ResourceServicesLoadBalancers,
	corev1.ResourceRequestsCPU, corev1.ResourceRequestsMemory, corev1.ResourceRequestsEphemeralStorage,
	corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory, corev1.ResourceLimitsEphemeralStorage)

// resource checks one quantity of a container's resources.
func (f *errs) resource(name corev1.ResourceName, quantity resource.Quantity, path *field.Path) {
	f.resourceName(name, path)
	if quantity.Sign() < 0 {
		f.invalid(path, quantity.String(), apivalidation.IsNegativeErrorMsg)
	}
	if isExtended(name) && quantity.MilliValue()%1000 != 0 {
		f.invalid(path, quantity.String(), "must be an integer")
	}
}

func (f *errs) resourceName(name corev1.ResourceName, path *field.Path) {
	if wrong := validation.IsQualifiedName(string(name)); len(wrong) > 0 {
		f.texts(path, name, wrong)
		if !strings.Contains(string(name), "/") {
			f.invalid(path, name, "must be a standard resource for containers")
		}
		return
	}
	switch {
	case computeResources.Has(name), isHugePages(name), strings.Contains(string(name), "kubernetes.io/"):
	case strings.Contains(string(name), "/"):
		if !isExtended(name) {
			f.invalid(path, name, "doesn't follow extended resource name standard")
		}
	default:
		if !quotaResources.Has(name) {
			f.invalid(path, name, "must be a standard resource type or fully qualified")
		}
		f.invalid(path, name, "must be a standard resource for containers")
	}
}

func isHugePages(name corev1.ResourceName) bool {
	return strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix)
}

// isExtended says whether the name is one of a domain outside Kubernetes'.
func isExtended(name corev1.ResourceName) bool {
	return strings.Contains(string(name), "/") && !strings.Contains(string(name), "kubernetes.io/") &&
		!strings.HasPrefix(string(name), "requests.")
}

// overcommitable says whether limits may exceed requests.
func overcommitable(name corev1.ResourceName) bool { return !isExtended(name) && !isHugePages(name) }
