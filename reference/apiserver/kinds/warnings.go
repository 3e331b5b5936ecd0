package kinds

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
)

// warnUnlessLabel warns of a name that is valid but no DNS label (API-VALID-08).
func warnUnlessLabel(why string) func(runtime.Object) []string {
	return func(obj runtime.Object) []string {
		if errs := validation.IsDNS1123Label(meta(obj).GetName()); len(errs) > 0 {
			return []string{fmt.Sprintf("metadata.name: %s: %v", why, errs)}
		}
		return nil
	}
}
