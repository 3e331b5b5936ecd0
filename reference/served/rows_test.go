package served

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/podchain/podchain/conformance/chain"
)

// TestEveryRowIsOfAKind: and says what the page shows, whether its links are there or
// not.
func TestEveryRowIsOfAKind(t *testing.T) {
	served := map[schema.GroupKind]bool{}
	for _, present := range [][]chain.Link{chain.AllLinks, {chain.APIServer}} {
		for _, kind := range All(present) {
			served[schema.GroupKind{Group: kind.Group, Kind: kind.Kind}] = true
			assert.NotEmpty(t, kind.Does, "%s %s with the links %v", kind.GroupVersion(), kind.Kind, present)
		}
	}
	for group, kinds := range rows {
		for kind, row := range kinds {
			assert.True(t, served[schema.GroupKind{Group: group, Kind: kind}], "%s %s is not served", group, kind)
			if row.asks == nothing {
				assert.Empty(t, row.missing+row.so, "%s %s asks for nothing, so nothing is missing", group, kind)
			}
		}
	}
}
