package reference

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference/kubelet"
	"github.com/podchain/podchain/reference/runtime"
)

// node is a machine: a container runtime, and a kubelet that comes and goes.
type node struct {
	options kubelet.Options
	kubelet *runningLink // nil while it is stopped
	// machine is what the containers belong to, which outlive the kubelet.
	machine *crash.Domain
}

// halt ends the kubelet of a node whose machine has crashed.
func (c *Cluster) halt(n *node) {
	c.control.Lock()
	defer c.control.Unlock()
	if n.kubelet != nil {
		n.kubelet.cancel()
	}
}

// addNode brings up a node. Its kubelet starts with it, or with the link. The
// caller holds control.
func (c *Cluster) addNode(object *corev1.Node) error {
	object = object.DeepCopy() // what it holds is the caller's
	if object.Name == "" {
		return errors.New("a node needs a name")
	}
	if c.nodes[object.Name] != nil {
		return fmt.Errorf("there is a node %s already", object.Name)
	}
	n := &node{}
	n.machine = crash.NewDomain(func(fault *crash.Panic) {
		_ = c.crashes.note(chain.Kubelet, "container runtime of "+object.Name, fault) // Crashed tells
		crash.Go(func() { c.halt(n) })
	})
	simulated := runtime.NewSimulated(runtime.Options{
		Registry: c.registry,
		Subnet:   runtime.Subnet(c.subnets),
		Domain:   n.machine,
	})
	c.subnets++
	n.options = kubelet.Options{
		NodeName:    object.Name,
		Labels:      object.Labels,
		Taints:      object.Spec.Taints,
		Capacity:    object.Status.Capacity,
		Allocatable: object.Status.Allocatable,
		Runtime:     simulated,
		Dial:        simulated.Dial,
	}
	if c.hooks.Call != nil {
		n.options.Runtime = runtime.Observe(object.Name, simulated, c.hooks.Call)
	}
	c.nodes[object.Name] = n
	if c.links[chain.Kubelet] != nil {
		c.startKubelet(n)
	}
	return nil
}

func (c *Cluster) startKubelet(n *node) {
	n.kubelet = c.run(chain.Kubelet, "kubelet of "+n.options.NodeName, func(ctx context.Context, config *rest.Config) error {
		return kubelet.Run(ctx, config, n.options)
	})
}

// stopKubelet ends the kubelet; what its runtime runs goes on.
func (c *Cluster) stopKubelet(ctx context.Context, n *node) error {
	running := n.kubelet
	if running == nil {
		return nil
	}
	n.kubelet = nil
	return c.end(ctx, running)
}

// AddNode implements implementation.Nodes.
func (c *Cluster) AddNode(ctx context.Context, object *corev1.Node) error {
	c.control.Lock()
	running := c.links[chain.Kubelet] != nil
	usable := c.usable()
	err := c.addNode(object)
	c.control.Unlock()
	if err != nil {
		return err
	}
	if !running {
		return fmt.Errorf("node %s: %w: the kubelet is stopped", object.Name, implementation.ErrNotReady)
	}
	return c.waitForNode(ctx, object.Name, usable)
}

// RemoveNode implements implementation.Nodes.
func (c *Cluster) RemoveNode(ctx context.Context, name string) error {
	c.control.Lock()
	n := c.nodes[name]
	if n == nil {
		c.control.Unlock()
		return fmt.Errorf("there is no node %s", name)
	}
	delete(c.nodes, name)
	err := c.stopKubelet(ctx, n)
	n.machine.Close()
	c.control.Unlock()
	if err != nil {
		return err
	}
	client, err := clients.New(c.Config())
	if err != nil {
		return err
	}
	err = client.Nodes().Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil // its kubelet never got to register it
	}
	return err
}

// StopKubelet implements implementation.Kubelets.
func (c *Cluster) StopKubelet(ctx context.Context, name string) error {
	c.control.Lock()
	defer c.control.Unlock()
	n := c.nodes[name]
	if n == nil {
		return fmt.Errorf("there is no node %s", name)
	}
	return c.stopKubelet(ctx, n)
}

// StartKubelet implements implementation.Kubelets.
func (c *Cluster) StartKubelet(_ context.Context, name string) error {
	c.control.Lock()
	defer c.control.Unlock()
	n := c.nodes[name]
	switch {
	case n == nil:
		return fmt.Errorf("there is no node %s", name)
	case c.links[chain.Kubelet] == nil:
		return fmt.Errorf("the kubelet of node %s is stopped with all others: start the link", name)
	case n.kubelet == nil:
		c.startKubelet(n)
	}
	return nil
}

// WaitReady returns when all nodes are Ready, Pods are let on them, and Pods can
// be created in the namespace default, as far as the links that this takes are
// running.
func (c *Cluster) WaitReady(ctx context.Context) error {
	c.control.Lock()
	names := make([]string, 0, len(c.nodes))
	for name, node := range c.nodes {
		if node.kubelet != nil {
			names = append(names, name)
		}
	}
	accounts := c.links[chain.NamespaceController] != nil
	usable := c.usable()
	c.control.Unlock()
	for _, name := range names {
		if err := c.waitForNode(ctx, name, usable); err != nil {
			return err
		}
	}
	if !accounts {
		return nil
	}
	client, err := clients.New(c.Config())
	if err != nil {
		return err
	}
	return waitFor(ctx, "ServiceAccount", "default", client.ServiceAccounts(metav1.NamespaceDefault).Watch,
		func(kruntime.Object) bool { return true })
}

// nodeTimeout is how long a node may take until Pods are let on it.
const nodeTimeout = time.Minute

func (c *Cluster) waitForNode(ctx context.Context, name string, usable func(*corev1.Node) error) error {
	client, err := clients.New(c.Config())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, nodeTimeout)
	defer cancel()
	last := errors.New("it has not registered")
	err = waitFor(ctx, "node", name, client.Nodes().Watch, func(object kruntime.Object) bool {
		if node, ok := object.(*corev1.Node); ok {
			last = usable(node)
		}
		return last == nil
	})
	if err != nil {
		return fmt.Errorf("%w; last seen: %w", err, last)
	}
	return nil
}

// waitFor returns when there is an object of that name that is ready.
func waitFor(ctx context.Context, kind, name string, watchNamed func(context.Context, metav1.ListOptions) (watch.Interface, error), ready func(kruntime.Object) bool) error {
	only := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()}
	for {
		// A watch from no version begins with what there is.
		events, err := watchNamed(ctx, only)
		if err != nil {
			return fmt.Errorf("wait for %s %s: %w", kind, name, err)
		}
		shown := shows(events, ready)
		events.Stop()
		switch {
		case shown:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%s %s: %w: %w", kind, name, implementation.ErrNotReady, ctx.Err())
		}
		// The API server ended the watch, as it may at any time.
	}
}

// shows reads events until one shows the object ready, or they end.
func shows(events watch.Interface, ready func(kruntime.Object) bool) bool {
	for event := range events.ResultChan() {
		if (event.Type == watch.Added || event.Type == watch.Modified) && ready(event.Object) {
			return true
		}
	}
	return false
}

// usable returns what tells of a node whether Pods are let on it: the error is why
// they are not. The caller holds control.
func (c *Cluster) usable() func(*corev1.Node) error {
	if c.links[chain.NodeLifecycle] == nil {
		return isReady // nobody takes the mark of the beginner off
	}
	return func(node *corev1.Node) error { return errors.Join(isReady(node), isOpen(node)) }
}

func isReady(node *corev1.Node) error {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return errors.New("its condition Ready is not True")
}

func isOpen(node *corev1.Node) error {
	for _, taint := range node.Spec.Taints {
		if taint.Key == corev1.TaintNodeNotReady {
			return fmt.Errorf("it has the taint %s", taint.ToString())
		}
	}
	return nil
}
