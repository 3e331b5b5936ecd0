package filter

import (
	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// podAffinity applies required inter-pod affinity and anti-affinity (SCHED-13).
// Anti-affinity works both ways: Pods that are there may keep this one away.
var podAffinity = Filter{
	Name: "InterPodAffinity",
	Retry: cluster.NodeAdded | cluster.NodeLabels | cluster.PodPlaced | cluster.PodLabels |
		cluster.PodRemoved | cluster.NamespaceLabels,
	Prepare: func(pod *cluster.Pod, view cluster.View) (Check, error) {
		keepAway := refusedByOthers(pod, view)
		class := pod.Class
		if len(keepAway) == 0 && len(class.Affinity)+len(class.AntiAffinity) == 0 {
			return nil, nil
		}
		near, avoided := neighbours(class, view)
		return func(node *cluster.Node) *Refusal {
			switch {
			case !allNear(class, near, node, view):
				return notNear
			case anyWithin(avoided, node):
				return tooNear
			case anyWithin(keepAway, node):
				return refusedByPods
			}
			return nil
		}, nil
	},
}

var (
	// Removing Pods brings no neighbour closer.
	notNear       = &Refusal{Reasons: []string{"node(s) didn't match pod affinity rules"}, Final: true}
	tooNear       = &Refusal{Reasons: []string{"node(s) didn't match pod anti-affinity rules"}}
	refusedByPods = &Refusal{Reasons: []string{"node(s) didn't satisfy existing pods anti-affinity rules"}}
)

// domain is a value of a topology key: a host, a zone.
type domain struct{ key, value string }

type domainSet map[domain]struct{}

// add puts in the node's domain of that topology, if it is in one.
func (d domainSet) add(node *cluster.Node, key string) {
	if value, ok := node.Labels[key]; ok {
		d[domain{key, value}] = struct{}{}
	}
}

func anyWithin(set domainSet, node *cluster.Node) bool {
	if len(set) == 0 {
		return false
	}
	for key, value := range node.Labels {
		if _, ok := set[domain{key, value}]; ok {
			return true
		}
	}
	return false
}

// refusedByOthers are the domains where a Pod is that wants none like this one.
func refusedByOthers(pod *cluster.Pod, view cluster.View) domainSet {
	set := domainSet{}
	for _, node := range view.Nodes {
		for class := range node.Terms {
			for i := range class.AntiAffinity {
				if term := &class.AntiAffinity[i]; term.Matches(pod.Class, view.NamespaceLabels) {
					set.add(node, term.TopologyKey)
				}
			}
		}
	}
	return set
}

// neighbours are the domains where Pods are that this class wants near (those
// that match all its terms at once), and those it avoids (any term).
func neighbours(class *cluster.Class, view cluster.View) (near, avoided domainSet) {
	near, avoided = domainSet{}, domainSet{}
	add := func(set domainSet, terms []cluster.Term, matches func(*cluster.Class) bool) {
		classes := view.Classes("", matches)
		for _, node := range view.Nodes {
			if node.HasAny(classes) {
				for i := range terms {
					set.add(node, terms[i].TopologyKey)
				}
			}
		}
	}
	if len(class.Affinity) > 0 {
		add(near, class.Affinity, func(other *cluster.Class) bool { return matchesAll(class.Affinity, other, view) })
	}
	for i := range class.AntiAffinity {
		term := class.AntiAffinity[i : i+1]
		add(avoided, term, func(other *cluster.Class) bool { return matchesAll(term, other, view) })
	}
	return near, avoided
}

func matchesAll(terms []cluster.Term, class *cluster.Class, view cluster.View) bool {
	for i := range terms {
		if !terms[i].Matches(class, view.NamespaceLabels) {
			return false
		}
	}
	return len(terms) > 0
}

// allNear returns whether the node is in the wanted domain of every term. For the
// first Pod of a group that wants to be together no other Pod matches: it fits any
// node that has the labels.
func allNear(class *cluster.Class, near domainSet, node *cluster.Node, view cluster.View) bool {
	found := true
	for i := range class.Affinity {
		key := class.Affinity[i].TopologyKey
		value, ok := node.Labels[key]
		if !ok {
			return false
		}
		if _, ok := near[domain{key, value}]; !ok {
			found = false
		}
	}
	return found || len(near) == 0 && matchesAll(class.Affinity, class, view)
}
