package steps

import (
	"context"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/runresources"
	"github.com/podchain/podchain/fixtures"
)

// manifest returns what a sentence means by an object that it creates: the
// fixture of its kind with the number of replicas and the fields of the table.
func (w *World) manifest(ctx context.Context, kind, name, replicas string, table *godog.Table) (map[string]any, error) {
	object, err := fixtures.Manifest(kind, w.real(kind, name))
	if err != nil {
		return nil, CouldNotRun{err}
	}
	if replicas != "" {
		count, err := field.ParseValue(replicas)
		if err != nil {
			return nil, CouldNotRun{err}
		}
		if err := unstructured.SetNestedField(object.Object, count, "spec", "replicas"); err != nil {
			return nil, CouldNotRun{err}
		}
	}
	if table != nil {
		if err := w.edit(ctx, object.Object, table); err != nil {
			return nil, err
		}
	}
	if chain.KindOf(kind).ClusterScoped {
		// All else is marked by its namespace.
		if err := unstructured.SetNestedField(object.Object, w.Run, "metadata", "labels", runresources.RunLabel); err != nil {
			return nil, CouldNotRun{err}
		}
	}
	if kind == "Node" {
		// It belongs to the scenario alone, like those that join.
		if err := unstructured.SetNestedField(object.Object, w.Namespace, "metadata", "labels", runresources.NodesLabel); err != nil {
			return nil, CouldNotRun{err}
		}
	}
	if spec := podSpec(object.Object); spec != nil {
		w.place(kind, spec)
		w.nameImages(spec)
	}
	return object.Object, nil
}

// podSpec returns the Pod spec in an object or its template, nil if there is
// none to fill in.
func podSpec(object map[string]any) map[string]any {
	path := []string{"spec", "template", "spec"}
	if object["kind"] == "Pod" {
		path = []string{"spec"}
	}
	var inner any = object
	for _, key := range path {
		entry, ok := inner.(map[string]any)
		if !ok {
			return nil
		}
		inner = entry[key]
	}
	spec, _ := inner.(map[string]any)
	return spec
}

// place confines the Pods of a scenario that brought nodes to these nodes. Without
// any, a DaemonSet on a shared cluster gets no Pods: it would have one on each of
// the nodes of others.
func (w *World) place(kind string, spec map[string]any) {
	everywhere := w.Shared && chain.KindOf(kind).EachNode
	if w.nodes.Len() == 0 && !everywhere || spec["nodeName"] != nil {
		return
	}
	selector, _ := spec["nodeSelector"].(map[string]any)
	if selector == nil {
		selector = map[string]any{}
	}
	selector[runresources.NodesLabel] = w.Namespace
	spec["nodeSelector"] = selector
	if w.Shared {
		tolerations, _ := spec["tolerations"].([]any)
		spec["tolerations"] = append(tolerations, map[string]any{"key": runresources.NodesLabel, "operator": "Exists"})
	}
}
