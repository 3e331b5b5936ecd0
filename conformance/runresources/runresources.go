// Package runresources tells what a run has in a cluster that it shares with
// others: how it is marked, how a run shows that it is running, and how what it has
// left is removed, at its end or after it was killed.
//
// All that a run makes is in namespaces that carry its id as a label; so do the
// few objects that are in no namespace. One of the namespaces has a
// Lease that the run renews for as long as it is running.
package runresources

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/rand"
)

// RunLabel is the label that carries the id of the run on whatever it has made.
const RunLabel = "podchain.dev/run"

// NodesLabel is on the nodes that a scenario brings, with its namespace as the
// value: no other scenario uses them.
const NodesLabel = "podchain.dev/nodes-of"

// idLength makes ids that no two runs in the world are likely to share: 27^10.
const idLength = 10

// NewID returns the id of a new run, fit for a label and for the names of objects.
func NewID() string { return rand.String(idLength) }

// RunNamespace is the namespace of a run that lasts as long as the run.
func RunNamespace(run string) string { return "podchain-" + run }

// ownFinalizers begin the finalizers that the features set: nobody in the
// cluster takes them off, so the suite has to.
const ownFinalizers = "example.com/"

func othersFinalizers(finalizers []string) []string {
	var others []string
	for _, finalizer := range finalizers {
		if !strings.HasPrefix(finalizer, ownFinalizers) {
			others = append(others, finalizer)
		}
	}
	return others
}
