package assembly

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/implementation/clients"
)

// kubelets are a program that runs once for each node.
type kubelets struct{ *running }

var (
	_ implementation.Nodes     = kubelets{}
	_ implementation.Explainer = kubelets{}
)

// WhyMissing implements implementation.Explainer.
func (kubelets) WhyMissing(capability string) string {
	switch capability {
	case "sizes":
		return "a kubelet that is a program says itself how large its node is"
	case "kubelets":
		return "podchain cannot know whether the containers of a kubelet that is a program run on when it is killed"
	}
	return ""
}

// AddNode implements implementation.Nodes. The Node is made before its kubelet is
// started, which takes it over (NODE-01), so that nothing is placed there before its
// labels and taints are. How much of what it has is said by the kubelet.
func (k kubelets) AddNode(ctx context.Context, node *corev1.Node) error {
	made := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: node.Name, Labels: node.Labels, Annotations: node.Annotations},
		Spec:       corev1.NodeSpec{Taints: node.Spec.Taints},
	}
	if _, err := k.client.Nodes().Create(ctx, made, metav1.CreateOptions{}); err != nil {
		return err
	}
	var begun []begun
	k.control.Lock()
	stopped := k.stopped
	s, err := k.add(node.Name)
	if err == nil && !stopped {
		begun, err = k.launch(s)
	}
	k.control.Unlock()
	if err == nil {
		err = k.await(ctx, begun...)
	}
	switch {
	case err != nil:
		return errors.Join(err, k.RemoveNode(context.WithoutCancel(ctx), node.Name))
	case stopped:
		return fmt.Errorf("node %s: %w: the kubelet is stopped", node.Name, implementation.ErrNotReady)
	}
	if err := awaitNode(ctx, k.client, node.Name, isReady); err != nil {
		return fmt.Errorf("node %s: %w: %w", node.Name, implementation.ErrNotReady, err)
	}
	return nil
}

// RemoveNode implements implementation.Nodes.
func (k kubelets) RemoveNode(ctx context.Context, name string) error {
	k.control.Lock()
	var err error
	k.instances = slices.DeleteFunc(k.instances, func(s *instance) bool {
		if s.node == name {
			err = errors.Join(s.remove(ctx), k.part.Taps.Idle(ctx, k.link), os.RemoveAll(s.directory))
		}
		return s.node == name
	})
	k.control.Unlock()
	if err != nil {
		return err
	}
	err = k.client.Nodes().Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// awaitNode returns when the Node is there and as it is to be.
func awaitNode(ctx context.Context, client *clients.Clients, name string, is func(*corev1.Node) error) error {
	last := errors.New("it has registered no Node")
	source := cache.NewListWatchFromClient(client.Nodes().GetClient(), "nodes", metav1.NamespaceAll,
		fields.OneTermEqualSelector(metav1.ObjectNameField, name))
	_, err := watchtools.UntilWithSync(ctx, source, &corev1.Node{}, nil, func(event watch.Event) (bool, error) {
		node, ok := event.Object.(*corev1.Node)
		if !ok || event.Type == watch.Deleted {
			return false, nil
		}
		last = is(node)
		return last == nil, nil
	})
	if err != nil {
		return last
	}
	return nil
}

func isRegistered(*corev1.Node) error { return nil }

func isReady(node *corev1.Node) error {
	for _, condition := range node.Status.Conditions {
		switch {
		case condition.Type != corev1.NodeReady:
		case condition.Status == corev1.ConditionTrue:
			return nil
		default:
			return fmt.Errorf("its condition Ready is %s: %s", condition.Status, condition.Message)
		}
	}
	return errors.New("it has no condition Ready")
}
