package kinds

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// extensions are the kinds that add something of their own to the common
// strategy. A kind that is not here is stored as it is sent.
var extensions = map[schema.GroupVersionKind]func(*Kind){
	corev1.SchemeGroupVersion.WithKind("ConfigMap"):                      configMap,
	corev1.SchemeGroupVersion.WithKind("Endpoints"):                      endpoints,
	corev1.SchemeGroupVersion.WithKind("Event"):                          event,
	corev1.SchemeGroupVersion.WithKind("Namespace"):                      namespace,
	corev1.SchemeGroupVersion.WithKind("Node"):                           node,
	corev1.SchemeGroupVersion.WithKind("PersistentVolume"):               persistentVolume,
	corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"):          persistentVolumeClaim,
	corev1.SchemeGroupVersion.WithKind("Pod"):                            pod,
	corev1.SchemeGroupVersion.WithKind("PodTemplate"):                    podTemplate,
	corev1.SchemeGroupVersion.WithKind("ReplicationController"):          replicationController,
	corev1.SchemeGroupVersion.WithKind("Secret"):                         secret,
	corev1.SchemeGroupVersion.WithKind("Service"):                        service,
	appsv1.SchemeGroupVersion.WithKind("ControllerRevision"):             controllerRevision,
	appsv1.SchemeGroupVersion.WithKind("DaemonSet"):                      daemonSet,
	appsv1.SchemeGroupVersion.WithKind("Deployment"):                     deployment,
	appsv1.SchemeGroupVersion.WithKind("ReplicaSet"):                     replicaSet,
	appsv1.SchemeGroupVersion.WithKind("StatefulSet"):                    statefulSet,
	autoscalingv1.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"): oldHorizontalPodAutoscaler,
	autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"): horizontalPodAutoscaler,
	batchv1.SchemeGroupVersion.WithKind("CronJob"):                       cronJob,
	batchv1.SchemeGroupVersion.WithKind("Job"):                           job,
	coordinationv1.SchemeGroupVersion.WithKind("Lease"):                  lease,
	discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice"):             endpointSlice,
	eventsv1.SchemeGroupVersion.WithKind("Event"):                        newEvent,
	policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"):          podDisruptionBudget,
	rbacv1.SchemeGroupVersion.WithKind("ClusterRole"):                    role,
	rbacv1.SchemeGroupVersion.WithKind("ClusterRoleBinding"):             clusterRoleBinding,
	rbacv1.SchemeGroupVersion.WithKind("Role"):                           role,
	rbacv1.SchemeGroupVersion.WithKind("RoleBinding"):                    roleBinding,
	schedulingv1.SchemeGroupVersion.WithKind("PriorityClass"):            priorityClass,
	storagev1.SchemeGroupVersion.WithKind("StorageClass"):                storageClass,

	// These have nothing of their own but fields to select by.
	certificatesv1.SchemeGroupVersion.WithKind("CertificateSigningRequest"): certificateSigningRequest,
	certificatesv1.SchemeGroupVersion.WithKind("ClusterTrustBundle"):        clusterTrustBundle,
	certificatesv1.SchemeGroupVersion.WithKind("PodCertificateRequest"):     podCertificateRequest,
	resourcev1.SchemeGroupVersion.WithKind("ResourceSlice"):                 resourceSlice,
}
