package implementation

import (
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/podchain/podchain/conformance/chain"
)

// Versioned is offered by a cluster that knows of which release of Kubernetes its
// links are. What came with a later one is not asked of them.
type Versioned interface {
	// Version of a link, such as "v1.34.4"; "" for a link that is of no release of
	// Kubernetes, or of an unknown one: every requirement applies to it.
	Version(link chain.Link) string
}

// Before returns the version of a link if that is older than the given one, such
// as "v1.35"; "" if it is not, or not known.
func Before(cluster Cluster, link chain.Link, given string) string {
	versioned, ok := As[Versioned](cluster)
	if !ok {
		return ""
	}
	has := versioned.Version(link)
	// A distribution's suffix, as in v1.34.4+k3s1, is of no concern.
	is, err := version.ParseGeneric(has)
	if err != nil {
		return ""
	}
	came, err := version.ParseGeneric(given)
	if err != nil || is.AtLeast(came) {
		return ""
	}
	return has
}
