package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cucumber/godog"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/runresources"
)

var nodeSentences = []Sentence{
	{
		text: `these nodes(?: join)?`,
		Description: "Adds the nodes of the table and waits until Pods may be scheduled to them. From then on, the Pods of the scenario are confined " +
			"to the nodes that it has added. The scenario needs the tag @needs-nodes.",
		Example: `Given these nodes:
  | name | cpu | memory | labels   | taints             |
  | n1   | 2   | 1Gi    | disk=ssd |                    |
  | n2   | 2   | 1Gi    |          | use=gpu:NoSchedule |`,
		Table: nodesToAdd,
		Step:  func(w *World) any { return w.theseNodesJoin },
	},
	{
		text: `the kubelet of Node "([^"]+)" is stopped`,
		Description: "Stops the kubelet of a node that the scenario has added, without warning; its containers keep running. The scenario needs the tag " +
			"@needs-kubelets.",
		Example: `When the kubelet of Node "n1" is stopped`,
		Step:    func(w *World) any { return w.kubeletIsStopped },
	},
	{
		text:        `the kubelet of Node "([^"]+)" is started`,
		Description: "Starts the kubelet of a node that the scenario has added again.",
		Example:     `When the kubelet of Node "n1" is started`,
		Step:        func(w *World) any { return w.kubeletIsStarted },
	},
	{
		text: ref + ` is bound manually to (a ready node|Node "[^"]+")`,
		Description: "Does what a scheduler does: creates a Binding of the Pod to that node, or to any one that is ready. Fails if the API server " +
			"does not accept it.",
		Example: `When Pod "a" is bound manually to Node "n1"`,
		Step:    func(w *World) any { return w.isBoundManuallyTo },
	},
}

// theseNodesJoin brings up the nodes of a table, and waits until they are ready. The
// scenario's Pods are confined to them from then on.
func (w *World) theseNodesJoin(ctx context.Context, table *godog.Table) error {
	nodes, err := implementation.Need[implementation.Nodes](w.Cluster)
	if err != nil {
		return CouldNotRun{err}
	}
	lines, err := rows(table)
	if err != nil {
		return err
	}
	w.stimulus()
	for _, line := range lines {
		node, err := w.node(line)
		if err != nil {
			return CouldNotRun{err}
		}
		switch err := nodes.AddNode(ctx, node); {
		case errors.Is(err, implementation.ErrNotReady):
			return err
		case err != nil:
			return CouldNotRun{fmt.Errorf("node %q could not be added: %w", node.Name, err)}
		}
		w.nodes.Insert(node.Name)
		w.cleanup = append(w.cleanup, func(ctx context.Context) error { return nodes.RemoveNode(ctx, node.Name) })
		if err := w.await(ctx, "Pods to be let on node "+node.Name, func(record history.Record) error {
			return open(record.Live("Node", node.Name))
		}); err != nil {
			return err
		}
		if node.Spec.Unschedulable {
			if err := w.cordon(ctx, node.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// open returns nil if the scheduler may look at the node: it exists, and has lost
// the taint of a beginner (NODE-05), as far as it had one.
func open(node *unstructured.Unstructured) error {
	if node == nil {
		return errors.New("no watcher was notified of it")
	}
	taints, _, _ := unstructured.NestedSlice(node.Object, "spec", "taints")
	for _, entry := range taints {
		if taint, _ := entry.(map[string]any); taint["key"] == corev1.TaintNodeNotReady {
			return errors.New("it still has the taint " + corev1.TaintNodeNotReady)
		}
	}
	return nil
}

// cordon marks a node as unschedulable, as kubectl cordon does.
func (w *World) cordon(ctx context.Context, name string) error {
	path, err := w.path("Node", name, "")
	if err != nil {
		return err
	}
	_, err = w.demand(ctx, request{method: "PATCH", path: path, contentType: patchTypes["merge patch"],
		body: map[string]any{"spec": map[string]any{"unschedulable": true}}})
	return err
}

// node reads a row: name, labels "k=v, …", taints "k=v:Effect, …",
// unschedulable, and any resource by its name.
//
// The nodes of a scenario are a zone: Kubernetes taints the dead nodes of a zone
// one in ten seconds, and none while most of them are dead.
func (w *World) node(line map[string]string) (*corev1.Node, error) {
	name := line["name"]
	if w.Shared {
		name = w.Namespace + "-" + name
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
		runresources.NodesLabel: w.Namespace, runresources.RunLabel: w.Run, corev1.LabelTopologyZone: w.Namespace}}}
	if w.Shared {
		node.Spec.Taints = []corev1.Taint{w.ownTaint()}
	}
	for column, value := range line {
		switch {
		case value == "" || column == "name":
		case column == "labels":
			for _, pair := range list(value) {
				key, value, _ := strings.Cut(pair, "=")
				node.Labels[key] = value
			}
		case column == "taints":
			for _, text := range list(value) {
				taint, effect, found := strings.Cut(text, ":")
				if !found {
					return nil, fmt.Errorf("taint %q: expected key=value:Effect", text)
				}
				key, value, _ := strings.Cut(taint, "=")
				node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: key, Value: value, Effect: corev1.TaintEffect(effect)})
			}
		case column == "unschedulable":
			node.Spec.Unschedulable = value == "true"
		default:
			quantity, err := resource.ParseQuantity(value)
			if err != nil {
				return nil, fmt.Errorf("column %s, value %q: %w", column, value, err)
			}
			if node.Status.Capacity == nil {
				node.Status.Capacity, node.Status.Allocatable = corev1.ResourceList{}, corev1.ResourceList{}
			}
			node.Status.Capacity[corev1.ResourceName(column)] = quantity
			node.Status.Allocatable[corev1.ResourceName(column)] = quantity
		}
	}
	return node, nil
}

// ownTaint keeps the Pods of other scenarios off a node of this one, which will
// soon be gone.
func (w *World) ownTaint() corev1.Taint {
	return corev1.Taint{Key: runresources.NodesLabel, Value: w.Namespace, Effect: corev1.TaintEffectNoSchedule}
}

// keepOthersOut adds the scenario's own taint to the taints that a node is to
// have: on a shared cluster the Pods of others would come, and be lost when the
// node goes.
func (w *World) keepOthersOut(taints any) any {
	if !w.Shared {
		return taints
	}
	given, _ := taints.([]any)
	own := w.ownTaint()
	return append([]any{map[string]any{"key": own.Key, "value": own.Value, "effect": string(own.Effect)}}, given...)
}

func list(text string) []string {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// kubeletIsStopped and startKubelet have a node of the scenario fail, and come back
// (capability "kubelets").
func (w *World) kubeletIsStopped(ctx context.Context, node string) error {
	kubelets, name, err := w.kubelet(node)
	if err != nil {
		return err
	}
	w.stimulus()
	w.silent.Insert(name)
	return kubelets.StopKubelet(ctx, name)
}

func (w *World) kubeletIsStarted(ctx context.Context, node string) error {
	kubelets, name, err := w.kubelet(node)
	if err != nil {
		return err
	}
	w.stimulus()
	w.silent.Delete(name)
	return kubelets.StartKubelet(ctx, name)
}

func (w *World) kubelet(node string) (implementation.Kubelets, string, error) {
	name := w.real("Node", node)
	if !w.nodes.Has(name) {
		return nil, "", CouldNotRun{fmt.Errorf("node %q was not added by the scenario: other users may depend on it", node)}
	}
	kubelets, err := implementation.Need[implementation.Kubelets](w.Cluster)
	if err != nil {
		return nil, "", CouldNotRun{err}
	}
	return kubelets, name, nil
}

// isBoundManuallyTo does what the scheduler does (SCHED-02).
func (w *World) isBoundManuallyTo(ctx context.Context, text, target string) error {
	pod, err := w.object(ctx, text)
	if err != nil {
		return err
	}
	var node string
	if match := named.FindStringSubmatch(target); match != nil {
		node = w.real("Node", match[2])
	} else if node, err = w.someNode(ctx); err != nil {
		return err
	}
	w.stimulus()
	path, err := w.path("Pod", pod.GetName(), "binding")
	if err != nil {
		return err
	}
	if _, err = w.demand(ctx, request{method: "POST", path: path, body: binding(pod, node)}); err != nil {
		return err
	}
	return w.await(ctx, "the watchers to be notified of the binding", func(record history.Record) error {
		versions := record.ByUID(pod.GetUID())
		if len(versions) == 0 || history.Text(versions[len(versions)-1].Object, "spec", "nodeName") == "" {
			return errors.New("they were not")
		}
		return nil
	})
}

func binding(pod *unstructured.Unstructured, node string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "Binding",
		"metadata": map[string]any{"name": pod.GetName(), "uid": string(pod.GetUID())},
		"target":   map[string]any{"kind": "Node", "name": node},
	}
}

func (w *World) someNode(ctx context.Context) (name string, err error) {
	err = w.await(ctx, "a ready node", func(record history.Record) error {
		for _, node := range record.LiveOf("Node", w.usable) {
			if history.Condition(node, "Ready") == "True" {
				name = node.GetName()
				return nil
			}
		}
		return errors.New("no such Node exists")
	})
	return name, err
}

// usable says whether a node is one on which the scenario's Pods may run: one that
// it brought, if it brought any, and none that another scenario did.
func (w *World) usable(node *unstructured.Unstructured) bool {
	if w.nodes.Len() == 0 {
		return node.GetLabels()[runresources.NodesLabel] == ""
	}
	return w.nodes.Has(node.GetName())
}
