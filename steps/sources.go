package steps

import (
	"time"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
)

// sources are what a scenario records of its namespace, or of all namespaces where
// that is empty, and what of the cluster.
func sources(cluster implementation.Cluster, namespace string) (namespaced, common []history.Source) {
	for _, kind := range chain.Kinds {
		source := history.Source{Resource: kind.GroupVersionResource, Namespace: namespace}
		switch {
		case !kind.Watched:
		case kind.Name == "Lease":
			// Those of a scenario's own nodes: others have theirs by the thousand.
			if _, offered := implementation.As[implementation.Nodes](cluster); offered {
				source.Namespace = nodeLeases
				common = append(common, source)
			}
		case kind.Name == "Namespace":
			source.Namespace = ""
			if namespace != "" {
				source.FieldSelector = "metadata.name=" + namespace
			}
			namespaced = append(namespaced, source)
		case kind.ClusterScoped:
			source.Namespace = ""
			common = append(common, source)
		default:
			namespaced = append(namespaced, source)
		}
	}
	return namespaced, common
}

// NewFeed returns what fills the records of all scenarios on a cluster that is the
// run's own. It is to be opened before the first, and stopped after the last.
func NewFeed(cluster implementation.Cluster, timeout time.Duration) (*history.Feed, error) {
	config := configuration(cluster)
	client, err := clientFor(config, timeout)
	if err != nil {
		return nil, err
	}
	namespaced, common := sources(cluster, "")
	return history.NewFeed(config, client, namespaced, common)
}
