package preempt

import (
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// divide tells the Pods whose removal would break a PodDisruptionBudget from
// the others. Each Pod uses up the budgets it is counted in.
func divide(pods []*cluster.Pod, budgets []*policyv1.PodDisruptionBudget) (guarded, free []*cluster.Pod) {
	allowed := make([]int32, len(budgets))
	for i, budget := range budgets {
		allowed[i] = budget.Status.DisruptionsAllowed
	}
	for _, pod := range pods {
		broken := false
		for i, budget := range budgets {
			if !covers(budget, pod) {
				continue
			}
			allowed[i]--
			broken = broken || allowed[i] < 0
		}
		if broken {
			guarded = append(guarded, pod)
		} else {
			free = append(free, pod)
		}
	}
	return guarded, free
}

// covers tells whether the budget counts on the Pod. One that is in its list of
// disrupted Pods has been taken off already.
func covers(budget *policyv1.PodDisruptionBudget, pod *cluster.Pod) bool {
	if budget.Namespace != pod.Namespace || len(pod.Labels) == 0 {
		return false
	}
	if _, disrupted := budget.Status.DisruptedPods[pod.Name]; disrupted {
		return false
	}
	selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
	return err == nil && !selector.Empty() && selector.Matches(labels.Set(pod.Labels))
}
