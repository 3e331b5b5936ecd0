package reference_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/reference"
)

// warned are the warnings that a client gets.
type warned []string

// HandleWarningHeader implements rest.WarningHandler.
func (w *warned) HandleWarningHeader(_ int, _, text string) { *w = append(*w, text) }

// TestWarnings: a cluster says that it has no link for something only if it knows all
// that works on it.
func TestWarnings(t *testing.T) {
	const (
		noLink = "no link of this cluster acts on Ingresses: it is stored, and validated no further than its schema"
		server = "this API server validates Ingresses no further than their schema"
	)
	own := func(options reference.Options) func(t *testing.T) implementation.Cluster {
		return func(t *testing.T) implementation.Cluster { return reference.StartForTest(t, options) }
	}
	for name, test := range map[string]struct {
		start func(t *testing.T) implementation.Cluster
		says  string
	}{
		"all links":                      {own(reference.Options{Nodes: -1}), noLink},
		"without a link":                 {own(reference.Options{Nodes: -1, Without: []chain.Link{chain.DeploymentController}}), noLink},
		"other things work on it":        {own(reference.Options{Nodes: -1, Shared: true}), server},
		"put together from many origins": {assembled, server},
	} {
		t.Run(name, func(t *testing.T) {
			config := test.start(t).Config()
			heard := &warned{}
			config.WarningHandler = heard
			client, err := kubernetes.NewForConfig(config)
			require.NoError(t, err)
			_, err = client.NetworkingV1().Ingresses("default").Create(t.Context(), &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Name: "web"}}, metav1.CreateOptions{})
			require.NoError(t, err)
			_, err = client.AppsV1().Deployments("default").Create(t.Context(), newDeployment("web", 0), metav1.CreateOptions{})
			require.NoError(t, err)
			assert.Equal(t, warned{test.says}, *heard, "and nothing of a Deployment, whose controller may run elsewhere")
		})
	}
}

// assembled is a cluster whose Nodes are to come from elsewhere.
func assembled(t *testing.T) implementation.Cluster {
	t.Helper()
	cluster, err := reference.New(reference.Options{}).StartLinks(t.Context(), implementation.Share{
		Links: []chain.Link{chain.APIServer, chain.NamespaceController},
	}, implementation.Hooks{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, cluster.Stop(context.WithoutCancel(t.Context()))) })
	return cluster
}
