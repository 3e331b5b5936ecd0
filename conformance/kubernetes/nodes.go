package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/kubernetes/internal/relay"
)

const nodeTimeout = time.Minute

// AddNode implements implementation.Nodes. What a Node should have of
// processors, memory and Pods its kubelet finds there; other resources are put
// into its status, where a kubelet leaves them. A kubelet tells the disk as it
// is: ephemeral-storage cannot be asked for.
func (c *Cluster) AddNode(ctx context.Context, object *corev1.Node) error {
	if object.Name == "" {
		return errors.New("a node needs a name")
	}
	c.control.Lock()
	if c.stopped || c.names.Has(object.Name) {
		defer c.control.Unlock()
		if c.stopped {
			return errors.New("the cluster has been stopped")
		}
		return fmt.Errorf("there is a node %s already", object.Name)
	}
	c.numbers++
	number := c.numbers
	c.names.Insert(object.Name)
	c.making.Add(1)
	c.control.Unlock()

	n, err := c.newNode(ctx, object, number)
	c.control.Lock()
	running := c.kubelets
	if err == nil && running {
		err = n.startKubelet()
	}
	if err == nil {
		c.nodes[object.Name] = n
	} else {
		c.names.Delete(object.Name)
		err = errors.Join(err, n.stop())
	}
	c.making.Done()
	c.control.Unlock()
	switch {
	case err != nil:
		return err
	case !running:
		return fmt.Errorf("node %s: %w: the kubelet is stopped", object.Name, implementation.ErrNotReady)
	}
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return err
	}
	if err := c.awaitNode(ctx, client, n); err != nil {
		return err
	}
	size, err := sizeOf(object)
	if err != nil || len(size.further) == 0 {
		return err
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"capacity": size.further, "allocatable": size.further}})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Nodes().Patch(ctx, object.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

// awaitNode waits until the node is ready and Pods are let on it: the node
// lifecycle controller takes the mark of the beginner off.
func (c *Cluster) awaitNode(ctx context.Context, client kubernetes.Interface, n *node) error {
	ctx, cancel := context.WithTimeout(ctx, nodeTimeout)
	defer cancel()
	c.control.Lock()
	marked := c.links[chain.NodeLifecycle] != nil
	c.control.Unlock()
	err := await(ctx, n.name, client.CoreV1().Nodes().Watch, func(node *corev1.Node) bool {
		return isReady(node) && !(marked && isMarked(node))
	})
	if err != nil {
		return fmt.Errorf("node %s: %w: waited %s: %w; %s", n.name, implementation.ErrNotReady, nodeTimeout, err, n.printed[kubeletProgram].Last())
	}
	return nil
}

func isReady(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(condition corev1.NodeCondition) bool {
		return condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue
	})
}

// isMarked says that a node still has the mark of the beginner.
func isMarked(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool { return taint.Key == corev1.TaintNodeNotReady })
}

// awaitAccount waits until Pods can be created in the namespace default.
func (c *Cluster) awaitAccount(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, nodeTimeout)
	defer cancel()
	accounts := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault)
	if err := await(ctx, "default", accounts.Watch, func(*corev1.ServiceAccount) bool { return true }); err != nil {
		return fmt.Errorf("waited %s for ServiceAccount default in namespace default: %w; %s",
			nodeTimeout, err, c.links[chain.NamespaceController].log.Last())
	}
	return nil
}

// await watches the object of that name until it is as it should be.
func await[T any](ctx context.Context, name string, open func(context.Context, metav1.ListOptions) (watch.Interface, error), holds func(T) bool) error {
	only := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()}
	for {
		// A watch from no version begins with what there is.
		events, err := open(ctx, only)
		if err != nil {
			return err
		}
		for event := range events.ResultChan() {
			object, ok := event.Object.(T)
			if ok && event.Type != watch.Deleted && holds(object) {
				events.Stop()
				return nil
			}
		}
		events.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// RemoveNode implements implementation.Nodes.
func (c *Cluster) RemoveNode(ctx context.Context, name string) error {
	c.control.Lock()
	n := c.nodes[name]
	delete(c.nodes, name)
	c.names.Delete(name)
	c.control.Unlock()
	if n == nil {
		return fmt.Errorf("there is no node %s", name)
	}
	if err := n.stop(); err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return err
	}
	err = client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil // its kubelet never got to register it
	}
	return err
}

// StopKubelet implements implementation.Kubelets.
func (c *Cluster) StopKubelet(_ context.Context, name string) error {
	return c.onNode(name, (*node).stopKubelet)
}

// StartKubelet implements implementation.Kubelets.
func (c *Cluster) StartKubelet(_ context.Context, name string) error {
	return c.onNode(name, (*node).startKubelet)
}

func (c *Cluster) onNode(name string, do func(*node) error) error {
	c.control.Lock()
	defer c.control.Unlock()
	n := c.nodes[name]
	if n == nil {
		return fmt.Errorf("there is no node %s", name)
	}
	return do(n)
}

// relays are the ends outside of what nodes reach on the machine.
type relays []net.Listener

// carry carries what comes to the socket on to the address.
func (r *relays) carry(socket, address string) error {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	*r = append(*r, listener)
	go relay.Serve(listener, "tcp", address)
	return nil
}

func (r relays) close() {
	for _, listener := range r {
		discard(listener)
	}
}

// imagesSocket is where nodes reach the registry.
func (c *Cluster) imagesSocket() string { return filepath.Join(c.directory, "images.sock") }

// apiSocket is where nodes reach the API server as their Pods do, past all taps.
func (c *Cluster) apiSocket() string { return filepath.Join(c.directory, "api.sock") }
