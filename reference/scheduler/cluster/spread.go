package cluster

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/utils/ptr"
)

// Spread is one topologySpreadConstraint of a Pod (SCHED-14), or one of those
// that go without saying (SCHED-15).
type Spread struct {
	TopologyKey string
	MaxSkew     int
	MinDomains  int
	// Counts tells whether Pods of a class in the Pod's namespace are counted.
	Counts func(*Class) bool
	// Includes tells whether a node is looked at.
	Includes func(*v1.Node) bool
}

// SpreadsOf returns the Pod's own constraints of one sort.
func SpreadsOf(pod *Pod, action v1.UnsatisfiableConstraintAction) ([]Spread, error) {
	var out []Spread
	for i := range pod.Spec.TopologySpreadConstraints {
		constraint := &pod.Spec.TopologySpreadConstraints[i]
		if constraint.WhenUnsatisfiable != action {
			continue
		}
		selector, err := spreadSelector(pod, constraint)
		if err != nil {
			return nil, fmt.Errorf("topologySpreadConstraints[%d]: %w", i, err)
		}
		out = append(out, Spread{
			TopologyKey: constraint.TopologyKey,
			MaxSkew:     int(constraint.MaxSkew),
			MinDomains:  int(ptr.Deref(constraint.MinDomains, 1)),
			Counts: func(class *Class) bool {
				return selector.Matches(class.Labels)
			},
			Includes: Inclusion(pod, constraint),
		})
	}
	return out, nil
}

func spreadSelector(pod *Pod, constraint *v1.TopologySpreadConstraint) (labels.Selector, error) {
	selector, err := metav1.LabelSelectorAsSelector(constraint.LabelSelector)
	if err != nil {
		return nil, err
	}
	if _, selectable := selector.Requirements(); !selectable {
		return selector, nil // nil selects nothing, with more keys too
	}
	for _, key := range constraint.MatchLabelKeys {
		if value, ok := pod.Labels[key]; ok {
			same, _ := labels.SelectorFromSet(labels.Set{key: value}).Requirements()
			selector = selector.Add(same...)
		}
	}
	return selector, nil
}

// Inclusion returns whether a constraint counts a node: it applies nodeAffinityPolicy (Honor by default) and
// nodeTaintsPolicy (Ignore by default).
func Inclusion(pod *Pod, constraint *v1.TopologySpreadConstraint) func(*v1.Node) bool {
	honourAffinity := ptr.Deref(constraint.NodeAffinityPolicy, v1.NodeInclusionPolicyHonor) == v1.NodeInclusionPolicyHonor
	honourTaints := ptr.Deref(constraint.NodeTaintsPolicy, v1.NodeInclusionPolicyIgnore) == v1.NodeInclusionPolicyHonor
	affinity := nodeaffinity.GetRequiredNodeAffinity(pod.Pod)
	return func(node *v1.Node) bool {
		if honourAffinity {
			if match, err := affinity.Match(node); err != nil || !match {
				return false
			}
		}
		return !honourTaints || !Untolerated(node, pod.Spec.Tolerations)
	}
}

// Labelled tells whether a node has the topology labels of all constraints: a
// node without one belongs to no domain and takes no part.
func Labelled(node *v1.Node, spreads []Spread) bool {
	for i := range spreads {
		if _, ok := node.Labels[spreads[i].TopologyKey]; !ok {
			return false
		}
	}
	return true
}
