package deployment

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// rollout is one Deployment and its ReplicaSets, and answers which size each
// is to have next. It only computes: nothing in this file writes.
type rollout struct {
	deployment *appsv1.Deployment
	// current has the Deployment's template; nil until it is created.
	current *appsv1.ReplicaSet
	// old are the others, in order of creation.
	old []*appsv1.ReplicaSet
	// surge and unavailable are the strategy's bounds as numbers of Pods.
	surge, unavailable int32
}

// size is a ReplicaSet and the number of replicas it is to have.
type size struct {
	set *appsv1.ReplicaSet
	to  int32
}

func contains(sizes []size, set *appsv1.ReplicaSet) bool {
	return slices.ContainsFunc(sizes, func(s size) bool { return s.set == set })
}

func newRollout(deployment *appsv1.Deployment, owned []*appsv1.ReplicaSet) *rollout {
	r := &rollout{deployment: deployment}
	r.surge, r.unavailable = bounds(deployment)
	byCreation(owned)
	for _, set := range owned {
		// If several match, the oldest is the one: any rule does that is always the same.
		if r.current == nil && sameTemplate(&set.Spec.Template, &deployment.Spec.Template) {
			r.current = set
			continue
		}
		r.old = append(r.old, set)
	}
	return r
}

// bounds resolves maxSurge, rounded up, and maxUnavailable, rounded down. With
// both 0 nothing could ever move, so one Pod may be unavailable then (ROLLOUT-02, -03).
func bounds(deployment *appsv1.Deployment) (surge, unavailable int32) {
	strategy := deployment.Spec.Strategy
	if strategy.Type == appsv1.RecreateDeploymentStrategyType {
		return 0, 0
	}
	replicas := int(*deployment.Spec.Replicas)
	resolve := func(value *intstr.IntOrString, up bool) int32 {
		if value == nil {
			return 0
		}
		number, err := intstr.GetScaledValueFromIntOrPercent(value, replicas, up)
		if err != nil {
			return 0 // not a percentage: validation refuses it
		}
		return int32(number)
	}
	if update := strategy.RollingUpdate; update != nil {
		surge, unavailable = resolve(update.MaxSurge, true), resolve(update.MaxUnavailable, false)
	}
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, min(unavailable, int32(replicas))
}

// all returns every ReplicaSet, the current one last.
func (r *rollout) all() []*appsv1.ReplicaSet {
	if r.current == nil {
		return r.old
	}
	return append(slices.Clone(r.old), r.current)
}

// active returns those that ask for Pods.
func (r *rollout) active() []*appsv1.ReplicaSet {
	return slices.DeleteFunc(slices.Clone(r.all()), func(set *appsv1.ReplicaSet) bool { return *set.Spec.Replicas == 0 })
}

// replace puts a newer version of a ReplicaSet in its place.
func (r *rollout) replace(before, after *appsv1.ReplicaSet) {
	if r.current == before {
		r.current = after
	}
	if i := slices.Index(r.old, before); i >= 0 {
		r.old[i] = after
	}
}

// revision is the current ReplicaSet's, as it is written.
func (r *rollout) revision() string {
	if r.current == nil {
		return ""
	}
	return r.current.Annotations[revisionAnnotation]
}

// asked sums up what ReplicaSets ask for.
func asked(sets []*appsv1.ReplicaSet) int32 {
	total := int32(0)
	for _, set := range sets {
		total += *set.Spec.Replicas
	}
	return total
}

// available is what a ReplicaSet has of available Pods and will keep: of more
// than it asks for, the rest is about to be deleted.
func available(set *appsv1.ReplicaSet) int32 {
	return min(set.Status.AvailableReplicas, *set.Spec.Replicas)
}

// growth is the size of the current ReplicaSet that the upper bound allows now (ROLLOUT-02).
func (r *rollout) growth() int32 {
	replicas, now := *r.deployment.Spec.Replicas, int32(0)
	if r.current != nil {
		now = *r.current.Spec.Replicas
	}
	if now >= replicas {
		return replicas
	}
	room := replicas + r.surge - asked(r.all())
	return now + max(0, min(room, replicas-now))
}

// rollingUpdate is one step of a rolling update: the current ReplicaSet grows as far
// as the upper bound allows, the old ones shrink as far as the lower bound
// allows: their Pods that are not available first, which costs nothing, and
// then the rest, the oldest first (ROLLOUT-03, -04, -06).
func (r *rollout) rollingUpdate() []size {
	sizes := []size{{r.current, r.growth()}}

	minimum := *r.deployment.Spec.Replicas - r.unavailable
	budget := asked(r.old) + available(r.current) - minimum
	if budget <= 0 {
		return sizes
	}
	to := make([]int32, len(r.old))
	shrink := func(i int, by int32) {
		by = min(by, budget)
		to[i] -= by
		budget -= by
	}
	for i, set := range r.old {
		to[i] = *set.Spec.Replicas
		shrink(i, to[i]-available(set))
	}
	for i := range r.old {
		shrink(i, to[i])
	}
	for i, set := range r.old {
		if to[i] != *set.Spec.Replicas {
			sizes = append(sizes, size{set, to[i]})
		}
	}
	return sizes
}

// emptied is the first step of Recreate: the old ReplicaSets go to 0.
func (r *rollout) emptied() []size {
	var sizes []size
	for _, set := range r.old {
		if *set.Spec.Replicas > 0 {
			sizes = append(sizes, size{set, 0})
		}
	}
	return sizes
}

// scaled says that the Deployment was scaled since its ReplicaSets got their
// sizes. It is not asked of a Recreate in the middle of its change: the old
// ReplicaSets are to be empty anyhow.
func (r *rollout) scaled() bool {
	active := r.active()
	if r.deployment.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType && (len(active) != 1 || active[0] != r.current) {
		return false
	}
	want := strconv.Itoa(int(*r.deployment.Spec.Replicas))
	return slices.ContainsFunc(active, func(set *appsv1.ReplicaSet) bool {
		noted, ok := set.Annotations[desiredAnnotation]
		return ok && noted != want
	})
}

// scaling spreads a change of the Deployment's scale over its ReplicaSets, so
// that a rollout is neither sped up nor turned back by it (SCALE-03, ROLLOUT-11, -12).
func (r *rollout) scaling() []size {
	replicas, active := *r.deployment.Spec.Replicas, r.active()
	switch {
	case len(active) == 1:
		return []size{{active[0], replicas}}
	case len(active) == 0 && r.current != nil:
		return []size{{r.current, replicas}}
	case len(active) == 0 && len(r.old) > 0:
		return []size{{r.old[len(r.old)-1], replicas}}
	case len(active) == 0:
		return nil
	case r.saturated():
		return r.emptied()
	case r.deployment.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType:
		return nil
	}
	return r.proportional(active)
}

// saturated says that the current ReplicaSet has all the replicas, and they are available.
func (r *rollout) saturated() bool {
	replicas := *r.deployment.Spec.Replicas
	return r.current != nil &&
		*r.current.Spec.Replicas == replicas &&
		r.current.Status.AvailableReplicas == replicas &&
		r.current.Annotations[desiredAnnotation] == strconv.Itoa(int(replicas))
}

// proportional gives each active ReplicaSet the share of the new total that it
// had of the old one. What rounding leaves over goes to the largest; of equal
// ones to the newer when growing, to the older when shrinking.
func (r *rollout) proportional(active []*appsv1.ReplicaSet) []size {
	total := int32(0)
	if replicas := *r.deployment.Spec.Replicas; replicas > 0 {
		total = replicas + r.surge
	}
	left := total - asked(active)
	growing := left > 0
	byCreation(active)
	if growing {
		slices.Reverse(active)
	}
	slices.SortStableFunc(active, func(a, b *appsv1.ReplicaSet) int {
		return cmp.Compare(*b.Spec.Replicas, *a.Spec.Replicas)
	})

	sizes := make([]size, len(active))
	for i, set := range active {
		now := *set.Spec.Replicas
		change := r.share(set, total) - now
		if growing {
			change = max(0, min(change, left))
		} else {
			change = min(0, max(change, left))
		}
		sizes[i] = size{set, now + change}
		left -= change
	}
	sizes[0].to = max(0, sizes[0].to+left)
	return sizes
}

// share is what the ReplicaSet would have of the total, if it keeps its part
// of the maximum that was noted when it got its size.
func (r *rollout) share(set *appsv1.ReplicaSet, total int32) int32 {
	before := annotated(set, maximumAnnotation)
	if before == 0 {
		// The note was taken away: the status is the next best.
		before = int64(r.deployment.Status.Replicas)
	}
	if total == 0 {
		return 0
	}
	if before == 0 {
		return *set.Spec.Replicas
	}
	return int32(math.Round(float64(*set.Spec.Replicas) * float64(total) / float64(before)))
}
