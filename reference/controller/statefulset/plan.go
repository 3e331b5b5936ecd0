package statefulset

import (
	"cmp"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/podchain/podchain/reference/controller"
	"github.com/podchain/podchain/reference/controller/revision"
)

// state is what a plan is made from.
type state struct {
	set *appsv1.StatefulSet
	// replicas are the Pods in range, by ordinal from the first; nil is a Pod
	// that is missing.
	replicas []*corev1.Pod
	// condemned are the Pods out of range, from the highest ordinal down.
	condemned []*corev1.Pod
	// current and update are the two revisions: at first they are one.
	current, update *appsv1.ControllerRevision
	claims          claims
	now             time.Time
}

// plan is what to do now. Whatever has to wait for it is in the next plan: the
// events that this one causes bring it about.
type plan struct {
	create []int // ordinals
	delete []*corev1.Pod
}

// newState sorts the set's Pods by their part. Pods whose name is not one of
// the set's are left alone.
func newState(set *appsv1.StatefulSet, pods []*corev1.Pod, history revision.History, claims claims, now time.Time) state {
	s := state{
		set: set, replicas: make([]*corev1.Pod, replicas(set)),
		current: history.Update, update: history.Update, claims: claims, now: now,
	}
	for _, known := range history.All {
		if known.Name == set.Status.CurrentRevision {
			s.current = known
		}
	}
	for _, pod := range pods {
		ordinal, ok := ordinalOf(set, pod.Name)
		switch {
		case !ok:
		case inRange(set, ordinal):
			s.replicas[ordinal-start(set)] = pod
		default:
			s.condemned = append(s.condemned, pod)
		}
	}
	slices.SortFunc(s.condemned, func(a, b *corev1.Pod) int {
		x, _ := ordinalOf(set, a.Name)
		y, _ := ordinalOf(set, b.Name)
		return cmp.Compare(y, x)
	})
	return s
}

// next plans the next step: first the Pods that are wanted, then those that are
// not, then those that are outdated. With OrderedReady each Pod waits for the
// one before it (STS-02, STS-03); with Parallel none does (STS-04).
func (s state) next() plan {
	var p plan
	ordered := s.set.Spec.PodManagementPolicy != appsv1.ParallelPodManagement
	for i, pod := range s.replicas {
		wait := true
		switch {
		case pod == nil:
			// With a claim that is being deleted it waits for a new one.
			if _, blocked := missingClaims(s.set, start(s.set)+i, s.claims); !blocked {
				p.create = append(p.create, start(s.set)+i)
			}
		case pod.DeletionTimestamp != nil:
			// Its name is taken until it is gone (STS-05).
		case controller.Terminal(pod):
			p.delete = append(p.delete, pod) // STS-09
		default:
			wait = !s.available(pod)
		}
		if ordered && wait {
			return p
		}
	}
	unavailable := s.firstUnavailable()
	for _, pod := range s.condemned {
		leaving := pod.DeletionTimestamp != nil
		// An unhealthy Pod further down may need this one; but it may itself be
		// what is unhealthy.
		if ordered && (leaving || !s.available(pod) && pod != unavailable) {
			return p
		}
		if !leaving {
			p.delete = append(p.delete, pod)
			if ordered {
				return p
			}
		}
	}
	if s.set.Spec.UpdateStrategy.Type == appsv1.RollingUpdateStatefulSetStrategyType {
		p.delete = append(p.delete, s.outdated()...)
	}
	return p
}

// available says that the Pod counts as working. One that is on its way out
// does not.
func (s state) available(pod *corev1.Pod) bool {
	if pod == nil || pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning {
		return false
	}
	return controller.Available(pod, s.set.Spec.MinReadySeconds, s.now)
}

// firstUnavailable is the Pod with the lowest place that does not work: wanted
// ones first. It is nil also for a Pod that is missing.
func (s state) firstUnavailable() *corev1.Pod {
	for _, pod := range s.replicas {
		if !s.available(pod) {
			return pod
		}
	}
	for _, pod := range slices.Backward(s.condemned) {
		if !s.available(pod) {
			return pod
		}
	}
	return nil
}

// outdated returns the Pods to replace now: from the highest ordinal down to
// the partition (STS-06), as many as maxUnavailable leaves room for (STS-11).
func (s state) outdated() []*corev1.Pod {
	room := maxUnavailable(s.set)
	for _, pod := range s.replicas {
		if !s.available(pod) {
			room--
		}
	}
	var chosen, broken []*corev1.Pod
	parallel := s.set.Spec.PodManagementPolicy == appsv1.ParallelPodManagement
	for i, pod := range slices.Backward(s.replicas) {
		switch {
		case i < partition(s.set) || pod == nil || pod.DeletionTimestamp != nil || revisionOf(pod) == s.update.Name:
		case parallel && !s.available(pod):
			// To replace what does not work costs nothing.
			if !controller.Terminal(pod) { // is in the plan already
				broken = append(broken, pod)
			}
		case len(chosen) < room:
			chosen = append(chosen, pod)
		}
	}
	return append(broken, chosen...)
}

// revisionFor is the revision at which to make the Pod with that ordinal:
// below the partition it is the one that was current (STS-06).
func (s state) revisionFor(ordinal int) *appsv1.ControllerRevision {
	strategy := s.set.Spec.UpdateStrategy
	index := ordinal - start(s.set)
	switch {
	case strategy.Type != appsv1.RollingUpdateStatefulSetStrategyType:
		return s.update
	case strategy.RollingUpdate == nil && index < int(s.set.Status.CurrentReplicas), index < partition(s.set):
		return s.current
	default:
		return s.update
	}
}

// newPods makes the Pods with those ordinals.
func (s state) newPods(ordinals []int) ([]*corev1.Pod, error) {
	pods := make([]*corev1.Pod, len(ordinals))
	for i, ordinal := range ordinals {
		from := s.revisionFor(ordinal)
		template, err := revision.Template(from)
		if err != nil {
			return nil, err
		}
		pods[i] = newPod(s.set, template, from.Name, ordinal)
	}
	return pods, nil
}

// unlabelled returns the Pods that have lost a label that they are found by.
func (s state) unlabelled() []*corev1.Pod {
	return s.staying(func(pod *corev1.Pod) bool { return pod.Labels[appsv1.StatefulSetPodNameLabel] != pod.Name })
}

// pending returns the Pods that may lack a claim to begin with.
func (s state) pending() []*corev1.Pod {
	return s.staying(func(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodPending })
}

// staying returns those of the replicas that are not being deleted.
func (s state) staying(which func(*corev1.Pod) bool) []*corev1.Pod {
	return slices.DeleteFunc(slices.Clone(s.replicas), func(pod *corev1.Pod) bool {
		return pod == nil || pod.DeletionTimestamp != nil || !which(pod)
	})
}

// inUse says whether a revision may still be wanted.
func (s state) inUse(pods []*corev1.Pod) func(*appsv1.ControllerRevision) bool {
	used := map[string]bool{s.current.Name: true, s.update.Name: true}
	for _, pod := range pods {
		used[revisionOf(pod)] = true
	}
	return func(revision *appsv1.ControllerRevision) bool { return used[revision.Name] }
}

func partition(set *appsv1.StatefulSet) int {
	if update := set.Spec.UpdateStrategy.RollingUpdate; update != nil && update.Partition != nil {
		return int(*update.Partition)
	}
	return 0
}

// maxUnavailable is at least one: with none an update would never begin.
func maxUnavailable(set *appsv1.StatefulSet) int {
	update := set.Spec.UpdateStrategy.RollingUpdate
	if update == nil || update.MaxUnavailable == nil {
		return 1
	}
	// A value that cannot be read is refused by the API server.
	value, err := intstr.GetScaledValueFromIntOrPercent(update.MaxUnavailable, replicas(set), false)
	if err != nil {
		return 1
	}
	return max(value, 1)
}
