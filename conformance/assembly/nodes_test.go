package assembly

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

// TestUnmarked: a node is let go on with when the mark of the beginner is off.
func TestUnmarked(t *testing.T) {
	marked := &corev1.Node{Spec: corev1.NodeSpec{Taints: []corev1.Taint{{Key: "use"}, {Key: corev1.TaintNodeNotReady}}}}
	free := &corev1.Node{Spec: corev1.NodeSpec{Taints: []corev1.Taint{{Key: "use"}}}}
	for name, test := range map[string]struct {
		seen []*corev1.Node
		want bool
	}{
		"free from the start": {[]*corev1.Node{free}, true},
		"freed":               {[]*corev1.Node{marked, free}, true},
		"never freed":         {[]*corev1.Node{marked, marked}, false},
		"never seen":          {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			events := watch.NewFakeWithChanSize(len(test.seen), false)
			for _, node := range test.seen {
				events.Modify(node)
			}
			events.Stop()
			assert.Equal(t, test.want, unmarked(events))
		})
	}
}

// TestRuns: nobody is waited for who is left out or stopped.
func TestRuns(t *testing.T) {
	owner := still{}
	c := &cluster{owners: map[chain.Link]implementation.Cluster{chain.NodeLifecycle: owner}}
	assert.True(t, c.runs(chain.NodeLifecycle))
	assert.False(t, c.runs(chain.Scheduler))
	c.stopped.Store(chain.NodeLifecycle, true)
	assert.False(t, c.runs(chain.NodeLifecycle))
	require.NoError(t, links{c}.StartLink(t.Context(), chain.NodeLifecycle))
	assert.True(t, c.runs(chain.NodeLifecycle))
}

// still is a cluster whose links do nothing.
type still struct{}

func (still) Config() *rest.Config                       { return nil }
func (still) Stop(context.Context) error                 { return nil }
func (still) StopLink(context.Context, chain.Link) error { return nil }
func (still) StartLink(context.Context, chain.Link) error {
	return nil
}
