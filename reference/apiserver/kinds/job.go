package kinds

import (
	"maps"
	"math"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
)

func job(k *Kind) {
	k.Default = on(defaultJob)
	k.PrepareForCreate = afterCreate(k.PrepareForCreate, generateJobSelector)
	k.Validate = check(validateJob)
	k.ValidateUpdate = checkBoth(validateJobUpdate)
	k.Warnings = warnUnlessLabel(nameOfPods)
	k.DefaultPropagation = metav1.DeletePropagationOrphan
	k.Columns, k.Row = jobColumns, cells(jobRow)
	selectable(k, func(j *batchv1.Job) fields.Set {
		return fields.Set{"status.successful": strconv.Itoa(int(j.Status.Succeeded))}
	}, &batchv1.Job{})
}

// defaultJob is API-DEFAULT-08. Completions default only together with
// parallelism: a Job with parallelism alone is a work queue.
func defaultJob(j *batchv1.Job) {
	spec := &j.Spec
	if len(j.Labels) == 0 {
		// One map for both: what generateJobSelector adds to the template's labels
		// is to be in the Job's too, but not in labels that only look the same.
		j.Labels = spec.Template.Labels
	}
	if spec.Completions == nil && spec.Parallelism == nil {
		orDefault(&spec.Completions, 1)
	}
	orDefault(&spec.Parallelism, 1)
	if spec.BackoffLimitPerIndex != nil {
		orDefault(&spec.BackoffLimit, math.MaxInt32)
	}
	orDefault(&spec.BackoffLimit, 6)
	orDefault(&spec.CompletionMode, batchv1.NonIndexedCompletion)
	orDefault(&spec.Suspend, false)
	if spec.PodFailurePolicy != nil {
		orDefault(&spec.PodReplacementPolicy, batchv1.Failed)
		for _, rule := range spec.PodFailurePolicy.Rules {
			for i := range rule.OnPodConditions {
				orValue(&rule.OnPodConditions[i].Status, corev1.ConditionTrue)
			}
		}
	}
	orDefault(&spec.PodReplacementPolicy, batchv1.TerminatingOrFailed)
	orDefault(&spec.ManualSelector, false)
	defaultPodSpec(&spec.Template.Spec)
}

// generateJobSelector makes the Job select exactly its own Pods, by its UID.
// Labels that the client set are left alone: if they conflict, validation says so.
func generateJobSelector(j *batchv1.Job) {
	if *j.Spec.ManualSelector {
		return
	}
	generated := map[string]string{
		"job-name":                 j.Name,
		batchv1.JobNameLabel:       j.Name,
		"controller-uid":           string(j.UID),
		batchv1.ControllerUidLabel: string(j.UID),
	}
	if j.Spec.Template.Labels == nil {
		j.Spec.Template.Labels = map[string]string{}
	}
	for key, value := range generated {
		if _, found := j.Spec.Template.Labels[key]; !found {
			j.Spec.Template.Labels[key] = value
		}
	}
	if len(j.Labels) == 0 {
		j.Labels = maps.Clone(j.Spec.Template.Labels) // there were none to share when it was defaulted
	}
	orDefault(&j.Spec.Selector, metav1.LabelSelector{})
	if j.Spec.Selector.MatchLabels == nil {
		j.Spec.Selector.MatchLabels = map[string]string{}
	}
	if _, found := j.Spec.Selector.MatchLabels[batchv1.ControllerUidLabel]; !found {
		j.Spec.Selector.MatchLabels[batchv1.ControllerUidLabel] = string(j.UID)
	}
}

func cronJob(k *Kind) {
	k.Default = on(func(c *batchv1.CronJob) {
		orValue(&c.Spec.ConcurrencyPolicy, batchv1.AllowConcurrent)
		orDefault(&c.Spec.Suspend, false)
		orDefault(&c.Spec.SuccessfulJobsHistoryLimit, 3)
		orDefault(&c.Spec.FailedJobsHistoryLimit, 1)
		// The Jobs made from it get a Job's defaults when they are made.
		defaultPodSpec(&c.Spec.JobTemplate.Spec.Template.Spec)
	})
	k.Columns, k.Row = cronJobColumns, cells(cronJobRow)
}
