package served

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// TestFieldsOfSubresources: only who writes them is warned.
func TestFieldsOfSubresources(t *testing.T) {
	at := slices.IndexFunc(kinds.All(), func(k *kinds.Kind) bool { return k.Group == "" && k.Kind == "Pod" })
	require.GreaterOrEqual(t, at, 0)
	pod := &corev1.Pod{Spec: corev1.PodSpec{EphemeralContainers: make([]corev1.EphemeralContainer, 1)}}
	for subresource, says := range map[string][]string{
		"":                    nil,
		"status":              nil,
		"ephemeralcontainers": {"spec.ephemeralContainers: no link of this cluster starts ephemeral containers"},
		"resize":              {"spec.containers: no link of this cluster resizes containers: they keep what they were started with"},
	} {
		assert.Equal(t, says, NewWarnings(chain.AllLinks).Of(kinds.All()[at], subresource, pod, &corev1.Pod{}), subresource)
	}
}
