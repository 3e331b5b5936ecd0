package kinds

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// SystemPriorities are the classes that every cluster has.
var SystemPriorities = []schedulingv1.PriorityClass{
	{
		ObjectMeta:  metav1.ObjectMeta{Name: "system-cluster-critical"},
		Value:       2_000_000_000,
		Description: "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
	},
	{
		ObjectMeta:  metav1.ObjectMeta{Name: "system-node-critical"},
		Value:       2_000_001_000,
		Description: "Used for system critical pods that must not be moved from their current node.",
	},
}

func priorityClass(k *Kind) {
	k.Default = on(func(c *schedulingv1.PriorityClass) {
		orDefault(&c.PreemptionPolicy, corev1.PreemptLowerPriority)
	})
	k.Validate = check(validatePriorityClass)
	k.ValidateUpdate = checkBoth(validatePriorityClassUpdate)
	k.Columns, k.Row = priorityClassColumns, cells(priorityClassRow)
}

func podDisruptionBudget(k *Kind) {
	k.Validate = check(validateDisruptionBudget)
	k.ValidateUpdate = checkBoth(func(b, _ *policyv1.PodDisruptionBudget) field.ErrorList { return validateDisruptionBudget(b) })
	k.Columns, k.Row = disruptionBudgetColumns, cells(disruptionBudgetRow)
}

func horizontalPodAutoscaler(k *Kind) {
	k.Default = on(defaultAutoscaler)
	k.Validate = check(validateAutoscaler)
	k.ValidateUpdate = checkBoth(func(a, _ *autoscalingv2.HorizontalPodAutoscaler) field.ErrorList { return validateAutoscaler(a) })
	k.Columns, k.Row = autoscalerColumns, cells(autoscalerRow)
}

func defaultAutoscaler(a *autoscalingv2.HorizontalPodAutoscaler) {
	orDefault(&a.Spec.MinReplicas, 1)
	if len(a.Spec.Metrics) == 0 {
		a.Spec.Metrics = []autoscalingv2.MetricSpec{cpuMetric(cpuUtilization)}
	}
	behavior := a.Spec.Behavior
	if behavior == nil {
		return
	}
	orDefault(&behavior.ScaleUp, autoscalingv2.HPAScalingRules{})
	orDefault(&behavior.ScaleUp.StabilizationWindowSeconds, 0)
	defaultScalingRules(behavior.ScaleUp,
		autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15},
		autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15})
	orDefault(&behavior.ScaleDown, autoscalingv2.HPAScalingRules{})
	defaultScalingRules(behavior.ScaleDown,
		autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15})
}

func defaultScalingRules(rules *autoscalingv2.HPAScalingRules, policies ...autoscalingv2.HPAScalingPolicy) {
	orDefault(&rules.SelectPolicy, autoscalingv2.MaxChangePolicySelect)
	if rules.Policies == nil {
		rules.Policies = policies
	}
}
