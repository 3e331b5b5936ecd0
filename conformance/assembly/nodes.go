package assembly

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/implementation/clients"
)

// nodes come from the kubelets' owner. A new one has the mark of the beginner until
// the node lifecycle controller takes it off, and that may be another's: until then
// Pods keep away from it.
type nodes struct {
	implementation.Nodes
	c *cluster
}

// unmarkTimeout is how long a ready node may stay marked.
const unmarkTimeout = time.Minute

// AddNode implements implementation.Nodes.
func (n nodes) AddNode(ctx context.Context, node *corev1.Node) error {
	if err := n.Nodes.AddNode(ctx, node); err != nil || !n.c.runs(chain.NodeLifecycle) {
		return err
	}
	client, err := clients.New(n.c.Config())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, unmarkTimeout)
	defer cancel()
	only := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, node.Name).String()}
	for {
		// A watch from no version begins with what there is.
		events, err := client.Nodes().Watch(ctx, only)
		if err != nil {
			return fmt.Errorf("node %s: %w", node.Name, err)
		}
		taken := unmarked(events)
		events.Stop()
		switch {
		case taken:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("node %s is ready; waited %s for the %s to take the taint %s off: %w",
				node.Name, unmarkTimeout, chain.NodeLifecycle, corev1.TaintNodeNotReady, ctx.Err())
		}
	}
}

// unmarked reads events until one shows a node without the mark, or they end.
func unmarked(events watch.Interface) bool {
	for event := range events.ResultChan() {
		node, ok := event.Object.(*corev1.Node)
		if ok && event.Type != watch.Deleted && !slices.ContainsFunc(node.Spec.Taints, isMark) {
			return true
		}
	}
	return false
}

func isMark(taint corev1.Taint) bool { return taint.Key == corev1.TaintNodeNotReady }
