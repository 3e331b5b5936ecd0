package served

// Section is a part of what there is to say about the cluster.
type Section struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Title of the page.
const Title = "What podchain serve is, and what it is not"

// About is what podchain serve is and is not. What is said per kind stands in the table
// of kinds.
var About = []Section{
	{"What it is", `The reference implementation of the chain as a cluster: an API server, controllers, a
scheduler and the kubelets of its Nodes, which speak Kubernetes' wire protocol to each
other, and to kubectl, client-go and any other client. It is there to look at the chain,
to try tools and controllers on, and to test them.`},
	{"What it is not", `A place for workloads. Containers are simulated: no program runs, whatever its image. No
volume is mounted, no packet is routed, and no name is resolved. Objects are kept in
memory, unless --store names an etcd.`},
	{"Who may do what", `Every client with the token of the kubeconfig file is an administrator. RBAC is not
enforced, nor are quotas and limits; webhooks and admission policies are not called, and
requests have no priorities.`},
	{"What can be added", `Your own controllers, schedulers and kubelets: they are clients like any other. With
--control, links of the cluster can be stopped to make room for them. There are no custom
resources and no aggregated API servers.`},
	{"What nothing acts on", `Objects and fields that ask for what no link of the cluster does are stored all the same,
so that ordinary manifests can be applied. A client that writes them gets a
Warning header that says so; kubectl prints it.`},
	{"Links that act on many kinds", `The namespace-controller deletes what is in a Namespace that ends. The garbage-collector
deletes objects whose owners are gone: of the kinds that have owners in practice.`},
}
