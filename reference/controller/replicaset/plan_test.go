package replicaset

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/controller"
)

var now = time.Unix(1000, 0)

// TestPlan states the next step for the Pods that there are. A Pod is written as its
// condition, and the node that it is on if there is one: ready@m.
func TestPlan(t *testing.T) {
	tests := map[string]struct {
		replicas   int32
		pods       string
		neighbours string // of siblings
		create     int
		delete     string // positions in pods
		rest       int
	}{
		"enough":                      {replicas: 2, pods: "ready running"},
		"missing":                     {replicas: 3, pods: "ready", create: 2},
		"ended ones do not count":     {replicas: 1, pods: "failed succeeded", create: 1},
		"nor do those that are going": {replicas: 1, pods: "leaving", create: 1},
		"more than a burst":           {replicas: 1200, create: 500, rest: 700},
		"too many":                    {replicas: 1, pods: "ready running", delete: "1"},
		"only active ones are deleted": {
			replicas: 0, pods: "failed leaving ready", delete: "2"},
		"from the node that has more": {
			replicas: 1, pods: "ready@m ready@n", neighbours: "ready@n", delete: "1"},
		"whose Pods have not ended": {
			replicas: 2, pods: "ready@m ready@n ready@m", neighbours: "failed@n leaving@n", delete: "0"},
		"many more than a burst": {
			pods: strings.Repeat("running ", 501), delete: positions(500), rest: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			pods := podsOf(test.pods)
			p := planFor(setOf(test.replicas), pods, slices.Values(append(slices.Clone(pods), podsOf(test.neighbours)...)), now)
			assert.Equal(t, test.create, p.create)
			assert.Equal(t, test.rest, p.rest)
			var deleted []int
			for _, pod := range p.delete {
				deleted = append(deleted, slices.Index(pods, pod))
			}
			slices.Sort(deleted)
			assert.Equal(t, test.delete, written(deleted))
		})
	}
}

// TestEffect has the changes of a Pod that bring no look, or one that can wait.
func TestEffect(t *testing.T) {
	tests := map[string]struct {
		before, now string
		want        controller.Effect
	}{
		"it is placed":      {"running", "running@m", controller.OnNothing},
		"it becomes ready":  {"running", "ready", controller.OnStatus},
		"it ends":           {"ready", "failed", controller.OnPlan},
		"it is deleted":     {"ready", "leaving", controller.OnPlan},
		"it ends at last":   {"leaving", "failed", controller.OnPlan},
		"nothing of it is":  {"ready", "ready", controller.OnNothing},
		"it has ended, too": {"failed", "succeeded", controller.OnNothing},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, effect(podsOf(test.before)[0], podsOf(test.now)[0]))
		})
	}
}

func TestStatus(t *testing.T) {
	failed := appsv1.ReplicaSetCondition{
		Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Reason: reasonFailedCreate,
		Message: "quota", LastTransitionTime: metav1.NewTime(now),
	}
	earlier := failed
	earlier.Message, earlier.LastTransitionTime = "first", metav1.NewTime(now.Add(-time.Hour))
	refused := errors.Join(errors.New("quota"), errors.New("and no answer to the recount"))
	type conditions = []appsv1.ReplicaSetCondition
	tests := map[string]struct {
		had        conditions
		pods       string
		failure    error
		replicas   int32
		ready      int32
		leaving    int32
		conditions conditions
	}{
		"counts active ones": {pods: "ready running failed leaving", replicas: 2, ready: 1, leaving: 1},
		"fails":              {failure: refused, conditions: conditions{failed}},
		"fails on":           {had: conditions{earlier}, failure: refused, conditions: conditions{earlier}},
		"succeeds":           {had: conditions{earlier}, pods: "ready ready", replicas: 2, ready: 2, conditions: conditions{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			set := setOf(2)
			set.Status.Conditions = test.had
			assert.Equal(t, appsv1.ReplicaSetStatus{
				Replicas: test.replicas, FullyLabeledReplicas: test.replicas, ReadyReplicas: test.ready, AvailableReplicas: test.ready,
				TerminatingReplicas: ptr.To(test.leaving), Conditions: test.conditions,
			}, statusOf(set, podsOf(test.pods), test.failure, now))
		})
	}
}

func setOf(replicas int32) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Replicas: &replicas}}
}

func podsOf(text string) []*corev1.Pod {
	var pods []*corev1.Pod
	for _, one := range strings.Fields(text) {
		condition, node, _ := strings.Cut(one, "@")
		pod := &corev1.Pod{Spec: corev1.PodSpec{NodeName: node}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}
		switch condition {
		case "ready":
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		case "leaving":
			pod.DeletionTimestamp = ptr.To(metav1.NewTime(now))
		case "failed":
			pod.Status.Phase = corev1.PodFailed
		case "succeeded":
			pod.Status.Phase = corev1.PodSucceeded
		}
		pods = append(pods, pod)
	}
	return pods
}

func positions(count int) string {
	var all []int
	for i := range count {
		all = append(all, i)
	}
	return written(all)
}

func written(numbers []int) string {
	var texts []string
	for _, number := range numbers {
		texts = append(texts, strconv.Itoa(number))
	}
	return strings.Join(texts, " ")
}
