package implementation_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/implementation"
)

// compacting is a cluster of parts, which explains what it lacks.
type compacting struct{ implementation.Cluster }

func (compacting) Parts() []any { return []any{struct{ implementation.Compactor }{}, explaining{}} }

type explaining struct{}

func (explaining) WhyMissing(capability string) string {
	if capability == "containers" {
		return "hollow"
	}
	return ""
}

func TestCapabilities(t *testing.T) {
	all := implementation.Capabilities()
	assert.True(t, slices.IsSorted(all), all)
	assert.Len(t, slices.Compact(slices.Clone(all)), len(all), "each once")
	for _, name := range all {
		row := implementation.CapabilityOf(name)
		assert.Equal(t, name, row.Name)
		assert.True(t, row.Disruptive || !row.Exclusive, "what other scenarios cannot go on beside affects other users: %s", name)
	}
	assert.Empty(t, implementation.CapabilityOf("teleportation"))
}

func TestMissing(t *testing.T) {
	cluster := compacting{}
	assert.Equal(t, []string{"containers", "store", "teleportation"},
		implementation.Missing(cluster, []string{"compaction", "containers", "store", "teleportation"}))
	assert.Equal(t, "hollow", implementation.WhyMissing(cluster, "containers"))
	assert.Empty(t, implementation.WhyMissing(cluster, "store"))
}

func TestNeed(t *testing.T) {
	_, err := implementation.Need[implementation.Compactor](compacting{})
	require.NoError(t, err)
	_, err = implementation.Need[implementation.Nodes](compacting{})
	require.EqualError(t, err, `the cluster does not offer the capability "nodes": tag the scenario @needs-nodes`)
	_, err = implementation.Need[implementation.Versioned](compacting{})
	require.ErrorContains(t, err, "which is no capability")
}
