package kubernetes

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podchain/podchain/conformance/implementation"
)

// AddNode implements implementation.Nodes. A node is just a Node object: the user of
// KWOK creates it, with what a kubelet would find out about its machine.
func (h *hollowNodes) AddNode(ctx context.Context, object *corev1.Node) error {
	h.mu.Lock()
	h.numbers++
	node := hollowNode(object, h.numbers)
	running := h.running != nil
	h.mu.Unlock()
	if _, err := h.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
		return err
	}
	h.mu.Lock()
	h.names[node.Name] = true
	h.mu.Unlock()
	if !running {
		return fmt.Errorf("node %s: %w: KWOK is stopped", node.Name, implementation.ErrNotReady)
	}
	ctx, cancel := context.WithTimeout(ctx, nodeTimeout)
	defer cancel()
	if err := await(ctx, node.Name, h.client.CoreV1().Nodes().Watch, isReady); err != nil {
		return fmt.Errorf("node %s: %w: waited %s: %w; %s", node.Name, implementation.ErrNotReady, nodeTimeout, err, h.log.Last())
	}
	return nil
}

// hollowNode completes a Node by what KWOK's own tool (kwokctl scale node) puts
// into one.
func hollowNode(object *corev1.Node, number int) *corev1.Node {
	node := object.DeepCopy()
	for name, value := range map[string]string{
		corev1.LabelHostname: node.Name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
	} {
		if _, has := node.Labels[name]; !has {
			metav1.SetMetaDataLabel(&node.ObjectMeta, name, value)
		}
	}
	metav1.SetMetaDataAnnotation(&node.ObjectMeta, managed, "fake")
	node.Status.Addresses = []corev1.NodeAddress{
		{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("192.0.2.%d", number%256)},
		{Type: corev1.NodeHostName, Address: node.Name},
	}
	size := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("32"), corev1.ResourceMemory: resource.MustParse("256Gi"), corev1.ResourcePods: resource.MustParse("110"),
	}
	node.Status.Capacity = over(size, node.Status.Capacity)
	node.Status.Allocatable = over(node.Status.Capacity, node.Status.Allocatable)
	return node
}

// over returns a list with what another says otherwise.
func over(list, other corev1.ResourceList) corev1.ResourceList {
	all := list.DeepCopy()
	for name, quantity := range other {
		all[name] = quantity
	}
	return all
}

// RemoveNode implements implementation.Nodes.
func (h *hollowNodes) RemoveNode(ctx context.Context, name string) error {
	h.mu.Lock()
	known := h.names[name]
	delete(h.names, name)
	h.mu.Unlock()
	if !known {
		return fmt.Errorf("there is no node %s", name)
	}
	err := h.client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil // a scenario has deleted it
	}
	return err
}
