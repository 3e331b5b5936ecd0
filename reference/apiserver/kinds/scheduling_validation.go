package kinds

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// scheduling checks what a Pod asks of its node.
func (f *errs) scheduling(spec *corev1.PodSpec, path *field.Path) {
	f.add(metav1validation.ValidateLabels(spec.NodeSelector, path.Child("nodeSelector"))...)
	f.affinity(spec.Affinity, path.Child("affinity"))
	f.tolerations(spec.Tolerations, path.Child("tolerations"))
	f.spread(spec.TopologySpreadConstraints, path.Child("topologySpreadConstraints"))
	names := sets.New[string]()
	for i, gate := range spec.SchedulingGates {
		at := path.Child("schedulingGates").Index(i)
		f.texts(at.Child("name"), gate.Name, validation.IsQualifiedName(gate.Name))
		f.unique(at, names, gate.Name)
	}
}

func (f *errs) affinity(a *corev1.Affinity, path *field.Path) {
	if a == nil {
		return
	}
	const required, preferred = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
	if n := a.NodeAffinity; n != nil {
		at := path.Child("nodeAffinity")
		if n.RequiredDuringSchedulingIgnoredDuringExecution != nil {
			f.nodeSelector(n.RequiredDuringSchedulingIgnoredDuringExecution, at.Child(required))
		}
		for i, term := range n.PreferredDuringSchedulingIgnoredDuringExecution {
			at := at.Child(preferred).Index(i)
			f.weight(term.Weight, at)
			f.nodeSelectorTerm(&term.Preference, at.Child("preference"))
		}
	}
	if p := a.PodAffinity; p != nil {
		f.podAffinity(p.RequiredDuringSchedulingIgnoredDuringExecution, p.PreferredDuringSchedulingIgnoredDuringExecution,
			path.Child("podAffinity", required), path.Child("podAffinity", preferred))
	}
	if p := a.PodAntiAffinity; p != nil {
		f.podAffinity(p.RequiredDuringSchedulingIgnoredDuringExecution, p.PreferredDuringSchedulingIgnoredDuringExecution,
			path.Child("podAntiAffinity", required), path.Child("podAntiAffinity", preferred))
	}
}

func (f *errs) weight(weight int32, path *field.Path) {
	if weight <= 0 || weight > 100 {
		f.invalid(path.Child("weight"), weight, "must be in the range 1-100")
	}
}

func (f *errs) nodeSelector(s *corev1.NodeSelector, path *field.Path) {
	if len(s.NodeSelectorTerms) == 0 {
		f.required(path.Child("nodeSelectorTerms"), "must have at least one node selector term")
	}
	for i := range s.NodeSelectorTerms {
		f.nodeSelectorTerm(&s.NodeSelectorTerms[i], path.Child("nodeSelectorTerms").Index(i))
	}
}

func (f *errs) nodeSelectorTerm(term *corev1.NodeSelectorTerm, path *field.Path) {
	for i := range term.MatchExpressions {
		f.nodeRequirement(&term.MatchExpressions[i], path.Child("matchExpressions").Index(i))
	}
	for i := range term.MatchFields {
		f.nodeFieldRequirement(&term.MatchFields[i], path.Child("matchFields").Index(i))
	}
}

func (f *errs) nodeRequirement(r *corev1.NodeSelectorRequirement, path *field.Path) {
	switch r.Operator {
	case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
		if len(r.Values) == 0 {
			f.required(path.Child("values"), "must be specified when `operator` is 'In' or 'NotIn'")
		}
	case corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist:
		if len(r.Values) > 0 {
			f.forbidden(path.Child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
		}
	case corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt:
		if len(r.Values) != 1 {
			f.required(path.Child("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'")
		}
	default:
		f.invalid(path.Child("operator"), r.Operator, "not a valid selector operator")
	}
	f.add(metav1validation.ValidateLabelName(r.Key, path.Child("key"))...)
	for i, value := range r.Values {
		f.texts(path.Child("values").Index(i), value, validation.IsValidLabelValue(value))
	}
}

func (f *errs) nodeFieldRequirement(r *corev1.NodeSelectorRequirement, path *field.Path) {
	switch r.Operator {
	case corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn:
		if len(r.Values) != 1 {
			f.required(path.Child("values"), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector")
		}
	default:
		f.invalid(path.Child("operator"), r.Operator, "not a valid selector operator")
	}
	if r.Key != metav1.ObjectNameField {
		f.invalid(path.Child("key"), r.Key, "not a valid field selector key")
		return
	}
	for i, value := range r.Values {
		f.texts(path.Child("values").Index(i), value, apivalidation.NameIsDNSSubdomain(value, false))
	}
}

func (f *errs) podAffinity(required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm, requiredPath, preferredPath *field.Path) {
	for i := range required {
		f.podAffinityTerm(&required[i], requiredPath.Index(i))
	}
	for i := range preferred {
		f.weight(preferred[i].Weight, preferredPath.Index(i))
		f.podAffinityTerm(&preferred[i].PodAffinityTerm, preferredPath.Index(i).Child("podAffinityTerm"))
	}
}

func (f *errs) podAffinityTerm(term *corev1.PodAffinityTerm, path *field.Path) {
	f.selectorForm(term.LabelSelector, path.Child("labelSelector"))
	f.selectorForm(term.NamespaceSelector, path.Child("namespaceSelector"))
	for _, name := range term.Namespaces {
		f.texts(path.Child("namespace"), name, apivalidation.ValidateNamespaceName(name, false))
	}
	if term.TopologyKey == "" {
		f.required(path.Child("topologyKey"), "can not be empty")
	}
	f.add(metav1validation.ValidateLabelName(term.TopologyKey, path.Child("topologyKey"))...)
}

func (f *errs) selectorForm(s *metav1.LabelSelector, path *field.Path) {
	f.add(metav1validation.ValidateLabelSelector(s, metav1validation.LabelSelectorValidationOptions{}, path)...)
}

func (f *errs) tolerations(tolerations []corev1.Toleration, path *field.Path) {
	for i := range tolerations {
		t, at := &tolerations[i], path.Index(i)
		if t.Key != "" {
			f.add(metav1validation.ValidateLabelName(t.Key, at.Child("key"))...)
		} else if t.Operator != corev1.TolerationOpExists {
			f.invalid(at.Child("operator"), t.Operator, "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
		}
		if t.TolerationSeconds != nil && t.Effect != corev1.TaintEffectNoExecute {
			f.invalid(at.Child("effect"), t.Effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
		}
		f.tolerationValue(t, at)
		if t.Effect != "" {
			oneOf(f, at.Child("effect"), t.Effect, corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute)
		}
	}
}

func (f *errs) tolerationValue(t *corev1.Toleration, path *field.Path) {
	switch t.Operator {
	case corev1.TolerationOpEqual, "":
		if wrong := validation.IsValidLabelValue(t.Value); len(wrong) > 0 {
			f.invalid(path.Child("operator"), t.Value, strings.Join(wrong, ";"))
		}
	case corev1.TolerationOpExists:
		if t.Value != "" {
			f.invalid(path.Child("operator"), t.Value, "value must be empty when `operator` is 'Exists'")
		}
	case corev1.TolerationOpLt, corev1.TolerationOpGt:
		if _, err := strconv.ParseInt(t.Value, 10, 64); err != nil {
			f.invalid(path.Child("value"), t.Value, err.Error())
		}
	default:
		f.add(field.NotSupported(path.Child("operator"), t.Operator, []corev1.TolerationOperator{corev1.TolerationOpEqual, corev1.TolerationOpExists}))
	}
}

func (f *errs) spread(constraints []corev1.TopologySpreadConstraint, path *field.Path) {
	seen := sets.New[string]()
	for i := range constraints {
		c, at := &constraints[i], path.Index(i)
		if c.MaxSkew <= 0 {
			f.invalid(at.Child("maxSkew"), int64(c.MaxSkew), "must be greater than zero")
		}
		if c.TopologyKey == "" {
			f.required(at.Child("topologyKey"), "can not be empty")
		}
		if c.WhenUnsatisfiable != corev1.DoNotSchedule && c.WhenUnsatisfiable != corev1.ScheduleAnyway {
			f.add(field.NotSupported(at.Child("whenUnsatisfiable"), c.WhenUnsatisfiable,
				[]corev1.UnsatisfiableConstraintAction{corev1.DoNotSchedule, corev1.ScheduleAnyway}))
		}
		f.unique(at.Child("{topologyKey, whenUnsatisfiable}"), seen, "{"+c.TopologyKey+", "+string(c.WhenUnsatisfiable)+"}")
		if c.MinDomains != nil {
			if *c.MinDomains <= 0 {
				f.invalid(at.Child("minDomains"), *c.MinDomains, "must be greater than zero")
			}
			if c.WhenUnsatisfiable != corev1.DoNotSchedule {
				f.invalid(at.Child("minDomains"), *c.MinDomains, "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not "+string(c.WhenUnsatisfiable))
			}
		}
		f.selectorForm(c.LabelSelector, at.Child("labelSelector"))
	}
}
