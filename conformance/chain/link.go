package chain

import (
	"fmt"
	"strings"
)

// Link is one station of the chain.
type Link string

// The links, by the names that features, reports and the command line use.
const (
	APIServer             Link = "api-server"
	DeploymentController  Link = "deployment-controller"
	ReplicaSetController  Link = "replicaset-controller"
	Scheduler             Link = "scheduler"
	Kubelet               Link = "kubelet"
	StatefulSetController Link = "statefulset-controller"
	DaemonSetController   Link = "daemonset-controller"
	JobController         Link = "job-controller"
	GarbageCollector      Link = "garbage-collector"
	NamespaceController   Link = "namespace-controller"
	NodeLifecycle         Link = "node-lifecycle-controller"
)

// AllLinks lists every link in the order of the chain: what comes first is
// blamed first.
var AllLinks = []Link{
	APIServer, NamespaceController,
	DeploymentController, ReplicaSetController,
	StatefulSetController, DaemonSetController, JobController,
	Scheduler, Kubelet,
	GarbageCollector, NodeLifecycle,
}

// ParseLink returns the link of that name; the error lists the names there are.
func ParseLink(name string) (Link, error) {
	for _, link := range AllLinks {
		if string(link) == name {
			return link, nil
		}
	}
	var names []string
	for _, link := range AllLinks {
		names = append(names, string(link))
	}
	return "", fmt.Errorf("unknown link %q: expected one of %s", name, strings.Join(names, ", "))
}
