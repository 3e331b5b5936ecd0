package daemonset

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/podchain/podchain/reference/controller"
)

// state is what a plan is made from.
type state struct {
	set   *appsv1.DaemonSet
	nodes []*corev1.Node
	// pods are the set's Pods by node, the oldest first. Pods that have ended
	// and are on their way out are not among them.
	pods map[string][]*corev1.Pod
	// hash is the label of Pods of the present template.
	hash     string
	eligible eligibility
	now      time.Time
}

// plan is what to do now.
type plan struct {
	create []string // nodes
	delete []*corev1.Pod
	// ended are Pods that have failed or succeeded, which a daemon never should.
	ended []*corev1.Pod
	// abandoned are Pods on nodes that are no more.
	abandoned []*corev1.Pod
}

func (p plan) empty() bool {
	return len(p.create)+len(p.delete)+len(p.ended)+len(p.abandoned) == 0
}

func newState(set *appsv1.DaemonSet, nodes []*corev1.Node, pods []*corev1.Pod, hash string, now time.Time) state {
	s := state{
		set: set, nodes: nodes, pods: map[string][]*corev1.Pod{},
		hash: hash, eligible: newEligibility(&set.Spec.Template.Spec), now: now,
	}
	for _, pod := range pods {
		node, ok := nodeOf(pod)
		if ok && !(controller.Terminal(pod) && pod.DeletionTimestamp != nil) {
			s.pods[node] = append(s.pods[node], pod)
		}
	}
	for _, onNode := range s.pods {
		slices.SortFunc(onNode, older)
	}
	return s
}

// older puts Pods that have been placed before those that have not, and among
// equals the older first.
func older(a, b *corev1.Pod) int {
	if placedA, placedB := a.Spec.NodeName != "", b.Spec.NodeName != ""; placedA != placedB {
		if placedA {
			return -1
		}
		return 1
	}
	if order := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); order != 0 {
		return order
	}
	return strings.Compare(a.Name, b.Name)
}

// newPods makes Pods for the nodes.
func (s state) newPods(nodes []string) []*corev1.Pod {
	if len(nodes) == 0 {
		return nil
	}
	template := newTemplate(s.set, s.hash)
	pods := make([]*corev1.Pod, len(nodes))
	for i, node := range nodes {
		pods[i] = newPod(s.set, template, node)
	}
	return pods
}

// inUse says whether a revision may still be wanted.
func (s state) inUse(pods []*corev1.Pod) func(*appsv1.ControllerRevision) bool {
	used := map[string]bool{s.hash: true}
	for _, pod := range pods {
		used[pod.Labels[hashLabel]] = true
	}
	return func(revision *appsv1.ControllerRevision) bool { return used[revision.Labels[hashLabel]] }
}

// placement plans one Pod on every eligible node and none elsewhere (DS-01,
// DS-04, DS-09).
func (s state) placement() plan {
	var p plan
	known := make(map[string]bool, len(s.nodes))
	for _, node := range s.nodes {
		known[node.Name] = true
		run, keep := s.eligible.of(node)
		pods, found := s.pods[node.Name]
		switch {
		case run && !found:
			p.create = append(p.create, node.Name)
		case keep:
			s.placeOn(&p, node.Name, pods, run)
		default:
			p.delete = append(p.delete, remaining(pods)...)
		}
	}
	for _, node := range slices.Sorted(maps.Keys(s.pods)) {
		if known[node] {
			continue
		}
		for _, pod := range s.pods[node] {
			switch {
			case pod.Spec.NodeName != "":
				p.abandoned = append(p.abandoned, pod)
			case pod.DeletionTimestamp == nil:
				p.delete = append(p.delete, pod)
			}
		}
	}
	return p
}

// placeOn sees to a node that has Pods already, or may keep them.
func (s state) placeOn(p *plan, node string, pods []*corev1.Pod, run bool) {
	var running []*corev1.Pod
	for _, pod := range remaining(pods) {
		if controller.Terminal(pod) {
			p.ended = append(p.ended, pod)
			continue
		}
		running = append(running, pod)
	}
	surge, _ := s.limits(1)
	switch {
	case surge == 0 && len(running) > 0:
		p.delete = append(p.delete, running[1:]...) // the surplus (DS-09)
	case surge == 0:
		// The node's last Pod is on its way out: its successor waits for it.
	case len(running) == 0 && run:
		p.create = append(p.create, node)
	case len(running) > 1:
		p.delete = append(p.delete, s.surplus(running)...)
	}
}

// surplus returns which of several Pods on a node have to go while updates
// surge: one new Pod and one old are kept until the new one is available, or
// the old one has stopped working.
func (s state) surplus(running []*corev1.Pod) []*corev1.Pod {
	var fresh, outdated *corev1.Pod
	var surplus []*corev1.Pod
	for _, pod := range running {
		switch {
		case s.updated(pod) && fresh == nil:
			fresh = pod
		case !s.updated(pod) && outdated == nil:
			outdated = pod
		default:
			surplus = append(surplus, pod)
		}
	}
	if fresh != nil && outdated != nil && (!controller.Ready(outdated) || s.available(fresh)) {
		surplus = append(surplus, outdated)
	}
	return surplus
}

// update plans the next step of a rolling update (DS-07). It assumes that the
// placement is as planned.
func (s state) update() plan {
	desired := 0
	for _, node := range s.nodes {
		if run, _ := s.eligible.of(node); run {
			desired++
			if _, found := s.pods[node.Name]; !found {
				s.pods[node.Name] = nil
			}
		}
	}
	surge, unavailable := s.limits(desired)
	if surge > 0 {
		return s.surgingUpdate(surge, desired)
	}
	return s.deletingUpdate(unavailable)
}

// deletingUpdate makes room for new Pods by deleting old ones: unavailable ones at
// once, and others as long as at most limit Pods are unavailable.
func (s state) deletingUpdate(limit int) plan {
	var p plan
	var candidates []*corev1.Pod
	missing := 0
	for _, node := range slices.Sorted(maps.Keys(s.pods)) {
		fresh, outdated, ok := s.pair(s.pods[node])
		switch {
		case !ok, (fresh == nil) == (outdated == nil):
			missing++ // the placement is at work here
		case fresh != nil:
			if !s.available(fresh) {
				missing++
			}
		case !s.available(outdated):
			p.delete = append(p.delete, outdated)
			missing++
		default:
			candidates = append(candidates, outdated)
		}
	}
	p.delete = append(p.delete, candidates[:min(len(candidates), max(0, limit-missing))]...)
	return p
}

// surgingUpdate creates new Pods beside the old ones: beside those that do not
// work at once, and beside others up to the limit. The old one goes when the
// new one is available.
func (s state) surgingUpdate(limit, desired int) plan {
	eligible := map[string]bool{}
	for _, node := range s.nodes {
		eligible[node.Name], _ = s.eligible.of(node)
	}
	var p plan
	var candidates []string
	var displaced []*corev1.Pod
	surging, working := 0, 0
	for _, node := range slices.Sorted(maps.Keys(s.pods)) {
		fresh, outdated, ok := s.pair(s.pods[node])
		if !ok {
			surging++
			continue
		}
		if oldest := cmp.Or(outdated, fresh); oldest != nil && s.available(oldest) {
			working++
		}
		switch {
		case outdated == nil:
		case fresh != nil && s.available(fresh):
			p.delete = append(p.delete, outdated)
		case fresh != nil:
			surging++
		case !eligible[node] && s.available(outdated):
			displaced = append(displaced, outdated)
		case !eligible[node]:
			p.delete = append(p.delete, outdated)
		case !s.available(outdated):
			p.create = append(p.create, node)
		default:
			candidates = append(candidates, node)
		}
	}
	// A Pod that works where none should be goes when it is not missed.
	p.delete = append(p.delete, displaced[:min(len(displaced), max(0, working-desired))]...)
	p.create = append(p.create, candidates[:min(len(candidates), max(0, limit-surging))]...)
	return p
}

// pair returns the new and the old Pod of a node; ok is false if there are
// several of one sort.
func (s state) pair(pods []*corev1.Pod) (fresh, outdated *corev1.Pod, ok bool) {
	for _, pod := range remaining(pods) {
		slot := &outdated
		if s.updated(pod) {
			slot = &fresh
		}
		if *slot != nil {
			return nil, nil, false
		}
		*slot = pod
	}
	return fresh, outdated, true
}

func (s state) updated(pod *corev1.Pod) bool {
	return pod.Labels[hashLabel] == s.hash
}

func (s state) available(pod *corev1.Pod) bool {
	return controller.Available(pod, s.set.Spec.MinReadySeconds, s.now)
}

// limits are how many Pods may be extra, or missing, during an update of that
// many. Percentages round up (DS-07); one of the two is always above zero.
func (s state) limits(desired int) (surge, unavailable int) {
	strategy := s.set.Spec.UpdateStrategy
	if strategy.Type != appsv1.RollingUpdateDaemonSetStrategyType || strategy.RollingUpdate == nil {
		return 0, 1
	}
	surge, unavailable = scaled(strategy.RollingUpdate.MaxSurge, desired, 0), scaled(strategy.RollingUpdate.MaxUnavailable, desired, 1)
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, unavailable
}

func scaled(value *intstr.IntOrString, total, otherwise int) int {
	if value == nil {
		return otherwise
	}
	number, err := intstr.GetScaledValueFromIntOrPercent(value, total, true)
	if err != nil {
		return otherwise // the API server refuses what cannot be read
	}
	return number
}

// remaining returns the Pods that are not on their way out.
func remaining(pods []*corev1.Pod) []*corev1.Pod {
	var left []*corev1.Pod
	for _, pod := range pods {
		if pod.DeletionTimestamp == nil {
			left = append(left, pod)
		}
	}
	return left
}
