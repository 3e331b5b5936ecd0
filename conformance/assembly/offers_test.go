package assembly_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

// release is an origin whose links are of one release; a hollow one runs no
// containers.
type release struct {
	version string
	hollow  bool
}

func (r *release) Describe() chain.Description {
	return chain.Description{Name: "release", Version: r.version}
}

func (r *release) Start(context.Context, assembly.Part) (implementation.Cluster, error) {
	return r, nil
}

func (r *release) Config() *rest.Config       { return &rest.Config{} }
func (r *release) Stop(context.Context) error { return nil }

func (r *release) Version(chain.Link) string { return r.version }

func (r *release) WhyMissing(capability string) string {
	if r.hollow && capability == "containers" {
		return "hollow"
	}
	return ""
}

// TestOwnersTell: of which release a link is, and whether containers run, those
// tell whom the link is of.
func TestOwnersTell(t *testing.T) {
	newer, older, hollow := &release{version: "v1.37.2"}, &release{version: "v1.30.14"}, &release{hollow: true}
	start := func(kubelet assembly.Origin) implementation.Cluster {
		assembled, err := assembly.New(assembly.Options{Links: map[chain.Link]assembly.Origin{
			chain.APIServer: newer, chain.Scheduler: older, chain.Kubelet: kubelet,
		}})
		require.NoError(t, err)
		cluster, err := assembled.Start(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, cluster.Stop(context.Background())) })
		return cluster
	}
	cluster := start(hollow)
	assert.Equal(t, "v1.30.14", implementation.Before(cluster, chain.Scheduler, "v1.31"))
	assert.Empty(t, implementation.Before(cluster, chain.APIServer, "v1.31"))
	assert.Empty(t, implementation.Before(cluster, chain.Kubelet, "v1.31"), "it is of no release")
	assert.Empty(t, implementation.Before(cluster, chain.JobController, "v1.31"), "nobody has it")
	assert.Equal(t, []string{"containers"}, implementation.Missing(cluster, []string{"containers"}))
	assert.Equal(t, "hollow", implementation.WhyMissing(cluster, "containers"))
	assert.Empty(t, implementation.Missing(start(newer), []string{"containers"}))
}
