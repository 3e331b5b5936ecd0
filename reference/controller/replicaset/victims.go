package replicaset

import (
	"cmp"
	"math/bits"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/podchain/podchain/reference/controller"
)

// victims chooses the Pods to delete, those whose loss matters least first (RS-13).
func victims(active []*corev1.Pod, perNode map[string]int, count int, now time.Time) []*corev1.Pod {
	if count >= len(active) {
		return active
	}
	ranked := make([]candidate, len(active))
	for i, pod := range active {
		ranked[i] = rank(pod, perNode[pod.Spec.NodeName], now)
	}
	slices.SortFunc(ranked, candidate.compare)
	chosen := make([]*corev1.Pod, count)
	for i := range chosen {
		chosen[i] = ranked[i].pod
	}
	return chosen
}

// candidate is a Pod with its rank: the levels of RS-13, the most significant
// first, each so that the smaller number goes first.
type candidate struct {
	pod    *corev1.Pod
	levels [8]int
}

func rank(pod *corev1.Pod, onNode int, now time.Time) candidate {
	ready := controller.Ready(pod)
	return candidate{pod, [...]int{
		truth(pod.Spec.NodeName != ""),
		phaseOrder[pod.Status.Phase],
		truth(ready),
		deletionCost(pod),
		truth(ready) * -onNode,
		truth(ready) * ageBucket(readySince(pod), now),
		-controller.Restarts(pod),
		ageBucket(pod.CreationTimestamp.Time, now),
	}}
}

// compare falls back on the uid, which spreads the choice and is stable.
func (c candidate) compare(other candidate) int {
	return cmp.Or(slices.Compare(c.levels[:], other.levels[:]), cmp.Compare(c.pod.UID, other.pod.UID))
}

var phaseOrder = map[corev1.PodPhase]int{corev1.PodPending: 0, corev1.PodUnknown: 1, corev1.PodRunning: 2}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// deletionCost reads the annotation; what is not a number there costs nothing.
func deletionCost(pod *corev1.Pod) int {
	cost, err := strconv.ParseInt(pod.Annotations[corev1.PodDeletionCost], 10, 32)
	if err != nil {
		return 0
	}
	return int(cost)
}

func readySince(pod *corev1.Pod) time.Time {
	if ready := controller.PodCondition(pod, corev1.PodReady); ready != nil {
		return ready.LastTransitionTime.Time
	}
	return time.Time{}
}

// ageBucket is the logarithm of an age: the difference between a minute and an
// hour counts, the one between 100 and 101 days does not.
func ageBucket(since, now time.Time) int {
	if since.IsZero() {
		return 0
	}
	return bits.Len64(uint64(max(now.Sub(since), 0)))
}
