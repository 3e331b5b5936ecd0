package history

import (
	"github.com/google/go-cmp/cmp"
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

// Active says whether a Pod counts as one of its owner's replicas: not on its
// way out, neither Succeeded nor Failed (RS-01).
func Active(pod *unstructured.Unstructured) bool {
	phase, _, _ := unstructured.NestedString(pod.Object, "status", "phase")
	return pod.GetDeletionTimestamp() == nil && phase != "Succeeded" && phase != "Failed"
}

// Condition returns the status ("True", "False", "Unknown") of a condition, ""
// if the object has none of that type.
func Condition(object *unstructured.Unstructured, kind string) string {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, entry := range conditions {
		if condition, ok := entry.(map[string]any); ok && condition["type"] == kind {
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

// Diff shows what changed between two versions of an object, without the
// bookkeeping that every write changes.
func Diff(before, after *unstructured.Unstructured) string {
	strip := func(object *unstructured.Unstructured) map[string]any {
		copied := object.DeepCopy()
		copied.SetManagedFields(nil)
		copied.SetResourceVersion("")
		return copied.Object
	}
	return cmp.Diff(strip(before), strip(after))
}
