package served

import "github.com/podchain/podchain/conformance/chain"

// row says what the links do with the objects of a kind.
type row struct {
	asks asks
	// links act on the objects: some or all of them may be missing in a cluster.
	links []chain.Link
	// does says what the links do, or what the objects are for that ask for nothing.
	does string
	// missing says what is not done where none of the links is there.
	missing string
	// so is what the Warning says in place of "it is stored": what to expect.
	so string
}

// asks is what a kind asks for action.
type asks int

const (
	// nothing: the objects are data for their readers.
	nothing asks = iota
	// links of the chain, or of some other controller or driver of Kubernetes.
	links
	// server: the API server itself is to act, when other objects are written or
	// requests come in.
	server
)

// data is a kind that asks for nothing. The links write or read it.
func data(does string, by ...chain.Link) row {
	return row{asks: nothing, links: by, does: does}
}

// acted is a kind that the links act on.
func acted(does string, by ...chain.Link) row {
	return row{asks: links, links: by, does: does}
}

// ignored is a kind whose objects ask for what no link does.
func ignored(missing string) row { return row{asks: links, missing: missing} }

// unenforced is a kind whose objects ask for what this API server does not do.
func unenforced(missing string) row { return row{asks: server, missing: missing} }

func (r row) expect(so string) row {
	r.so = so
	return r
}

// rows are the kinds by group.
var rows = map[string]map[string]row{
	"": {
		"ConfigMap":             data("reads it for its containers", chain.Kubelet),
		"Endpoints":             data("clients write and read it"),
		"Event":                 data("the links write it"),
		"LimitRange":            unenforced("no default is filled in, no limit enforced"),
		"Namespace":             acted("gives it its ServiceAccount and root certificate; deletes what is in it", chain.NamespaceController),
		"Node":                  acted("the kubelet registers it and says how it is; the controller taints it", chain.Kubelet, chain.NodeLifecycle),
		"PersistentVolume":      ignored("no claim is bound to it"),
		"PersistentVolumeClaim": ignored("it stays Pending; Pods run all the same").expect("it stays Pending, and Pods that use it run all the same"),
		"Pod":                   acted("binds it; runs it, simulated; evicts it from a Node that fails", chain.Scheduler, chain.Kubelet, chain.NodeLifecycle),
		"PodTemplate":           data("clients write and read it"),
		"ReplicationController": ignored("no Pods are created for it"),
		"ResourceQuota":         unenforced("nothing is counted, no limit enforced"),
		"Secret":                data("reads it for its containers", chain.Kubelet),
		"ServiceAccount":        data("makes the one named default; the API server gives it to Pods, and issues tokens", chain.NamespaceController),
		"Service": ignored("it has a cluster IP; no EndpointSlices are made, no name is resolved, no traffic is routed").
			expect("no EndpointSlices are made, no name is resolved, and no traffic is routed"),
	},
	"admissionregistration.k8s.io": {
		"MutatingAdmissionPolicy":          unenforced("no policy is evaluated"),
		"MutatingAdmissionPolicyBinding":   unenforced("no policy is evaluated"),
		"MutatingWebhookConfiguration":     unenforced("no webhook is called"),
		"ValidatingAdmissionPolicy":        unenforced("no policy is evaluated"),
		"ValidatingAdmissionPolicyBinding": unenforced("no policy is evaluated"),
		"ValidatingWebhookConfiguration":   unenforced("no webhook is called"),
	},
	"apiextensions.k8s.io": {
		"CustomResourceDefinition": unenforced("the list is empty: there are no custom resources"),
	},
	"apps": {
		"ControllerRevision": data("keep their revisions in it", chain.StatefulSetController, chain.DaemonSetController),
		"DaemonSet":          acted("creates its Pods, rolls them out", chain.DaemonSetController),
		"Deployment":         acted("creates its ReplicaSets, rolls them out", chain.DeploymentController),
		"ReplicaSet":         acted("creates its Pods", chain.ReplicaSetController),
		"StatefulSet":        acted("creates its Pods and claims, rolls them out", chain.StatefulSetController),
	},
	"authentication.k8s.io": {
		"SelfSubjectReview": acted("says that the client is an administrator", chain.APIServer),
	},
	"authorization.k8s.io": {
		"LocalSubjectAccessReview": acted("allows everything", chain.APIServer),
		"SelfSubjectAccessReview":  acted("allows everything", chain.APIServer),
		"SelfSubjectRulesReview":   acted("allows everything", chain.APIServer),
		"SubjectAccessReview":      acted("allows everything", chain.APIServer),
	},
	"autoscaling": {
		"HorizontalPodAutoscaler": ignored("nothing is scaled"),
	},
	"batch": {
		"CronJob": ignored("no Jobs are created for it"),
		"Job": row{
			asks: links, links: []chain.Link{chain.JobController}, does: "creates its Pods",
			missing: "no Pods are created for it", so: "no Pods are created for it",
		},
	},
	"certificates.k8s.io": {
		"CertificateSigningRequest": ignored("it is neither approved nor signed"),
		"ClusterTrustBundle":        data("clients write and read it"),
		"PodCertificateRequest":     ignored("no certificate is issued"),
	},
	"coordination.k8s.io": {
		"Lease": data("the kubelet of each Node renews its own", chain.Kubelet, chain.NodeLifecycle),
	},
	"discovery.k8s.io": {
		"EndpointSlice": data("clients write and read it"),
	},
	"events.k8s.io": {
		"Event": data("the links write it"),
	},
	"flowcontrol.apiserver.k8s.io": {
		"FlowSchema":                 unenforced("no request has to wait"),
		"PriorityLevelConfiguration": unenforced("no request has to wait"),
	},
	"networking.k8s.io": {
		"Ingress":       ignored("no traffic is routed"),
		"IngressClass":  ignored("no Ingress is acted on"),
		"IPAddress":     unenforced("no address is reserved by it"),
		"NetworkPolicy": ignored("no traffic is restricted"),
		"ServiceCIDR":   unenforced("no address is allocated from it"),
	},
	"node.k8s.io": {
		"RuntimeClass": ignored("Pods run as if they named none"),
	},
	"policy": {
		"PodDisruptionBudget": ignored("its status is never set, so the API server refuses every eviction of a running Pod that it selects").
			expect("its status is never set, and every eviction of a running Pod that it selects is refused"),
	},
	"rbac.authorization.k8s.io": {
		"ClusterRole":        unenforced("every client is an administrator"),
		"ClusterRoleBinding": unenforced("every client is an administrator"),
		"Role":               unenforced("every client is an administrator"),
		"RoleBinding":        unenforced("every client is an administrator"),
	},
	"resource.k8s.io": {
		"DeviceClass":           ignored("no devices are allocated"),
		"DeviceTaintRule":       ignored("no devices are tainted"),
		"ResourceClaim":         ignored("no devices are allocated; Pods that claim some are not scheduled"),
		"ResourceClaimTemplate": ignored("no claims are created for Pods"),
		"ResourceSlice":         data("clients write and read it"),
	},
	"scheduling.k8s.io": {
		"PriorityClass": acted("gives Pods its value; preempts by it", chain.APIServer, chain.Scheduler),
	},
	"storage.k8s.io": {
		"CSIDriver":             ignored("no volumes are mounted"),
		"CSINode":               data("clients write and read it"),
		"CSIStorageCapacity":    data("clients write and read it"),
		"StorageClass":          ignored("no volumes are provisioned"),
		"VolumeAttachment":      ignored("no volume is attached"),
		"VolumeAttributesClass": ignored("no volume is modified"),
	},
	"storagemigration.k8s.io": {
		"StorageVersionMigration": ignored("nothing is written anew"),
	},
}
