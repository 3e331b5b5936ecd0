// Package chain is the chain from a Deployment to its running Pods as tables: a row per
// link, which is its contract, and a row per kind. Blame, traces, cleanup and
// pictures read them here. CONTRIBUTING says what else a new link needs.
package chain

import (
	"fmt"
	"slices"
	"strings"
)

// Link is one of the programs that make up the chain.
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
var AllLinks = func() []Link {
	links := make([]Link, len(contracts))
	for i, contract := range contracts {
		links[i] = contract.Link
	}
	return links
}()

// ParseLink returns the link of that name; the error lists the names there are.
func ParseLink(name string) (Link, error) {
	if link := Link(name); link.Position() >= 0 {
		return link, nil
	}
	names := make([]string, len(AllLinks))
	for i, link := range AllLinks {
		names[i] = string(link)
	}
	return "", fmt.Errorf("unknown link %q: expected one of %s", name, strings.Join(names, ", "))
}

// Position is the place of a link in the order of the chain, -1 if it has none.
func (l Link) Position() int { return slices.Index(AllLinks, l) }

// Contract returns the row of a link, an empty one for what is no link.
func (l Link) Contract() Contract {
	if at := l.Position(); at >= 0 {
		return contracts[at]
	}
	return Contract{}
}

// Serves says that the link is the API server, without which there is no cluster.
func (l Link) Serves() bool { return l.Contract().Serves }

// PerNode says that each node has a process of the link.
func (l Link) PerNode() bool { return l.Contract().PerNode }

// Elected says that where a link has several processes, one of them leads.
func (l Link) Elected() bool { return l.Position() >= 0 && !l.Serves() && !l.PerNode() }
