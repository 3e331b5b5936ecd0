package scheduler

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/podchain/podchain/reference/scheduler/cluster"
	"github.com/podchain/podchain/reference/scheduler/filter"
	"github.com/podchain/podchain/reference/scheduler/preempt"
	"github.com/podchain/podchain/reference/scheduler/score"
)

// decision is what was found for a Pod: a node, or why there is none.
type decision struct {
	node string
	// placed says that the Pod had a node already: there is nothing to do.
	placed bool
	// message says why there is no node, retry which changes may help.
	message string
	retry   cluster.Change
	// plan has the Pods to preempt to make room.
	plan *preempt.Plan
}

// decide finds a node for the Pod and books it there, or finds out why there is
// none. The cluster stands still meanwhile.
func (s *scheduler) decide(pod *cluster.Pod) (d decision, err error) {
	s.cache.Look(func(view cluster.View, assume func(*cluster.Pod, string) bool) {
		var checks filter.Checks
		if checks, err = filter.Prepare(s.filters, pod, view); err != nil {
			return
		}
		if len(view.Nodes) == 0 {
			d = decision{message: "no nodes available to schedule pods", retry: cluster.NodeAdded}
			return
		}
		feasible, refused := s.filterNodes(pod, view, checks)
		if len(feasible) > 0 {
			d.node = s.pick(pod, view, feasible)
			d.placed = !assume(pod, d.node)
			s.nominations.drop(pod.UID)
			return
		}
		d = refused.decision(len(view.Nodes))
		s.preempt(pod, view, refused, &d)
	})
	return d, err
}

// refused collects why nodes were refused.
type refused struct {
	reasons map[string]int
	retry   cluster.Change
	// open are the nodes where the removal of Pods may help.
	open []*cluster.Node
}

func (s *scheduler) filterNodes(pod *cluster.Pod, view cluster.View, checks filter.Checks) ([]*cluster.Node, refused) {
	feasible := make([]*cluster.Node, 0, len(view.Nodes))
	r := refused{reasons: map[string]int{}, retry: cluster.NodeAdded}
	for _, node := range view.Nodes {
		refusal, retry := s.refuses(pod, view, node, checks)
		if refusal == nil {
			feasible = append(feasible, node)
			continue
		}
		r.retry |= retry
		for _, reason := range refusal.Reasons {
			r.reasons[reason]++
		}
		if !refusal.Final {
			r.open = append(r.open, node)
		}
	}
	return feasible, r
}

// refuses asks the filters, and asks again as if the Pods that are to get the
// room on this node, and are at least as important, were there.
func (s *scheduler) refuses(pod *cluster.Pod, view cluster.View, node *cluster.Node, checks filter.Checks) (*filter.Refusal, cluster.Change) {
	if refusal, retry := checks.Refuses(node); refusal != nil {
		return refusal, retry
	}
	expected := s.nominations.ahead(node.Name, pod)
	if len(expected) == 0 {
		return nil, cluster.NoChange
	}
	trial := node.Clone()
	for _, other := range expected {
		trial.Add(other)
	}
	checks, err := filter.Prepare(s.filters, pod, view.With(trial))
	if err != nil {
		return &filter.Refusal{Reasons: []string{err.Error()}, Final: true}, cluster.NoChange
	}
	return checks.Refuses(trial)
}

// pick takes the node where room was made for the Pod, or else the best.
func (s *scheduler) pick(pod *cluster.Pod, view cluster.View, feasible []*cluster.Node) string {
	if nominated := s.nominations.of(pod); nominated != "" {
		for _, node := range feasible {
			if node.Name == nominated {
				return nominated
			}
		}
	}
	return score.Best(s.scores, pod, feasible, score.Context{View: view, Spreads: s.defaultSpreads(pod)}).Name
}

// decision words the refusals: 0/3 nodes are available: 1 Insufficient cpu, …
func (r refused) decision(nodes int) decision {
	counted := make([]string, 0, len(r.reasons))
	for reason, n := range r.reasons {
		counted = append(counted, fmt.Sprintf("%d %s", n, reason))
	}
	slices.Sort(counted)
	message := fmt.Sprintf("0/%d nodes are available", nodes)
	if len(counted) > 0 {
		message += ": " + strings.Join(counted, ", ")
	}
	return decision{message: message + ".", retry: r.retry}
}

// The soft constraints that go without saying: Pods of one owner or service
// over hosts, and more so over zones (SCHED-15, SCHED-28).
var defaultTopologies = []cluster.Spread{
	{TopologyKey: v1.LabelHostname, MaxSkew: 3},
	{TopologyKey: v1.LabelTopologyZone, MaxSkew: 5},
}

// replicating are the controllers whose Pods are each other's replicas.
var replicating = map[string]bool{"ReplicaSet": true, "StatefulSet": true, "ReplicationController": true}

func (s *scheduler) defaultSpreads(pod *cluster.Pod) []cluster.Spread {
	if len(pod.Spec.TopologySpreadConstraints) > 0 {
		return nil
	}
	selector := s.serviceSelector(pod)
	owned := replicating[pod.Class.OwnerKind]
	if !owned && len(selector) == 0 {
		return nil
	}
	matches := selector.AsSelectorPreValidated()
	includes := cluster.Inclusion(pod, &v1.TopologySpreadConstraint{})
	spreads := slices.Clone(defaultTopologies)
	for i := range spreads {
		spreads[i].Counts = func(class *cluster.Class) bool {
			return (!owned || class.Owner == pod.Class.Owner) && matches.Matches(class.Labels)
		}
		spreads[i].Includes = includes
	}
	return spreads
}

// serviceSelector merges the selectors of the services that the Pod is behind.
func (s *scheduler) serviceSelector(pod *cluster.Pod) labels.Set {
	merged := labels.Set{}
	services, err := s.services.In(pod.Namespace).List(labels.Everything())
	if err != nil {
		return merged
	}
	for _, service := range services {
		selector := labels.Set(service.Spec.Selector)
		if len(selector) > 0 && selector.AsSelectorPreValidated().Matches(labels.Set(pod.Labels)) {
			maps.Copy(merged, selector)
		}
	}
	return merged
}
