package chain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/chain"
)

// TestWriters: the field decides, and with a condition its type.
func TestWriters(t *testing.T) {
	for at, want := range map[[2]string]chain.Link{
		{"Pod", "status.containerStatuses[name=main].started"}:       chain.Kubelet,
		{"Pod", "status.conditions[type=PodScheduled].status"}:       chain.Scheduler,
		{"Pod", "status.conditions[type=PodReadyToStartContainers]"}: chain.Kubelet,
		{"Pod", "spec.nodeName"}:                                     chain.Scheduler,
		{"Pod", "spec.nodeSelector"}:                                 "",
		{"Pod", "statusQuo"}:                                         "",
		{"ReplicaSet", "status.readyReplicas"}:                       chain.ReplicaSetController,
		{"Deployment", "status.observedGeneration"}:                  chain.DeploymentController,
		{"Deployment", "metadata.generation"}:                        "",
		{"ConfigMap", "status"}:                                      "",
	} {
		t.Run(at[0]+" "+at[1], func(t *testing.T) {
			writers := chain.Writers(at[0], at[1])
			if want == "" {
				require.Empty(t, writers)
				return
			}
			require.NotEmpty(t, writers)
			require.Equal(t, want, writers[0])
		})
	}
}
