package chain

import "k8s.io/apimachinery/pkg/runtime/schema"

// Kinds are the kinds that features name. A kind comes before those that it makes.
var Kinds = []Kind{
	{Name: "Namespace", GroupVersionResource: core("namespaces"), ClusterScoped: true, Watched: true,
		Link: NamespaceController, Makes: []string{"ServiceAccount", "ConfigMap"}, Ready: Readiness{Phase: "Active"}},
	{Name: "Deployment", GroupVersionResource: apps("deployments"), Watched: true,
		Link: DeploymentController, Makes: []string{"ReplicaSet"},
		Ready: asked("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")},
	{Name: "ReplicaSet", GroupVersionResource: apps("replicasets"), Watched: true,
		Link: ReplicaSetController, Makes: []string{pod},
		Ready: asked("replicas", "readyReplicas", "availableReplicas")},
	{Name: "StatefulSet", GroupVersionResource: apps("statefulsets"), Watched: true,
		Link: StatefulSetController, Makes: []string{"ControllerRevision", pod},
		Ready: asked("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")},
	{Name: "DaemonSet", GroupVersionResource: apps("daemonsets"), Watched: true, EachNode: true,
		Link: DaemonSetController, Makes: []string{"ControllerRevision", pod},
		Ready: Readiness{Wanted: []string{"status", "desiredNumberScheduled"},
			Counters: []string{"currentNumberScheduled", "updatedNumberScheduled", "numberReady", "numberAvailable"}}},
	{Name: "Job", GroupVersionResource: schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"},
		Link: JobController, Makes: []string{pod}, Ready: Readiness{Condition: "Complete"}},
	{Name: pod, GroupVersionResource: core("pods"), Watched: true, Ready: Readiness{Condition: "Ready"}},
	{Name: "ControllerRevision", GroupVersionResource: apps("controllerrevisions"), Watched: true},
	{Name: "ConfigMap", GroupVersionResource: core("configmaps"), Watched: true},
	{Name: "Secret", GroupVersionResource: core("secrets")},
	{Name: "Service", GroupVersionResource: core("services")},
	{Name: "ServiceAccount", GroupVersionResource: core("serviceaccounts"), Watched: true},
	{Name: "Event", GroupVersionResource: core("events"), Watched: true, Background: true},
	{Name: "Node", GroupVersionResource: core("nodes"), ClusterScoped: true, Watched: true, Background: true,
		Link: Kubelet, Makes: []string{"Lease"}, Ready: Readiness{Condition: "Ready"}},
	{Name: "Lease", Watched: true, Background: true,
		GroupVersionResource: schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}},
}

const pod = "Pod"

// asked is the readiness of a kind whose spec asks for a number of Pods.
func asked(counters ...string) Readiness {
	return Readiness{Wanted: []string{"spec", "replicas"}, Counters: counters}
}

func core(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: resource}
}

func apps(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: resource}
}
