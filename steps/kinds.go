package steps

import (
	"fmt"
	"strings"

	"github.com/podchain/podchain/conformance/chain"
)

// nodeLeases is the namespace of the Leases by which kubelets show that they live,
// the only ones that features name.
const nodeLeases = "kube-node-lease"

// kindOf returns the row of a kind that a feature names.
func kindOf(name string) (chain.Kind, error) {
	kind := chain.KindOf(name)
	if kind.Name == "" {
		return kind, fmt.Errorf("no feature can name the kind %q: the kinds are %s", name, strings.Join(chain.Names(chain.Kinds), ", "))
	}
	return kind, nil
}
