package kinds

import (
	"k8s.io/apimachinery/pkg/api/equality"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// errs collects everything that is wrong with an object. Validation continues
// after an error, so that a client sees all of them at once.
type errs field.ErrorList

func (f *errs) add(list ...*field.Error) { *f = append(*f, list...) }

func (f *errs) list() field.ErrorList { return field.ErrorList(*f) }

func (f *errs) invalid(path *field.Path, value any, why string) {
	f.add(field.Invalid(path, value, why))
}

func (f *errs) required(path *field.Path, why string) { f.add(field.Required(path, why)) }

func (f *errs) forbidden(path *field.Path, why string) { f.add(field.Forbidden(path, why)) }

// texts reports the faults that a check of package validation describes.
func (f *errs) texts(path *field.Path, value any, descriptions []string) {
	for _, why := range descriptions {
		f.invalid(path, value, why)
	}
}

// label wants a DNS label, and something at all.
func (f *errs) label(path *field.Path, value string) {
	if value == "" {
		f.required(path, "")
		return
	}
	f.texts(path, value, validation.IsDNS1123Label(value))
}

// present wants a value.
func (f *errs) present(path *field.Path, value string) {
	if value == "" {
		f.required(path, "")
	}
}

func (f *errs) nonNegative(path *field.Path, value int64) {
	f.add(apivalidation.ValidateNonnegativeField(value, path)...)
}

// optional is nonNegative for a field that may be absent.
func (f *errs) optional(path *field.Path, value *int32) {
	if value != nil {
		f.nonNegative(path, int64(*value))
	}
}

func (f *errs) immutable(path *field.Path, value, old any) {
	if !equality.Semantic.DeepEqual(value, old) {
		f.invalid(path, value, apivalidation.FieldImmutableErrorMsg)
	}
}

// oneOf wants one of the values allowed, and something at all.
func oneOf[T ~string](f *errs, path *field.Path, value T, allowed ...T) {
	if value == "" {
		f.required(path, "")
		return
	}
	for _, a := range allowed {
		if a == value {
			return
		}
	}
	f.add(field.NotSupported(path, value, allowed))
}

// intOrPercent wants a number that is not negative, or a well-formed percentage.
func (f *errs) intOrPercent(path *field.Path, value intstr.IntOrString) {
	if value.Type == intstr.String {
		f.texts(path, value, validation.IsValidPercent(value.StrVal))
		return
	}
	f.nonNegative(path, int64(value.IntVal))
}

func (f *errs) atMost100Percent(path *field.Path, value intstr.IntOrString) {
	if value.Type == intstr.String && len(validation.IsValidPercent(value.StrVal)) == 0 && amount(value) > 100 {
		f.invalid(path, value, "must not be greater than 100%")
	}
}

// amount is the number in a number or percentage; 0 for what is neither.
func amount(value intstr.IntOrString) int {
	if value.Type == intstr.Int {
		return int(value.IntVal)
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(&value, 100, false)
	if err != nil {
		return 0
	}
	return n
}

// counter is one number of a status.
type counter struct {
	name  string
	value int64
}

// counters wants the numbers of a status not to be negative.
func (f *errs) counters(path *field.Path, all ...counter) {
	for _, c := range all {
		f.nonNegative(path.Child(c.name), c.value)
	}
}

// within wants the numbers not to exceed limit, which is called limitName.
func (f *errs) within(path *field.Path, limit int64, limitName string, all ...counter) {
	for _, c := range all {
		if c.value > limit {
			f.invalid(path.Child(c.name), c.value, "cannot be greater than "+limitName)
		}
	}
}

// collisions wants the collision count not to go down: names made from it
// would be used again.
func (f *errs) collisions(path *field.Path, count, old *int32) {
	path = path.Child("collisionCount")
	f.optional(path, count)
	switch {
	case old == nil:
	case count == nil:
		f.invalid(path, int32(0), "cannot be decremented")
	case *count < *old:
		f.invalid(path, *count, "cannot be decremented")
	}
}
