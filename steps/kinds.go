package steps

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// kind is where a kind that features name is found in the API.
type kind struct {
	schema.GroupVersionResource
	cluster bool // cluster-scoped
	watched bool // recorded for every scenario
}

// nodeLeases is the namespace of the Leases by which kubelets tell that they live,
// the only ones that features name.
const nodeLeases = "kube-node-lease"

// kinds are the kinds that features name.
var kinds = map[string]kind{
	"Deployment":         {gvr("apps", "v1", "deployments"), false, true},
	"ReplicaSet":         {gvr("apps", "v1", "replicasets"), false, true},
	"StatefulSet":        {gvr("apps", "v1", "statefulsets"), false, true},
	"DaemonSet":          {gvr("apps", "v1", "daemonsets"), false, true},
	"ControllerRevision": {gvr("apps", "v1", "controllerrevisions"), false, true},
	"Job":                {gvr("batch", "v1", "jobs"), false, false},
	"Pod":                {gvr("", "v1", "pods"), false, true},
	"Event":              {gvr("", "v1", "events"), false, true},
	"ConfigMap":          {gvr("", "v1", "configmaps"), false, true},
	"Secret":             {gvr("", "v1", "secrets"), false, false},
	"Service":            {gvr("", "v1", "services"), false, false},
	"ServiceAccount":     {gvr("", "v1", "serviceaccounts"), false, true},
	"Lease":              {gvr("coordination.k8s.io", "v1", "leases"), false, true},
	"Node":               {gvr("", "v1", "nodes"), true, true},
	"Namespace":          {gvr("", "v1", "namespaces"), true, true},
}

func gvr(group, version, name string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: name}
}

// Finalizable returns the resources of a scenario's namespace whose objects may have
// finalizers of the scenario: no controller removes those.
func Finalizable() []schema.GroupVersionResource {
	var held []schema.GroupVersionResource
	for name, kind := range kinds {
		if kind.watched && !kind.cluster && name != "Lease" && name != "Event" {
			held = append(held, kind.GroupVersionResource)
		}
	}
	return held
}

func kindOf(name string) (kind, error) {
	found, ok := kinds[name]
	if !ok {
		return kind{}, fmt.Errorf("no feature can name the kind %q: the kinds are listed in steps/kinds.go", name)
	}
	return found, nil
}
