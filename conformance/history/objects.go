package history

import (
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/objects"
)

var (
	Controller   = objects.Controller
	ControlledBy = objects.ControlledBy
	Active       = objects.Active
	Condition    = objects.Condition
	Int          = objects.Int
	Text         = objects.Text
)

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
