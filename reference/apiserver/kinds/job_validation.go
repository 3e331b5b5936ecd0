package kinds

import (
	"fmt"
	"maps"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxIndexedParallelism bounds what the controller has to keep count of.
const maxIndexedParallelism = 100000

func validateJob(j *batchv1.Job) field.ErrorList {
	f, path := &errs{}, field.NewPath("spec")
	f.generatedSelector(j)
	f.jobSpec(&j.Spec, path)
	if j.Spec.Selector == nil {
		f.required(path.Child("selector"), "")
		return f.list()
	}
	f.selectorForm(j.Spec.Selector, path.Child("selector"))
	selector, err := metav1.LabelSelectorAsSelector(j.Spec.Selector)
	if err == nil && !selector.Matches(labels.Set(j.Spec.Template.Labels)) {
		f.invalid(path.Child("template", "metadata", "labels"), j.Spec.Template.Labels, "`selector` does not match template `labels`")
	}
	return f.list()
}

// generatedSelector wants the labels that the server generates not to have
// been claimed by the client with other values.
func (f *errs) generatedSelector(j *batchv1.Job) {
	if j.Spec.ManualSelector != nil && *j.Spec.ManualSelector || j.Spec.Selector == nil || j.UID == "" {
		return
	}
	path := field.NewPath("spec", "template", "metadata", "labels")
	for _, generated := range []struct{ label, value string }{
		{"controller-uid", string(j.UID)},
		{batchv1.ControllerUidLabel, string(j.UID)},
		{"job-name", j.Name},
		{batchv1.JobNameLabel, j.Name},
	} {
		switch value, set := j.Spec.Template.Labels[generated.label]; {
		case !set:
			f.required(path.Key(generated.label), fmt.Sprintf("must be '%s'", generated.value))
		case value != generated.value:
			f.invalid(path.Key(generated.label), j.Spec.Template.Labels, fmt.Sprintf("must be '%s'", generated.value))
		}
	}
	if !maps.Equal(j.Spec.Selector.MatchLabels, map[string]string{batchv1.ControllerUidLabel: string(j.UID)}) || len(j.Spec.Selector.MatchExpressions) > 0 {
		f.invalid(field.NewPath("spec", "selector"), j.Spec.Selector, "`selector` not auto-generated")
	}
}

func (f *errs) jobSpec(spec *batchv1.JobSpec, path *field.Path) {
	f.optional(path.Child("parallelism"), spec.Parallelism)
	f.optional(path.Child("completions"), spec.Completions)
	if spec.ActiveDeadlineSeconds != nil {
		f.nonNegative(path.Child("activeDeadlineSeconds"), *spec.ActiveDeadlineSeconds)
	}
	f.optional(path.Child("backoffLimit"), spec.BackoffLimit)
	f.optional(path.Child("ttlSecondsAfterFinished"), spec.TTLSecondsAfterFinished)
	f.optional(path.Child("backoffLimitPerIndex"), spec.BackoffLimitPerIndex)
	f.optional(path.Child("maxFailedIndexes"), spec.MaxFailedIndexes)
	f.completionMode(spec, path)
	f.template(&spec.Template, path.Child("template"))
	switch policy := spec.Template.Spec.RestartPolicy; policy {
	case corev1.RestartPolicyNever, corev1.RestartPolicyOnFailure:
		if spec.PodFailurePolicy != nil && policy != corev1.RestartPolicyNever {
			f.invalid(path.Child("template", "spec", "restartPolicy"), policy, `only "Never" is supported when podFailurePolicy is specified`)
		}
	case corev1.RestartPolicyAlways, "":
		// Always is also what is there when the client wrote nothing.
		f.required(path.Child("template", "spec", "restartPolicy"), `valid values: "OnFailure", "Never"`)
	default:
		f.add(field.NotSupported(path.Child("template", "spec", "restartPolicy"), policy, []corev1.RestartPolicy{corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever}))
	}
}

func (f *errs) completionMode(spec *batchv1.JobSpec, path *field.Path) {
	if spec.CompletionMode == nil {
		return
	}
	switch *spec.CompletionMode {
	case batchv1.IndexedCompletion:
		if spec.Completions == nil {
			f.required(path.Child("completions"), "when completion mode is Indexed")
		}
		if spec.Parallelism != nil && *spec.Parallelism > maxIndexedParallelism {
			f.invalid(path.Child("parallelism"), *spec.Parallelism, fmt.Sprintf("must be less than or equal to %d when completion mode is Indexed", maxIndexedParallelism))
		}
	case batchv1.NonIndexedCompletion:
		for name, value := range map[string]*int32{"backoffLimitPerIndex": spec.BackoffLimitPerIndex, "maxFailedIndexes": spec.MaxFailedIndexes} {
			if value != nil {
				f.invalid(path.Child(name), *value, "requires indexed completion mode")
			}
		}
		if spec.SuccessPolicy != nil {
			f.invalid(path.Child("successPolicy"), *spec.SuccessPolicy, "requires indexed completion mode")
		}
	default:
		f.add(field.NotSupported(path.Child("completionMode"), *spec.CompletionMode, []batchv1.CompletionMode{batchv1.NonIndexedCompletion, batchv1.IndexedCompletion}))
	}
}

func validateJobUpdate(j, old *batchv1.Job) field.ErrorList {
	f, path := &errs{}, field.NewPath("spec")
	f.jobSpec(&j.Spec, path)
	if *j.Spec.CompletionMode != batchv1.IndexedCompletion || j.Spec.Completions == nil || *j.Spec.Completions != *j.Spec.Parallelism {
		f.immutable(path.Child("completions"), j.Spec.Completions, old.Spec.Completions)
	}
	f.immutable(path.Child("selector"), j.Spec.Selector, old.Spec.Selector)
	f.immutable(path.Child("template"), j.Spec.Template, mutableTemplate(&j.Spec, old))
	f.immutable(path.Child("completionMode"), j.Spec.CompletionMode, old.Spec.CompletionMode)
	f.immutable(path.Child("podFailurePolicy"), j.Spec.PodFailurePolicy, old.Spec.PodFailurePolicy)
	f.immutable(path.Child("backoffLimitPerIndex"), j.Spec.BackoffLimitPerIndex, old.Spec.BackoffLimitPerIndex)
	f.immutable(path.Child("managedBy"), j.Spec.ManagedBy, old.Spec.ManagedBy)
	f.immutable(path.Child("successPolicy"), j.Spec.SuccessPolicy, old.Spec.SuccessPolicy)
	return f.list()
}

// mutableTemplate is the old template with those fields taken from the new one
// that may change as long as a suspended Job has no Pods yet.
func mutableTemplate(spec *batchv1.JobSpec, old *batchv1.Job) corev1.PodTemplateSpec {
	suspended := old.Spec.Suspend != nil && *old.Spec.Suspend
	if !suspended || old.Status.StartTime != nil || old.Status.Active > 0 {
		return old.Spec.Template
	}
	t := *old.Spec.Template.DeepCopy()
	t.Labels, t.Annotations = spec.Template.Labels, spec.Template.Annotations
	t.Spec.NodeSelector, t.Spec.Tolerations = spec.Template.Spec.NodeSelector, spec.Template.Spec.Tolerations
	t.Spec.SchedulingGates = spec.Template.Spec.SchedulingGates
	t.Spec.Affinity = spec.Template.Spec.Affinity
	for i := range t.Spec.Containers {
		if i < len(spec.Template.Spec.Containers) {
			t.Spec.Containers[i].Resources = spec.Template.Spec.Containers[i].Resources
		}
	}
	return t
}
