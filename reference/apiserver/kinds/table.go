package kinds

import (
	"slices"
	"strings"
	"sync"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	storagemigrationv1 "k8s.io/api/storagemigration/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// scope says whether a kind's objects live in namespaces.
type scope bool

const (
	namespaced scope = true
	cluster    scope = false
)

// facts are what a kind says about itself by yes or no.
type facts int

const (
	// status: has a status subresource.
	status facts = 1 << iota
	// generation: metadata.generation counts the changes of the desired state.
	generation
	// versioned: an update must name the version it is based on (API-UPDATE-02).
	versioned
	// upsert: PUT of a missing object creates it (API-UPDATE-04).
	upsert
	// returned: DELETE answers with the object (API-DELETE-01).
	returned
)

// row is one kind's place in the API.
type row struct {
	schema.GroupVersion
	resource, kind string
	scope
	shortNames, categories string
	facts
}

// table is every kind that is stored, in the order of discovery.
var table = []row{
	{corev1.SchemeGroupVersion, "configmaps", "ConfigMap", namespaced, "cm", "", 0},
	{corev1.SchemeGroupVersion, "endpoints", "Endpoints", namespaced, "ep", "", upsert},
	{corev1.SchemeGroupVersion, "events", "Event", namespaced, "ev", "", upsert},
	{corev1.SchemeGroupVersion, "limitranges", "LimitRange", namespaced, "limits", "", upsert},
	{corev1.SchemeGroupVersion, "namespaces", "Namespace", cluster, "ns", "", status | returned},
	{corev1.SchemeGroupVersion, "nodes", "Node", cluster, "no", "", status},
	{corev1.SchemeGroupVersion, "persistentvolumeclaims", "PersistentVolumeClaim", namespaced, "pvc", "", status | returned},
	{corev1.SchemeGroupVersion, "persistentvolumes", "PersistentVolume", cluster, "pv", "", status | returned},
	{corev1.SchemeGroupVersion, "pods", "Pod", namespaced, "po", "all", status | generation | returned},
	{corev1.SchemeGroupVersion, "podtemplates", "PodTemplate", namespaced, "", "", generation | returned},
	{corev1.SchemeGroupVersion, "replicationcontrollers", "ReplicationController", namespaced, "rc", "all", status | generation},
	{corev1.SchemeGroupVersion, "resourcequotas", "ResourceQuota", namespaced, "quota", "", status | returned},
	{corev1.SchemeGroupVersion, "secrets", "Secret", namespaced, "", "", 0},
	{corev1.SchemeGroupVersion, "serviceaccounts", "ServiceAccount", namespaced, "sa", "", returned},
	{corev1.SchemeGroupVersion, "services", "Service", namespaced, "svc", "all", status | upsert | returned},
	{appsv1.SchemeGroupVersion, "controllerrevisions", "ControllerRevision", namespaced, "", "", 0},
	{appsv1.SchemeGroupVersion, "daemonsets", "DaemonSet", namespaced, "ds", "all", status | generation},
	{appsv1.SchemeGroupVersion, "deployments", "Deployment", namespaced, "deploy", "all", status | generation},
	{appsv1.SchemeGroupVersion, "replicasets", "ReplicaSet", namespaced, "rs", "all", status | generation},
	{appsv1.SchemeGroupVersion, "statefulsets", "StatefulSet", namespaced, "sts", "all", status | generation},
	{eventsv1.SchemeGroupVersion, "events", "Event", namespaced, "ev", "", upsert},
	{autoscalingv2.SchemeGroupVersion, "horizontalpodautoscalers", "HorizontalPodAutoscaler", namespaced, "hpa", "all", status | generation},
	{autoscalingv1.SchemeGroupVersion, "horizontalpodautoscalers", "HorizontalPodAutoscaler", namespaced, "hpa", "all", status | generation},
	{batchv1.SchemeGroupVersion, "cronjobs", "CronJob", namespaced, "cj", "all", status | generation},
	{batchv1.SchemeGroupVersion, "jobs", "Job", namespaced, "", "all", status | generation},
	{certificatesv1.SchemeGroupVersion, "certificatesigningrequests", "CertificateSigningRequest", cluster, "csr", "", status},
	{certificatesv1.SchemeGroupVersion, "clustertrustbundles", "ClusterTrustBundle", cluster, "", "", versioned},
	{certificatesv1.SchemeGroupVersion, "podcertificaterequests", "PodCertificateRequest", namespaced, "", "", status | versioned},
	{networkingv1.SchemeGroupVersion, "ingressclasses", "IngressClass", cluster, "", "", generation},
	{networkingv1.SchemeGroupVersion, "ingresses", "Ingress", namespaced, "ing", "", status | generation},
	{networkingv1.SchemeGroupVersion, "ipaddresses", "IPAddress", cluster, "ip", "", 0},
	{networkingv1.SchemeGroupVersion, "networkpolicies", "NetworkPolicy", namespaced, "netpol", "", generation},
	{networkingv1.SchemeGroupVersion, "servicecidrs", "ServiceCIDR", cluster, "", "", status},
	{policyv1.SchemeGroupVersion, "poddisruptionbudgets", "PodDisruptionBudget", namespaced, "pdb", "", status | generation | versioned},
	{rbacv1.SchemeGroupVersion, "clusterrolebindings", "ClusterRoleBinding", cluster, "", "", upsert},
	{rbacv1.SchemeGroupVersion, "clusterroles", "ClusterRole", cluster, "", "", upsert},
	{rbacv1.SchemeGroupVersion, "rolebindings", "RoleBinding", namespaced, "", "", upsert},
	{rbacv1.SchemeGroupVersion, "roles", "Role", namespaced, "", "", upsert},
	{storagev1.SchemeGroupVersion, "csidrivers", "CSIDriver", cluster, "", "", generation | versioned | returned},
	{storagev1.SchemeGroupVersion, "csinodes", "CSINode", cluster, "", "", status | versioned | returned},
	{storagev1.SchemeGroupVersion, "csistoragecapacities", "CSIStorageCapacity", namespaced, "", "", versioned},
	{storagev1.SchemeGroupVersion, "storageclasses", "StorageClass", cluster, "sc", "", returned},
	{storagev1.SchemeGroupVersion, "volumeattachments", "VolumeAttachment", cluster, "", "", status | versioned | returned},
	{storagev1.SchemeGroupVersion, "volumeattributesclasses", "VolumeAttributesClass", cluster, "vac", "", returned},
	{admissionregistrationv1.SchemeGroupVersion, "mutatingadmissionpolicies", "MutatingAdmissionPolicy", cluster, "", "api-extensions", generation | versioned},
	{admissionregistrationv1.SchemeGroupVersion, "mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", cluster, "", "api-extensions", generation | versioned},
	{admissionregistrationv1.SchemeGroupVersion, "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", cluster, "", "api-extensions", generation | versioned},
	{admissionregistrationv1.SchemeGroupVersion, "validatingadmissionpolicies", "ValidatingAdmissionPolicy", cluster, "", "api-extensions", status | generation | versioned},
	{admissionregistrationv1.SchemeGroupVersion, "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", cluster, "", "api-extensions", generation | versioned},
	{admissionregistrationv1.SchemeGroupVersion, "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", cluster, "", "api-extensions", generation | versioned},
	{schedulingv1.SchemeGroupVersion, "priorityclasses", "PriorityClass", cluster, "pc", "", generation},
	{coordinationv1.SchemeGroupVersion, "leases", "Lease", namespaced, "", "", versioned | upsert},
	{nodev1.SchemeGroupVersion, "runtimeclasses", "RuntimeClass", cluster, "", "", versioned | upsert},
	{discoveryv1.SchemeGroupVersion, "endpointslices", "EndpointSlice", namespaced, "", "", generation},
	{resourcev1.SchemeGroupVersion, "deviceclasses", "DeviceClass", cluster, "", "", generation | returned},
	{resourcev1.SchemeGroupVersion, "devicetaintrules", "DeviceTaintRule", cluster, "", "", status | generation | returned},
	{resourcev1.SchemeGroupVersion, "resourceclaims", "ResourceClaim", namespaced, "", "", status | returned},
	{resourcev1.SchemeGroupVersion, "resourceclaimtemplates", "ResourceClaimTemplate", namespaced, "", "", returned},
	{resourcev1.SchemeGroupVersion, "resourceslices", "ResourceSlice", cluster, "", "", generation | returned},
	{flowcontrolv1.SchemeGroupVersion, "flowschemas", "FlowSchema", cluster, "", "", status | generation},
	{flowcontrolv1.SchemeGroupVersion, "prioritylevelconfigurations", "PriorityLevelConfiguration", cluster, "", "", status | generation},
	{storagemigrationv1.SchemeGroupVersion, "storageversionmigrations", "StorageVersionMigration", cluster, "", "", status | versioned},
}

// All returns every kind that the API server stores, in the order in which
// discovery lists them. The result is shared and must not be changed.
var All = sync.OnceValue(func() []*Kind {
	all := make([]*Kind, 0, len(table))
	for _, r := range table {
		all = append(all, r.build())
	}
	return slices.Clip(all)
})

func (r row) is(f facts) bool { return r.facts&f != 0 }

func (r row) build() *Kind {
	k := &Kind{
		GroupVersionKind:       r.WithKind(r.kind),
		Resource:               r.resource,
		Singular:               strings.ToLower(r.kind),
		Namespaced:             bool(r.scope),
		ShortNames:             list(r.shortNames),
		Categories:             list(r.categories),
		AllowCreateOnUpdate:    r.is(upsert),
		RequireVersionOnUpdate: r.is(versioned),
		DeleteReturnsObject:    r.is(returned),
		Columns:                plainColumns,
		Row:                    plainRow,
	}
	r.prepare(k)
	if extend, ok := extensions[k.GroupVersionKind]; ok {
		extend(k)
	}
	return k
}

func list(commaSeparated string) []string {
	if commaSeparated == "" {
		return nil
	}
	return strings.Split(commaSeparated, ",")
}
