// Package objects reads what the chain says in its objects: who controls one, its
// conditions, the values of its fields.
package objects

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// Controller returns the uid of the object's controller, "" if it has none.
func Controller(object *unstructured.Unstructured) types.UID {
	for _, owner := range object.GetOwnerReferences() {
		if owner.Controller != nil && *owner.Controller {
			return owner.UID
		}
	}
	return ""
}

// ControlledBy accepts the objects whose controller has that uid.
func ControlledBy(uid types.UID) func(*unstructured.Unstructured) bool {
	return func(object *unstructured.Unstructured) bool { return Controller(object) == uid }
}

// Active says whether a Pod counts as one of its owner's replicas: not being deleted,
// neither Succeeded nor Failed (RS-01).
func Active(pod *unstructured.Unstructured) bool {
	phase := Text(pod, "status", "phase")
	return pod.GetDeletionTimestamp() == nil && phase != "Succeeded" && phase != "Failed"
}

// Condition returns the status ("True", "False", "Unknown") of a condition, "" if the
// object has none of that type.
func Condition(object *unstructured.Unstructured, kind string) string {
	for _, condition := range List(object, "status", "conditions") {
		if condition["type"] == kind {
			status, _ := condition["status"].(string)
			return status
		}
	}
	return ""
}

// Int returns the integer at the path, 0 if it is absent.
func Int(object *unstructured.Unstructured, path ...string) int64 {
	value, _, _ := unstructured.NestedInt64(object.Object, path...)
	return value
}

// Text returns the string at the path, "" if it is absent.
func Text(object *unstructured.Unstructured, path ...string) string {
	value, _, _ := unstructured.NestedString(object.Object, path...)
	return value
}

// List returns the entries of the list at the path that are objects themselves.
func List(object *unstructured.Unstructured, path ...string) []map[string]any {
	var found []map[string]any
	entries, _, _ := unstructured.NestedSlice(object.Object, path...)
	for _, entry := range entries {
		if fields, ok := entry.(map[string]any); ok {
			found = append(found, fields)
		}
	}
	return found
}
