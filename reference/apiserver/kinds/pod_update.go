package kinds

import (
	"fmt"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/diff"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const onlyUpdatable = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`," +
	"`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)," +
	"`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"

// validatePodUpdate lets only a few fields of a Pod's spec change
// (API-VALID-07). It checks how those changed, puts the old values in their
// place, and wants what is then left to be as it was.
func validatePodUpdate(pod, old *corev1.Pod) field.ErrorList {
	f := &errs{}
	f.pod(pod)
	path := field.NewPath("spec")
	if len(pod.Spec.Containers) != len(old.Spec.Containers) {
		f.forbidden(path.Child("containers"), "pod updates may not add or remove containers")
		return f.list()
	}
	if len(pod.Spec.InitContainers) != len(old.Spec.InitContainers) {
		f.forbidden(path.Child("initContainers"), "pod updates may not add or remove containers")
		return f.list()
	}
	f.deadline(pod.Spec.ActiveDeadlineSeconds, old.Spec.ActiveDeadlineSeconds, path.Child("activeDeadlineSeconds"))
	f.onlyAddedTolerations(pod.Spec.Tolerations, old.Spec.Tolerations, path.Child("tolerations"))
	f.onlyRemovedGates(pod.Spec.SchedulingGates, old.Spec.SchedulingGates, path.Child("schedulingGates"))
	if equality.Semantic.DeepEqual(pod.Spec, old.Spec) {
		return f.list()
	}

	rest := pod.Spec.DeepCopy()
	for i := range rest.Containers {
		rest.Containers[i].Image = old.Spec.Containers[i].Image
	}
	for i := range rest.InitContainers {
		rest.InitContainers[i].Image = old.Spec.InitContainers[i].Image
	}
	rest.ActiveDeadlineSeconds = old.Spec.ActiveDeadlineSeconds
	rest.Tolerations = old.Spec.Tolerations
	rest.SchedulingGates = old.Spec.SchedulingGates
	if grace, was := rest.TerminationGracePeriodSeconds, old.Spec.TerminationGracePeriodSeconds; grace != nil && was != nil && *grace == 1 && *was < 0 {
		rest.TerminationGracePeriodSeconds = was
	}
	if len(old.Spec.SchedulingGates) > 0 {
		f.tightened(rest, &old.Spec, path)
	}
	if !equality.Semantic.DeepEqual(*rest, old.Spec) {
		f.forbidden(path, fmt.Sprintf("%s\n%v", onlyUpdatable, diff.Diff(old.Spec, *rest)))
	}
	return f.list()
}

// deadline may be set, and then only come nearer.
func (f *errs) deadline(seconds, old *int64, path *field.Path) {
	switch {
	case seconds == nil && old != nil:
		f.invalid(path, seconds, "must not update from a positive integer to nil value")
	case seconds == nil:
	case *seconds < 0 || *seconds > math.MaxInt32:
		f.invalid(path, *seconds, validation.InclusiveRangeError(0, math.MaxInt32))
	case old != nil && *old < *seconds:
		f.invalid(path, *seconds, "must be less than or equal to previous value")
	}
}

// onlyAddedTolerations wants every old toleration still there, though its
// seconds may differ.
func (f *errs) onlyAddedTolerations(tolerations, old []corev1.Toleration, path *field.Path) {
	for _, o := range old {
		if !slices.ContainsFunc(tolerations, func(t corev1.Toleration) bool {
			t.TolerationSeconds = o.TolerationSeconds
			return t == o
		}) {
			f.forbidden(path, "existing toleration can not be modified except its tolerationSeconds")
			return
		}
	}
}

func (f *errs) onlyRemovedGates(gates, old []corev1.PodSchedulingGate, path *field.Path) {
	for i, gate := range gates {
		if !slices.Contains(old, gate) {
			f.forbidden(path.Index(i).Child("name"), fmt.Sprintf("only deletion is allowed, but found new scheduling gate '%s'", gate.Name))
		}
	}
}

// tightened lets a gated Pod become choosier about its node, as the scheduler
// has not looked at it yet, and puts the old wishes back into rest.
func (f *errs) tightened(rest, old *corev1.PodSpec, path *field.Path) {
	for key, value := range old.NodeSelector {
		if now, ok := rest.NodeSelector[key]; !ok || now != value {
			f.invalid(path.Child("nodeSelector"), rest.NodeSelector, "only additions to spec.nodeSelector are allowed (no mutations or deletions)")
			break
		}
	}
	rest.NodeSelector = old.NodeSelector

	now, was := nodeAffinityOf(rest), nodeAffinityOf(old)
	if equality.Semantic.DeepEqual(now, was) {
		return
	}
	f.tightenedTerms(requiredTerms(now), requiredTerms(was),
		path.Child("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"))
	if rest.Affinity == nil {
		rest.Affinity = &corev1.Affinity{}
	}
	rest.Affinity.NodeAffinity = was
	if old.Affinity == nil && *rest.Affinity == (corev1.Affinity{}) {
		rest.Affinity = nil
	}
}

func nodeAffinityOf(spec *corev1.PodSpec) *corev1.NodeAffinity {
	if spec.Affinity == nil {
		return nil
	}
	return spec.Affinity.NodeAffinity
}

func requiredTerms(a *corev1.NodeAffinity) []corev1.NodeSelectorTerm {
	if a == nil || a.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	return a.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
}

// tightenedTerms wants each term to begin with what it was. Terms are
// alternatives, so that another one would loosen the wish.
func (f *errs) tightenedTerms(terms, old []corev1.NodeSelectorTerm, path *field.Path) {
	if len(old) == 0 {
		return
	}
	if len(old) != len(terms) {
		f.invalid(path, terms, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")
		return
	}
	for i := range old {
		empty := len(old[i].MatchExpressions)+len(old[i].MatchFields) == 0
		grew := len(terms[i].MatchExpressions)+len(terms[i].MatchFields) > 0
		if empty && grew || !beginsWith(terms[i].MatchExpressions, old[i].MatchExpressions) || !beginsWith(terms[i].MatchFields, old[i].MatchFields) {
			f.invalid(path.Index(i), terms[i], "only additions are allowed (no mutations or deletions)")
		}
	}
}

func beginsWith(list, start []corev1.NodeSelectorRequirement) bool {
	return len(list) >= len(start) && equality.Semantic.DeepEqual(list[:len(start)], start)
}
