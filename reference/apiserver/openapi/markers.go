package openapi

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
)

// What decides over server-side apply stands in comments of the Go types, "+listType" and
// the like, which reflection does not see. These tables have what the tags of the fields do
// not say as well, by names without "io.k8s.api." and "io.k8s.apimachinery.pkg.apis."; a
// test holds them against the schemas that client-go carries.

// atomicTypes are set as a whole: +structType=atomic.
var atomicTypes = sets.New(
	"admissionregistration.v1.MatchResources",
	"admissionregistration.v1.NamedRuleWithOperations",
	"admissionregistration.v1.ParamKind",
	"admissionregistration.v1.ParamRef",
	"admissionregistration.v1.Variable",
	"autoscaling.v1.CrossVersionObjectReference",
	"core.v1.ConfigMapKeySelector",
	"core.v1.EndpointAddress",
	"core.v1.EndpointPort",
	"core.v1.EvictionResponder",
	"core.v1.FileKeySelector",
	"core.v1.LocalObjectReference",
	"core.v1.NodeSelector",
	"core.v1.NodeSelectorTerm",
	"core.v1.ObjectFieldSelector",
	"core.v1.ObjectReference",
	"core.v1.ResourceFieldSelector",
	"core.v1.ScopeSelector",
	"core.v1.SecretKeySelector",
	"core.v1.SecretReference",
	"core.v1.TopologySelectorTerm",
	"core.v1.TypedLocalObjectReference",
	"discovery.v1.EndpointPort",
	"networking.v1.ServiceBackendPort",
	"rbac.v1.RoleRef",
	"rbac.v1.Subject",
	"meta.v1.LabelSelector",
	"meta.v1.OwnerReference",
)

var (
	listSet     = extensions{listType: "set"}
	listAtomic  = extensions{listType: "atomic"}
	mapAtomic   = extensions{mapType: "atomic"}
	mapGranular = extensions{mapType: "granular"}
)

func listMap(keys ...string) extensions {
	return extensions{listType: "map", listMapKeys: keys}
}

// mergedFields are those whose elements are set one by one, or all at once, against what
// their tags say of patches: +listType, +listMapKey, +mapType.
var mergedFields = map[string]extensions{
	"admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec.validationActions": listSet,
	"admissionregistration.v1.ValidatingAdmissionPolicyStatus.conditions":             listMap("type"),
	"batch.v1.JobStatus.conditions":                                                   listAtomic,
	"batch.v1.PodFailurePolicyOnExitCodesRequirement.values":                          listSet,
	"batch.v1.UncountedTerminatedPods.failed":                                         listSet,
	"batch.v1.UncountedTerminatedPods.succeeded":                                      listSet,
	"certificates.v1.CertificateSigningRequestStatus.conditions":                      listMap("type"),
	"core.v1.Container.ports":                                                         listMap("containerPort", "protocol"),
	"core.v1.ContainerRestartRuleOnExitCodes.values":                                  listSet,
	"core.v1.EphemeralContainer.ports":                                                listMap("containerPort", "protocol"),
	"core.v1.NodeAllocatableResourceClaimStatus.containers":                           listSet,
	"core.v1.NodePodPreemptionPolicy.disableResizePreemption":                         listSet,
	"core.v1.PersistentVolumeClaimStatus.allocatedResourceStatuses":                   mapGranular,
	"core.v1.PersistentVolumeSpec.claimRef":                                           mapGranular,
	"core.v1.PodSpec.nodeSelector":                                                    mapAtomic,
	"core.v1.PodSpec.topologySpreadConstraints":                                       listMap("topologyKey", "whenUnsatisfiable"),
	"core.v1.PodStatus.hostIPs":                                                       listAtomic,
	"core.v1.PodStatus.volumeHealth":                                                  listMap("name"),
	"core.v1.PodVolumeHealth.healthConditions":                                        listMap("status", "reason"),
	"core.v1.ReplicationControllerSpec.selector":                                      mapAtomic,
	"core.v1.ResourceRequirements.claims":                                             listMap("name"),
	"core.v1.ResourceStatus.resources":                                                listMap("resourceID"),
	"core.v1.ServiceSpec.ports":                                                       listMap("port", "protocol"),
	"core.v1.ServiceSpec.selector":                                                    mapAtomic,
	"core.v1.VolumeHealthStatus.healthConditions":                                     listMap("status", "reason"),
	"core.v1.VolumeMount.bindMountOptions":                                            listSet,
	"discovery.v1.Endpoint.addresses":                                                 listSet,
	"flowcontrol.v1.NonResourcePolicyRule.nonResourceURLs":                            listSet,
	"flowcontrol.v1.NonResourcePolicyRule.verbs":                                      listSet,
	"flowcontrol.v1.ResourcePolicyRule.apiGroups":                                     listSet,
	"flowcontrol.v1.ResourcePolicyRule.namespaces":                                    listSet,
	"flowcontrol.v1.ResourcePolicyRule.resources":                                     listSet,
	"flowcontrol.v1.ResourcePolicyRule.verbs":                                         listSet,
	"node.v1.Scheduling.nodeSelector":                                                 mapAtomic,
	"resource.v1.AllocatedDeviceStatus.conditions":                                    listMap("type"),
	"resource.v1.DeviceRequestAllocationResult.skipNodeOperations":                    listSet,
	"resource.v1.ResourceClaimStatus.devices":                                         listMap("driver", "device", "pool", "shareID"),
	"resource.v1.ResourceSliceSpec.skipNodeOperations":                                listSet,
	"storage.v1.CSIDriverSpec.volumeLifecycleModes":                                   listSet,
}

// defaults are those of +default. What they decide is the identity of an element of a list
// whose key is not there.
var defaults = map[string]any{
	"certificates.v1.PodCertificateRequestSpec.maxExpirationSeconds": 86400,
	"core.v1.AzureDiskVolumeSource.cachingMode":                      "ReadWrite",
	"core.v1.AzureDiskVolumeSource.fsType":                           "ext4",
	"core.v1.AzureDiskVolumeSource.kind":                             "Shared",
	"core.v1.AzureDiskVolumeSource.readOnly":                         false,
	"core.v1.ConfigMapEnvSource.name":                                "",
	"core.v1.ConfigMapKeySelector.name":                              "",
	"core.v1.ConfigMapProjection.name":                               "",
	"core.v1.ConfigMapVolumeSource.name":                             "",
	"core.v1.ContainerPort.protocol":                                 "TCP",
	"core.v1.FileKeySelector.optional":                               false,
	"core.v1.GRPCAction.service":                                     "",
	"core.v1.ISCSIPersistentVolumeSource.iscsiInterface":             "default",
	"core.v1.ISCSIVolumeSource.iscsiInterface":                       "default",
	"core.v1.LocalObjectReference.name":                              "",
	"core.v1.RBDPersistentVolumeSource.keyring":                      "/etc/ceph/keyring",
	"core.v1.RBDPersistentVolumeSource.pool":                         "rbd",
	"core.v1.RBDPersistentVolumeSource.user":                         "admin",
	"core.v1.RBDVolumeSource.keyring":                                "/etc/ceph/keyring",
	"core.v1.RBDVolumeSource.pool":                                   "rbd",
	"core.v1.RBDVolumeSource.user":                                   "admin",
	"core.v1.ReplicationControllerSpec.minReadySeconds":              0,
	"core.v1.ReplicationControllerSpec.replicas":                     1,
	"core.v1.ScaleIOPersistentVolumeSource.fsType":                   "xfs",
	"core.v1.ScaleIOPersistentVolumeSource.storageMode":              "ThinProvisioned",
	"core.v1.ScaleIOVolumeSource.fsType":                             "xfs",
	"core.v1.ScaleIOVolumeSource.storageMode":                        "ThinProvisioned",
	"core.v1.SecretEnvSource.name":                                   "",
	"core.v1.SecretKeySelector.name":                                 "",
	"core.v1.SecretProjection.name":                                  "",
	"core.v1.ServicePort.protocol":                                   "TCP",
	"resource.v1.DeviceToleration.operator":                          "Equal",
}

type extensions = map[string]any

const (
	listType    = "x-kubernetes-list-type"
	listMapKeys = "x-kubernetes-list-map-keys"
	mapType     = "x-kubernetes-map-type"
)

// marked is the key of a type in the tables, without a field.
func marked(model string) string {
	for _, prefix := range []string{"io.k8s.apimachinery.pkg.apis.", "io.k8s.api."} {
		if rest, ok := strings.CutPrefix(model, prefix); ok {
			return rest
		}
	}
	return model
}
