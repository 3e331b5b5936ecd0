package kinds

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// autoscaling/v1 knows of one metric, the utilization of cpu. What else a
// HorizontalPodAutoscaler has in autoscaling/v2, as which it is stored, stands in
// annotations there, so that nothing is lost on the way through the old version.
const (
	metricsAnnotation    = "autoscaling.alpha.kubernetes.io/metrics"
	currentAnnotation    = "autoscaling.alpha.kubernetes.io/current-metrics"
	conditionsAnnotation = "autoscaling.alpha.kubernetes.io/conditions"
	behaviorAnnotation   = "autoscaling.alpha.kubernetes.io/behavior"
)

// cpuUtilization is what an autoscaler aims at that names no metric, in percent.
const cpuUtilization = 80

// oldHorizontalPodAutoscaler leaves to the version that is stored what it can.
func oldHorizontalPodAutoscaler(k *Kind) {
	k.Default = on(func(a *autoscalingv1.HorizontalPodAutoscaler) { orDefault(&a.Spec.MinReplicas, 1) })
	k.PrepareForCreate = on(func(a *autoscalingv1.HorizontalPodAutoscaler) {
		created := AutoscalerToV2(a)
		created.Status = autoscalingv2.HorizontalPodAutoscalerStatus{}
		created.Generation = 1
		*a = *AutoscalerToV1(created)
	})
	k.PrepareForUpdate = onBoth(func(a, old *autoscalingv1.HorizontalPodAutoscaler) {
		now, was := AutoscalerToV2(a), AutoscalerToV2(old)
		now.Status = was.Status
		now.Generation = was.Generation
		if !equality.Semantic.DeepEqual(now.Spec, was.Spec) {
			now.Generation++
		}
		*a = *AutoscalerToV1(now)
	})
	k.PrepareForStatus = onBoth(func(a, old *autoscalingv1.HorizontalPodAutoscaler) {
		now, was := AutoscalerToV2(a), AutoscalerToV2(old)
		now.Spec, now.Generation = was.Spec, was.Generation
		*a = *AutoscalerToV1(now)
	})
	k.Validate = check(func(a *autoscalingv1.HorizontalPodAutoscaler) field.ErrorList {
		return validateAutoscaler(AutoscalerToV2(a))
	})
	k.ValidateUpdate = checkBoth(func(a, _ *autoscalingv1.HorizontalPodAutoscaler) field.ErrorList {
		return validateAutoscaler(AutoscalerToV2(a))
	})
	k.Columns, k.Row = autoscalerColumns, cells(func(a *autoscalingv1.HorizontalPodAutoscaler, now time.Time) []any {
		return autoscalerRow(AutoscalerToV2(a), now)
	})
}

// AutoscalerToV2 returns the autoscaler in the version that is stored.
func AutoscalerToV2(a *autoscalingv1.HorizontalPodAutoscaler) *autoscalingv2.HorizontalPodAutoscaler {
	v2 := &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: *a.ObjectMeta.DeepCopy(),
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference(a.Spec.ScaleTargetRef),
			MinReplicas:    a.Spec.MinReplicas,
			MaxReplicas:    a.Spec.MaxReplicas,
		},
		Status: autoscalingv2.HorizontalPodAutoscalerStatus{
			ObservedGeneration: a.Status.ObservedGeneration,
			LastScaleTime:      a.Status.LastScaleTime,
			CurrentReplicas:    a.Status.CurrentReplicas,
			DesiredReplicas:    a.Status.DesiredReplicas,
		},
	}
	var metrics []autoscalingv1.MetricSpec
	if annotated(v2, metricsAnnotation, &metrics) {
		for i := range metrics {
			v2.Spec.Metrics = append(v2.Spec.Metrics, metricToV2(&metrics[i]))
		}
	}
	if percent := a.Spec.TargetCPUUtilizationPercentage; percent != nil {
		v2.Spec.Metrics = append(v2.Spec.Metrics, cpuMetric(*percent))
	}
	if len(v2.Spec.Metrics) == 0 {
		v2.Spec.Metrics = []autoscalingv2.MetricSpec{cpuMetric(cpuUtilization)}
	}
	var behavior annotatedBehavior
	if annotated(v2, behaviorAnnotation, &behavior) && behavior != (annotatedBehavior{}) {
		v2.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{
			ScaleUp: behavior.ScaleUp.rules(), ScaleDown: behavior.ScaleDown.rules(),
		}
	}
	var current []autoscalingv1.MetricStatus
	if annotated(v2, currentAnnotation, &current) {
		for i := range current {
			v2.Status.CurrentMetrics = append(v2.Status.CurrentMetrics, currentToV2(&current[i]))
		}
	} else if percent := a.Status.CurrentCPUUtilizationPercentage; percent != nil {
		v2.Status.CurrentMetrics = []autoscalingv2.MetricStatus{{
			Type: autoscalingv2.ResourceMetricSourceType,
			Resource: &autoscalingv2.ResourceMetricStatus{
				Name: corev1.ResourceCPU, Current: autoscalingv2.MetricValueStatus{AverageUtilization: percent},
			},
		}}
	}
	annotated(v2, conditionsAnnotation, &v2.Status.Conditions) // the same fields in both versions
	dropAnnotations(v2)
	return v2
}

// AutoscalerToV1 returns a stored autoscaler as the old version shows it.
func AutoscalerToV1(a *autoscalingv2.HorizontalPodAutoscaler) *autoscalingv1.HorizontalPodAutoscaler {
	v1 := &autoscalingv1.HorizontalPodAutoscaler{
		ObjectMeta: *a.ObjectMeta.DeepCopy(),
		Spec: autoscalingv1.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv1.CrossVersionObjectReference(a.Spec.ScaleTargetRef),
			MinReplicas:    a.Spec.MinReplicas,
			MaxReplicas:    a.Spec.MaxReplicas,
		},
		Status: autoscalingv1.HorizontalPodAutoscalerStatus{
			ObservedGeneration: a.Status.ObservedGeneration,
			LastScaleTime:      a.Status.LastScaleTime,
			CurrentReplicas:    a.Status.CurrentReplicas,
			DesiredReplicas:    a.Status.DesiredReplicas,
		},
	}
	dropAnnotations(v1)
	var metrics []autoscalingv1.MetricSpec
	for i := range a.Spec.Metrics {
		m := &a.Spec.Metrics[i]
		if r := m.Resource; m.Type == autoscalingv2.ResourceMetricSourceType && r != nil && r.Name == corev1.ResourceCPU && r.Target.AverageUtilization != nil {
			orDefault(&v1.Spec.TargetCPUUtilizationPercentage, *r.Target.AverageUtilization)
			continue
		}
		metrics = append(metrics, metricToV1(m))
	}
	var current []autoscalingv1.MetricStatus
	for i := range a.Status.CurrentMetrics {
		m := &a.Status.CurrentMetrics[i]
		if r := m.Resource; m.Type == autoscalingv2.ResourceMetricSourceType && r != nil && r.Name == corev1.ResourceCPU && r.Current.AverageUtilization != nil {
			v1.Status.CurrentCPUUtilizationPercentage = r.Current.AverageUtilization
		}
		current = append(current, currentToV1(m))
	}
	annotate(v1, metricsAnnotation, metrics, len(metrics) > 0)
	annotate(v1, currentAnnotation, current, len(current) > 0)
	annotate(v1, conditionsAnnotation, a.Status.Conditions, len(a.Status.Conditions) > 0)
	if b := a.Spec.Behavior; b != nil {
		annotate(v1, behaviorAnnotation, annotatedBehavior{ScaleUp: annotatedOf(b.ScaleUp), ScaleDown: annotatedOf(b.ScaleDown)}, true)
	}
	return v1
}

// annotatedBehavior is how the annotation writes a behavior: without the names that the
// fields have in JSON elsewhere.
type annotatedBehavior struct{ ScaleUp, ScaleDown *annotatedRules }

type annotatedRules struct {
	StabilizationWindowSeconds *int32
	SelectPolicy               *autoscalingv2.ScalingPolicySelect
	Policies                   []annotatedPolicy
	Tolerance                  *resource.Quantity
}

type annotatedPolicy struct {
	Type          autoscalingv2.HPAScalingPolicyType
	Value         int32
	PeriodSeconds int32
}

func annotatedOf(r *autoscalingv2.HPAScalingRules) *annotatedRules {
	if r == nil {
		return nil
	}
	written := &annotatedRules{StabilizationWindowSeconds: r.StabilizationWindowSeconds, SelectPolicy: r.SelectPolicy, Tolerance: r.Tolerance}
	for _, policy := range r.Policies {
		written.Policies = append(written.Policies, annotatedPolicy(policy))
	}
	return written
}

func (w *annotatedRules) rules() *autoscalingv2.HPAScalingRules {
	if w == nil {
		return nil
	}
	r := &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: w.StabilizationWindowSeconds, SelectPolicy: w.SelectPolicy, Tolerance: w.Tolerance}
	for _, policy := range w.Policies {
		r.Policies = append(r.Policies, autoscalingv2.HPAScalingPolicy(policy))
	}
	return r
}

func dropAnnotations(obj runtime.Object) {
	annotations := maps.Clone(meta(obj).GetAnnotations())
	for _, name := range []string{metricsAnnotation, currentAnnotation, conditionsAnnotation, behaviorAnnotation} {
		delete(annotations, name)
	}
	if len(annotations) == 0 {
		annotations = nil
	}
	meta(obj).SetAnnotations(annotations)
}

// annotated reads an annotation into value; what is no JSON of it counts as missing.
func annotated(obj runtime.Object, name string, value any) bool {
	text, ok := meta(obj).GetAnnotations()[name]
	return ok && json.Unmarshal([]byte(text), value) == nil
}

func annotate(obj runtime.Object, name string, value any, needed bool) {
	if !needed {
		return
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("kinds: encoding %T: %v", value, err)) // plain fields
	}
	annotations := maps.Clone(meta(obj).GetAnnotations())
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[name] = string(text)
	meta(obj).SetAnnotations(annotations)
}

func cpuMetric(percent int32) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{
		Type: autoscalingv2.ResourceMetricSourceType,
		Resource: &autoscalingv2.ResourceMetricSource{
			Name:   corev1.ResourceCPU,
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent},
		},
	}
}

func metricToV2(m *autoscalingv1.MetricSpec) autoscalingv2.MetricSpec {
	v2 := autoscalingv2.MetricSpec{Type: autoscalingv2.MetricSourceType(m.Type)}
	if o := m.Object; o != nil {
		target := autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: &o.TargetValue}
		if o.AverageValue != nil {
			target.Type, target.AverageValue = autoscalingv2.AverageValueMetricType, o.AverageValue
			if o.TargetValue.IsZero() {
				target.Value = nil
			}
		}
		v2.Object = &autoscalingv2.ObjectMetricSource{
			DescribedObject: autoscalingv2.CrossVersionObjectReference(o.Target), Target: target,
			Metric: autoscalingv2.MetricIdentifier{Name: o.MetricName, Selector: o.Selector},
		}
	}
	if p := m.Pods; p != nil {
		v2.Pods = &autoscalingv2.PodsMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: p.MetricName, Selector: p.Selector},
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &p.TargetAverageValue},
		}
	}
	if r := m.Resource; r != nil {
		v2.Resource = &autoscalingv2.ResourceMetricSource{Name: r.Name, Target: resourceTarget(r.TargetAverageUtilization, r.TargetAverageValue)}
	}
	if c := m.ContainerResource; c != nil {
		v2.ContainerResource = &autoscalingv2.ContainerResourceMetricSource{
			Name: c.Name, Container: c.Container, Target: resourceTarget(c.TargetAverageUtilization, c.TargetAverageValue),
		}
	}
	if e := m.External; e != nil {
		target := autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: e.TargetValue, AverageValue: e.TargetAverageValue}
		if e.TargetValue == nil {
			target.Type = autoscalingv2.AverageValueMetricType
		}
		v2.External = &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: e.MetricName, Selector: e.MetricSelector}, Target: target,
		}
	}
	return v2
}

func resourceTarget(utilization *int32, average *resource.Quantity) autoscalingv2.MetricTarget {
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: utilization, AverageValue: average}
	if utilization == nil {
		target.Type = autoscalingv2.AverageValueMetricType
	}
	return target
}

func metricToV1(m *autoscalingv2.MetricSpec) autoscalingv1.MetricSpec {
	v1 := autoscalingv1.MetricSpec{Type: autoscalingv1.MetricSourceType(m.Type)}
	if o := m.Object; o != nil {
		v1.Object = &autoscalingv1.ObjectMetricSource{
			Target: autoscalingv1.CrossVersionObjectReference(o.DescribedObject), MetricName: o.Metric.Name, Selector: o.Metric.Selector,
			TargetValue: deref(o.Target.Value), AverageValue: o.Target.AverageValue,
		}
	}
	if p := m.Pods; p != nil {
		v1.Pods = &autoscalingv1.PodsMetricSource{
			MetricName: p.Metric.Name, Selector: p.Metric.Selector, TargetAverageValue: deref(p.Target.AverageValue),
		}
	}
	if r := m.Resource; r != nil {
		v1.Resource = &autoscalingv1.ResourceMetricSource{
			Name: r.Name, TargetAverageUtilization: r.Target.AverageUtilization, TargetAverageValue: r.Target.AverageValue,
		}
	}
	if c := m.ContainerResource; c != nil {
		v1.ContainerResource = &autoscalingv1.ContainerResourceMetricSource{
			Name: c.Name, Container: c.Container,
			TargetAverageUtilization: c.Target.AverageUtilization, TargetAverageValue: c.Target.AverageValue,
		}
	}
	if e := m.External; e != nil {
		v1.External = &autoscalingv1.ExternalMetricSource{
			MetricName: e.Metric.Name, MetricSelector: e.Metric.Selector,
			TargetValue: e.Target.Value, TargetAverageValue: e.Target.AverageValue,
		}
	}
	return v1
}

func currentToV2(m *autoscalingv1.MetricStatus) autoscalingv2.MetricStatus {
	v2 := autoscalingv2.MetricStatus{Type: autoscalingv2.MetricSourceType(m.Type)}
	if o := m.Object; o != nil {
		v2.Object = &autoscalingv2.ObjectMetricStatus{
			DescribedObject: autoscalingv2.CrossVersionObjectReference(o.Target),
			Metric:          autoscalingv2.MetricIdentifier{Name: o.MetricName, Selector: o.Selector},
			Current:         autoscalingv2.MetricValueStatus{Value: &o.CurrentValue, AverageValue: o.AverageValue},
		}
	}
	if p := m.Pods; p != nil {
		v2.Pods = &autoscalingv2.PodsMetricStatus{
			Metric:  autoscalingv2.MetricIdentifier{Name: p.MetricName, Selector: p.Selector},
			Current: autoscalingv2.MetricValueStatus{AverageValue: &p.CurrentAverageValue},
		}
	}
	if r := m.Resource; r != nil {
		v2.Resource = &autoscalingv2.ResourceMetricStatus{
			Name:    r.Name,
			Current: autoscalingv2.MetricValueStatus{AverageUtilization: r.CurrentAverageUtilization, AverageValue: &r.CurrentAverageValue},
		}
	}
	if c := m.ContainerResource; c != nil {
		v2.ContainerResource = &autoscalingv2.ContainerResourceMetricStatus{
			Name: c.Name, Container: c.Container,
			Current: autoscalingv2.MetricValueStatus{AverageUtilization: c.CurrentAverageUtilization, AverageValue: &c.CurrentAverageValue},
		}
	}
	if e := m.External; e != nil {
		v2.External = &autoscalingv2.ExternalMetricStatus{
			Metric:  autoscalingv2.MetricIdentifier{Name: e.MetricName, Selector: e.MetricSelector},
			Current: autoscalingv2.MetricValueStatus{Value: &e.CurrentValue, AverageValue: e.CurrentAverageValue},
		}
	}
	return v2
}

func currentToV1(m *autoscalingv2.MetricStatus) autoscalingv1.MetricStatus {
	v1 := autoscalingv1.MetricStatus{Type: autoscalingv1.MetricSourceType(m.Type)}
	if o := m.Object; o != nil {
		v1.Object = &autoscalingv1.ObjectMetricStatus{
			Target: autoscalingv1.CrossVersionObjectReference(o.DescribedObject), MetricName: o.Metric.Name, Selector: o.Metric.Selector,
			CurrentValue: deref(o.Current.Value), AverageValue: o.Current.AverageValue,
		}
	}
	if p := m.Pods; p != nil {
		v1.Pods = &autoscalingv1.PodsMetricStatus{
			MetricName: p.Metric.Name, Selector: p.Metric.Selector, CurrentAverageValue: deref(p.Current.AverageValue),
		}
	}
	if r := m.Resource; r != nil {
		v1.Resource = &autoscalingv1.ResourceMetricStatus{
			Name: r.Name, CurrentAverageUtilization: r.Current.AverageUtilization, CurrentAverageValue: deref(r.Current.AverageValue),
		}
	}
	if c := m.ContainerResource; c != nil {
		v1.ContainerResource = &autoscalingv1.ContainerResourceMetricStatus{
			Name: c.Name, Container: c.Container,
			CurrentAverageUtilization: c.Current.AverageUtilization, CurrentAverageValue: deref(c.Current.AverageValue),
		}
	}
	if e := m.External; e != nil {
		v1.External = &autoscalingv1.ExternalMetricStatus{
			MetricName: e.Metric.Name, MetricSelector: e.Metric.Selector,
			CurrentValue: deref(e.Current.Value), CurrentAverageValue: e.Current.AverageValue,
		}
	}
	return v1
}
