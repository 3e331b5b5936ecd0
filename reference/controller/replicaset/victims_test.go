package replicaset

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// RS-13, level by level: of the two Pods, the first goes.
func TestVictims(t *testing.T) {
	now := time.Now()
	healthy := func(change func(*corev1.Pod)) *corev1.Pod {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{UID: "m", CreationTimestamp: metav1.NewTime(now.Add(-time.Hour))},
			Spec:       corev1.PodSpec{NodeName: "a"},
			Status: corev1.PodStatus{
				Phase: corev1.PodRunning,
				Conditions: []corev1.PodCondition{{
					Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(now.Add(-time.Hour)),
				}},
				ContainerStatuses: []corev1.ContainerStatus{{}},
			},
		}
		change(pod)
		return pod
	}
	cost := func(cost string) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Annotations = map[string]string{corev1.PodDeletionCost: cost} }
	}
	tests := map[string]struct{ first, second func(*corev1.Pod) }{
		"unassigned before assigned": {
			func(p *corev1.Pod) { p.Spec.NodeName = "" }, func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending }},
		"pending before unknown": {
			func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending }, func(p *corev1.Pod) { p.Status.Phase = corev1.PodUnknown }},
		"unknown before running": {
			func(p *corev1.Pod) { p.Status.Phase = corev1.PodUnknown }, func(p *corev1.Pod) { p.Status.Conditions = nil }},
		"not ready before ready": {
			func(p *corev1.Pod) { p.Status.Conditions = nil }, cost("-5")},
		"lower cost before higher":      {cost("-1"), cost("3")},
		"a cost that is no number is 0": {cost("-1"), cost("many")},
		"lower cost before the fuller node": {
			cost("-1"), func(p *corev1.Pod) { p.Spec.NodeName = "full" }},
		"on the fuller node": {
			func(p *corev1.Pod) { p.Spec.NodeName = "full" },
			func(p *corev1.Pod) { p.Status.Conditions[0].LastTransitionTime = metav1.NewTime(now.Add(-time.Second)) }},
		"ready for a shorter time": {
			func(p *corev1.Pod) { p.Status.Conditions[0].LastTransitionTime = metav1.NewTime(now.Add(-time.Second)) },
			func(p *corev1.Pod) { p.Status.ContainerStatuses[0].RestartCount = 9 }},
		"more restarts": {
			func(p *corev1.Pod) { p.Status.ContainerStatuses[0].RestartCount = 2 },
			func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(now) }},
		"younger": {
			func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(now.Add(-time.Minute)) },
			func(p *corev1.Pod) { p.UID = "a" }},
		"equal: by uid": {func(p *corev1.Pod) { p.UID = "a" }, func(p *corev1.Pod) { p.UID = "b" }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			first, second := healthy(test.first), healthy(test.second)
			perNode := map[string]int{"a": 1, "full": 2}
			assert.Same(t, first, victims([]*corev1.Pod{second, first}, perNode, 1, now)[0])
			assert.Same(t, first, victims([]*corev1.Pod{first, second}, perNode, 1, now)[0])
		})
	}
}

func TestVictimsOfTenThousand(t *testing.T) {
	pods := make([]*corev1.Pod, 10_000)
	for i := range pods {
		pods[i] = &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: types.UID(strconv.Itoa(i))}}
	}
	assert.Len(t, victims(pods, nil, 500, time.Now()), 500)
	assert.Len(t, victims(pods, nil, 10_000, time.Now()), 10_000)
}
