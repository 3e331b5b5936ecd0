package cluster

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Term is one inter-pod (anti-)affinity term (SCHED-13): which Pods it speaks
// of, and how near is near.
type Term struct {
	TopologyKey string
	// Weight is positive for affinity, negative for anti-affinity, and zero
	// for a required term.
	Weight int64

	namespaces        sets.Set[string]
	namespaceSelector labels.Selector
	selector          labels.Selector
}

// Matches tells whether the term speaks of Pods of this class.
func (t *Term) Matches(class *Class, namespaceLabels func(string) labels.Set) bool {
	if !t.namespaces.Has(class.Namespace) && !t.namespaceSelector.Matches(namespaceLabels(class.Namespace)) {
		return false
	}
	return t.selector.Matches(class.Labels)
}

func newTerm(owner *v1.Pod, term *v1.PodAffinityTerm, weight int64) (Term, error) {
	selector, err := metav1.LabelSelectorAsSelector(term.LabelSelector)
	if err != nil {
		return Term{}, fmt.Errorf("labelSelector: %w", err)
	}
	namespaceSelector, err := metav1.LabelSelectorAsSelector(term.NamespaceSelector)
	if err != nil {
		return Term{}, fmt.Errorf("namespaceSelector: %w", err)
	}
	namespaces := sets.New(term.Namespaces...)
	if len(term.Namespaces) == 0 && term.NamespaceSelector == nil {
		namespaces.Insert(owner.Namespace)
	}
	return Term{
		TopologyKey: term.TopologyKey, Weight: weight,
		namespaces: namespaces, namespaceSelector: namespaceSelector, selector: selector,
	}, nil
}

func requiredTerms(owner *v1.Pod, terms []v1.PodAffinityTerm) ([]Term, error) {
	var out []Term
	for i := range terms {
		term, err := newTerm(owner, &terms[i], 0)
		if err != nil {
			return nil, err
		}
		out = append(out, term)
	}
	return out, nil
}

func preferredTerms(owner *v1.Pod, terms []v1.WeightedPodAffinityTerm, sign int64) ([]Term, error) {
	var out []Term
	for i := range terms {
		term, err := newTerm(owner, &terms[i].PodAffinityTerm, sign*int64(terms[i].Weight))
		if err != nil {
			return nil, err
		}
		out = append(out, term)
	}
	return out, nil
}
