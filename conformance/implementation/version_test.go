package implementation_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

type versioned struct {
	implementation.Cluster
	scheduler string
}

func (v versioned) Version(link chain.Link) string {
	if link == chain.Scheduler {
		return v.scheduler
	}
	return "v1.37.2"
}

func TestBefore(t *testing.T) {
	for has, before := range map[string]bool{
		"v1.34.4":        true,
		"v1.9.11":        true,
		"v1.34.4+k3s1":   true,
		"v1.35.0":        false,
		"v1.35.0-rc.1":   false,
		"v1.37.2-gke.12": false,
		"v2.0.0":         false,
		"":               false,
		"mine":           false,
	} {
		t.Run(has, func(t *testing.T) {
			cluster := versioned{scheduler: has}
			want := ""
			if before {
				want = has
			}
			assert.Equal(t, want, implementation.Before(cluster, chain.Scheduler, "v1.35"))
			assert.Empty(t, implementation.Before(cluster, chain.Kubelet, "v1.35"), "another link")
		})
	}
	assert.Empty(t, implementation.Before(struct{ implementation.Cluster }{}, chain.Scheduler, "v1.35"), "a cluster that knows no versions")
}
