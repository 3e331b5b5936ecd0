package kubelet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// A runtime without events is asked once a second: what has ended is noticed
// within that time.
func TestRuntimeWithoutEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		c.quiet = true
		stop := c.run()
		defer stop()
		c.create("once", `{restartPolicy: Never, containers: [{name: app, image: "succeeds:1"}]}`)
		c.create("again", `{containers: [{name: app, image: "fails:1"}]}`)
		c.pass(3 * time.Second)
		require.Equal(t, corev1.PodSucceeded, c.get("once").Status.Phase)
		require.Positive(t, c.get("again").Status.ContainerStatuses[0].RestartCount)
	})
}
