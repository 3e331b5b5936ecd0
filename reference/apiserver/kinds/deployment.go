package kinds

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const nameOfPods = "this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended"

func deployment(k *Kind) {
	k.Default = on(defaultDeployment)
	k.PrepareForUpdate = after(k.PrepareForUpdate, onBoth(countAnnotations))
	// Labels are not the controller's to write, annotations are: it records
	// the revision there (API-UPDATE-10).
	k.PrepareForStatus = after(k.PrepareForStatus, onBoth(func(d, old *appsv1.Deployment) { d.Labels = old.Labels }))
	k.Validate = check(validateDeployment)
	k.ValidateUpdate = checkBoth(validateDeploymentUpdate)
	k.ValidateStatus = checkBoth(validateDeploymentStatusUpdate)
	k.Warnings = warnUnlessLabel(nameOfPods)
	k.Columns, k.Row = deploymentColumns, cells(deploymentRow)
	scalable(k, func(d *appsv1.Deployment) (int32, int32, string) {
		return *d.Spec.Replicas, d.Status.Replicas, metav1.FormatLabelSelector(d.Spec.Selector)
	}, func(d *appsv1.Deployment) **int32 { return &d.Spec.Replicas })
}

// defaultDeployment is API-DEFAULT-01. Each half of rollingUpdate defaults on
// its own; zeros that the client wrote stay (API-DEFAULT-02).
func defaultDeployment(d *appsv1.Deployment) {
	orDefault(&d.Spec.Replicas, 1)
	orValue(&d.Spec.Strategy.Type, appsv1.RollingUpdateDeploymentStrategyType)
	if d.Spec.Strategy.Type == appsv1.RollingUpdateDeploymentStrategyType {
		orDefault(&d.Spec.Strategy.RollingUpdate, appsv1.RollingUpdateDeployment{})
		orDefault(&d.Spec.Strategy.RollingUpdate.MaxUnavailable, intstr.FromString("25%"))
		orDefault(&d.Spec.Strategy.RollingUpdate.MaxSurge, intstr.FromString("25%"))
	}
	orDefault(&d.Spec.RevisionHistoryLimit, 10)
	orDefault(&d.Spec.ProgressDeadlineSeconds, 600)
	defaultPodSpec(&d.Spec.Template.Spec)
}

// countAnnotations makes a change of annotations a new generation: they are
// copied to the ReplicaSets, so the controller has work to do (API-META-05).
func countAnnotations(d, old *appsv1.Deployment) {
	if d.Generation == old.Generation && !equality.Semantic.DeepEqual(d.Annotations, old.Annotations) {
		raiseGeneration(d, old)
	}
}
