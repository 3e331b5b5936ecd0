// Package kinds says what each kind adds to the API server's generic handling:
// its place in the URL space, defaults, preparation, validation, selectable
// fields, table columns. The generic part (package apiserver) asks for nothing
// else, and this package knows nothing of HTTP or the store.
package kinds

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Kind is one kind as the API server serves it. Every func may be nil: then the
// kind adds nothing there.
type Kind struct {
	schema.GroupVersionKind
	// Resource is the plural of the URL, Singular the name beside it.
	Resource, Singular string
	Namespaced         bool
	ShortNames         []string
	Categories         []string

	// Default fills in what a client left out (API-DEFAULT). It is called on
	// every create and update, before Prepare and Validate.
	Default func(obj runtime.Object)
	// PrepareForCreate sets what the server owns: status and generation.
	PrepareForCreate func(obj runtime.Object)
	// PrepareForUpdate keeps from old what a write to the main resource must
	// not change (status), and raises the generation (API-META-05..07).
	PrepareForUpdate func(obj, old runtime.Object)
	// PrepareForStatus keeps from old what a write to /status must not change.
	// The kind has a status subresource if and only if it is set.
	PrepareForStatus func(obj, old runtime.Object)
	// Validate and ValidateUpdate return every fault found, not the first only.
	// Object metadata is validated by the generic part, except the name's form.
	Validate       func(obj runtime.Object) field.ErrorList
	ValidateUpdate func(obj, old runtime.Object) field.ErrorList
	ValidateStatus func(obj, old runtime.Object) field.ErrorList
	// ValidateName says what is wrong with a name, in the form of
	// apimachinery's validation.NameIsDNSSubdomain; nil means that one.
	ValidateName func(name string, prefix bool) []string
	// Warnings for a created or updated object (Warning headers).
	Warnings func(obj runtime.Object) []string

	// Fields are the selectable fields of an object beyond metadata.name and
	// metadata.namespace (API-READ-04). FieldNames are the names it can return.
	Fields     func(obj runtime.Object) fields.Set
	FieldNames []string
	// IndexField is the selectable field by which watchers divide the objects
	// among them, as kubelets do with Pods; IndexValue returns its value. Both or
	// none are set.
	IndexField string
	IndexValue func(obj runtime.Object) string

	// Scale views the object as autoscaling/v1 Scale and writes
	// spec.replicas back. The kind has /scale if and only if it is set.
	Scale *Scale

	// Columns and Row render the object for kubectl (API-READ-09). Row returns
	// one cell per column.
	Columns []metav1.TableColumnDefinition
	Row     func(obj runtime.Object, now time.Time) []any

	// GracePeriod returns the seconds between DELETE and removal, from the
	// options or the object; nil for kinds that go at once (API-DELETE-07).
	GracePeriod func(obj runtime.Object, requested *int64) int64
	// DefaultPropagation is the propagation policy of a DELETE that names none;
	// empty means background (API-DELETE-12).
	DefaultPropagation metav1.DeletionPropagation
	// AllowCreateOnUpdate makes PUT of a missing object create it.
	AllowCreateOnUpdate bool
	// RequireVersionOnUpdate refuses a PUT without resourceVersion.
	RequireVersionOnUpdate bool
	// DeleteReturnsObject answers a DELETE that removes the object at once with
	// the object instead of a Status (API-DELETE-01).
	DeleteReturnsObject bool
}

// Scale is the view of a kind as autoscaling/v1 Scale.
type Scale struct {
	// Get returns spec.replicas, status.replicas and the selector in its
	// string form.
	Get func(obj runtime.Object) (spec, status int32, selector string)
	// Set writes spec.replicas.
	Set func(obj runtime.Object, replicas int32)
}
