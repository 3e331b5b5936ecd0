package served_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/discovery"

	"github.com/podchain/podchain/reference"
	"github.com/podchain/podchain/reference/served"
)

// TestEveryKindHasItsRow: of each that a cluster's discovery lists it is said who looks
// after it, or that no link does.
func TestEveryKindHasItsRow(t *testing.T) {
	rows := map[string]served.Kind{}
	for _, kind := range served.All(reference.Links()) {
		rows[kind.GroupVersion()+" "+kind.Resource] = kind
	}
	cluster := reference.StartForTest(t, reference.Options{Nodes: -1})
	client, err := discovery.NewDiscoveryClientForConfig(cluster.Config())
	require.NoError(t, err)
	_, lists, err := client.ServerGroupsAndResources()
	require.NoError(t, err)
	for _, list := range lists {
		for _, resource := range list.APIResources {
			name, subresource, _ := strings.Cut(resource.Name, "/")
			row, found := rows[list.GroupVersion+" "+name]
			if !assert.True(t, found, "%s %s is in no table", list.GroupVersion, resource.Name) {
				continue
			}
			if subresource != "" {
				assert.Contains(t, row.Subresources, subresource, "%s %s", list.GroupVersion, name)
				continue
			}
			assert.NotEmpty(t, row.Does, "package served: give %s %s a row in rows.go that says which links act on it, or what is missing",
				list.GroupVersion, resource.Kind)
			assert.Equal(t, resource.Kind, row.Kind)
			assert.Equal(t, resource.Namespaced, row.Namespaced, "%s %s", list.GroupVersion, name)
		}
	}
}
