package kinds

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/duration"
)

// withTemplate appends the wide columns that workloads share.
func withTemplate(cells []any, t *corev1.PodTemplateSpec) []any {
	return append(cells, containerNames(t.Spec.Containers), containerImages(t.Spec.Containers))
}

var deploymentColumns = columns("Name", "Ready", "Up-to-date", "Available", "Age", "+Containers", "+Images", "+Selector")

func deploymentRow(d *appsv1.Deployment, now time.Time) []any {
	return append(withTemplate([]any{
		d.Name,
		fmt.Sprintf("%d/%d", d.Status.ReadyReplicas, deref(d.Spec.Replicas)),
		int64(d.Status.UpdatedReplicas),
		int64(d.Status.AvailableReplicas),
		age(d.CreationTimestamp, now),
	}, &d.Spec.Template), metav1.FormatLabelSelector(d.Spec.Selector))
}

var replicaSetColumns = columns("Name", "Desired:integer", "Current:integer", "Ready:integer", "Age", "+Containers", "+Images", "+Selector")

func replicaSetRow(rs *appsv1.ReplicaSet, now time.Time) []any {
	return append(withTemplate([]any{
		rs.Name,
		int64(deref(rs.Spec.Replicas)),
		int64(rs.Status.Replicas),
		int64(rs.Status.ReadyReplicas),
		age(rs.CreationTimestamp, now),
	}, &rs.Spec.Template), metav1.FormatLabelSelector(rs.Spec.Selector))
}

var replicationControllerColumns = replicaSetColumns

func replicationControllerRow(rc *corev1.ReplicationController, now time.Time) []any {
	template := deref(rc.Spec.Template)
	return append(withTemplate([]any{
		rc.Name,
		int64(deref(rc.Spec.Replicas)),
		int64(rc.Status.Replicas),
		int64(rc.Status.ReadyReplicas),
		age(rc.CreationTimestamp, now),
	}, &template), formatLabels(rc.Spec.Selector))
}

var statefulSetColumns = columns("Name", "Ready", "Age", "+Containers", "+Images")

func statefulSetRow(s *appsv1.StatefulSet, now time.Time) []any {
	return withTemplate([]any{
		s.Name,
		fmt.Sprintf("%d/%d", s.Status.ReadyReplicas, deref(s.Spec.Replicas)),
		age(s.CreationTimestamp, now),
	}, &s.Spec.Template)
}

var daemonSetColumns = columns("Name", "Desired:integer", "Current:integer", "Ready:integer", "Up-to-date:integer", "Available:integer",
	"Node Selector", "Age", "+Containers", "+Images", "+Selector")

func daemonSetRow(ds *appsv1.DaemonSet, now time.Time) []any {
	return append(withTemplate([]any{
		ds.Name,
		int64(ds.Status.DesiredNumberScheduled),
		int64(ds.Status.CurrentNumberScheduled),
		int64(ds.Status.NumberReady),
		int64(ds.Status.UpdatedNumberScheduled),
		int64(ds.Status.NumberAvailable),
		formatLabels(ds.Spec.Template.Spec.NodeSelector),
		age(ds.CreationTimestamp, now),
	}, &ds.Spec.Template), metav1.FormatLabelSelector(ds.Spec.Selector))
}

func formatLabels(set map[string]string) string { return or(labels.Set(set).String(), none) }

var jobColumns = columns("Name", "Status", "Completions", "Duration", "Age", "+Containers", "+Images", "+Selector")

func jobRow(j *batchv1.Job, now time.Time) []any {
	return append(withTemplate([]any{
		j.Name, jobStatus(j), jobCompletions(j), jobDuration(j, now), age(j.CreationTimestamp, now),
	}, &j.Spec.Template), metav1.FormatLabelSelector(j.Spec.Selector))
}

func jobStatus(j *batchv1.Job) string {
	is := func(kind batchv1.JobConditionType) bool {
		return slices.ContainsFunc(j.Status.Conditions, func(c batchv1.JobCondition) bool {
			return c.Type == kind && c.Status == corev1.ConditionTrue
		})
	}
	switch {
	case is(batchv1.JobComplete):
		return "Complete"
	case is(batchv1.JobFailed):
		return "Failed"
	case j.DeletionTimestamp != nil:
		return "Terminating"
	case is(batchv1.JobSuspended):
		return "Suspended"
	case is(batchv1.JobFailureTarget):
		return "FailureTarget"
	case is(batchv1.JobSuccessCriteriaMet):
		return "SuccessCriteriaMet"
	default:
		return "Running"
	}
}

func jobCompletions(j *batchv1.Job) string {
	switch parallelism := deref(j.Spec.Parallelism); {
	case j.Spec.Completions != nil:
		return fmt.Sprintf("%d/%d", j.Status.Succeeded, *j.Spec.Completions)
	case parallelism > 1:
		return fmt.Sprintf("%d/1 of %d", j.Status.Succeeded, parallelism)
	default:
		return fmt.Sprintf("%d/1", j.Status.Succeeded)
	}
}

func jobDuration(j *batchv1.Job, now time.Time) string {
	switch {
	case j.Status.StartTime == nil:
		return ""
	case j.Status.CompletionTime == nil:
		return duration.HumanDuration(now.Sub(j.Status.StartTime.Time))
	default:
		return duration.HumanDuration(j.Status.CompletionTime.Sub(j.Status.StartTime.Time))
	}
}

var cronJobColumns = columns("Name", "Schedule", "Timezone", "Suspend:boolean", "Active:integer", "Last Schedule", "Age", "+Containers", "+Images", "+Selector")

func cronJobRow(c *batchv1.CronJob, now time.Time) []any {
	last := none
	if c.Status.LastScheduleTime != nil {
		last = age(*c.Status.LastScheduleTime, now)
	}
	suspend := unset
	if c.Spec.Suspend != nil {
		suspend = map[bool]string{true: "True", false: "False"}[*c.Spec.Suspend]
	}
	return append(withTemplate([]any{
		c.Name, c.Spec.Schedule, or(deref(c.Spec.TimeZone), none), suspend, int64(len(c.Status.Active)), last, age(c.CreationTimestamp, now),
	}, &c.Spec.JobTemplate.Spec.Template), metav1.FormatLabelSelector(c.Spec.JobTemplate.Spec.Selector))
}

var controllerRevisionColumns = columns("Name", "Controller", "Revision", "Age")

func controllerRevisionRow(r *appsv1.ControllerRevision, now time.Time) []any {
	controller := none
	if owner := metav1.GetControllerOf(r); owner != nil {
		kind := schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).GroupKind()
		controller = strings.ToLower(kind.String()) + "/" + owner.Name
	}
	return []any{r.Name, controller, r.Revision, age(r.CreationTimestamp, now)}
}
