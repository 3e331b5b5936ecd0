package daemonset

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// TestPlacement and TestUpdate state the next step for the Pods that there are.
// A Pod is written name:node:template:condition, the templates are "old" and
// "new". A node's name may be followed by the effect of a taint.
func TestPlacement(t *testing.T) {
	tests := map[string]struct {
		surge  int
		nodes  string
		pods   string
		create string // nodes
		delete string // Pods
		ended  string
		gone   string
	}{
		"a Pod for each node":          {nodes: "m n", pods: "a:m:new:ready", create: "n"},
		"not where it may not run":     {nodes: "m:NoSchedule n:NoExecute"},
		"stays where it may not start": {nodes: "m:NoSchedule", pods: "a:m:new:ready"},
		"goes where it may not be":     {nodes: "m:NoExecute", pods: "a:m:new:ready", delete: "a"},
		"surplus goes, oldest stays":   {nodes: "m", pods: "a:m:new:ready b:m:new:ready", delete: "b"},
		"waits for the last to end":    {nodes: "m", pods: "a:m:new:leaving"},
		"does not wait when surging":   {surge: 1, nodes: "m", pods: "a:m:new:leaving", create: "m"},
		"failed":                       {nodes: "m", pods: "a:m:new:failed", ended: "a"},
		"node is gone":                 {nodes: "n", pods: "a:m:new:ready", create: "n", gone: "a"},
		"new one works":                {surge: 1, nodes: "m", pods: "a:m:old:ready b:m:new:ready", delete: "a"},
		"new one does not work yet":    {surge: 1, nodes: "m", pods: "a:m:old:ready b:m:new:running"},
		"old one does not work":        {surge: 1, nodes: "m", pods: "a:m:old:running b:m:new:running", delete: "a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := stateOf(t, test.surge, 1, test.nodes, test.pods).placement()
			assert.Equal(t, test.create, strings.Join(p.create, " "))
			assert.Equal(t, test.delete, names(p.delete))
			assert.Equal(t, test.ended, names(p.ended))
			assert.Equal(t, test.gone, names(p.abandoned))
		})
	}
}

func TestUpdate(t *testing.T) {
	tests := map[string]struct {
		surge, unavailable int
		pods               string
		create, delete     string
	}{
		"one at a time":               {0, 1, "a:k:old:ready b:m:old:ready c:n:old:ready", "", "a"},
		"two at a time":               {0, 2, "a:k:old:ready b:m:old:ready c:n:old:ready", "", "a b"},
		"waits for the new one":       {0, 1, "a:k:new:running b:m:old:ready c:n:old:ready", "", ""},
		"goes on":                     {0, 1, "a:k:new:ready b:m:old:ready c:n:old:ready", "", "b"},
		"waits for a missing one":     {0, 1, "b:m:old:ready c:n:old:ready", "", ""},
		"broken ones cost nothing":    {0, 1, "a:k:old:running b:m:old:running c:n:old:ready", "", "a b"},
		"is done":                     {0, 1, "a:k:new:ready b:m:new:ready c:n:new:ready", "", ""},
		"surges by one":               {1, 0, "a:k:old:ready b:m:old:ready c:n:old:ready", "k", ""},
		"surge waits":                 {1, 0, "a:k:old:ready x:k:new:running b:m:old:ready c:n:old:ready", "", ""},
		"surge goes on":               {1, 0, "a:k:old:ready x:k:new:ready b:m:old:ready c:n:old:ready", "m", "a"},
		"surge beside a broken one":   {1, 0, "a:k:old:running b:m:old:ready x:m:new:running c:n:old:ready", "k", ""},
		"neither means one is missed": {0, 0, "a:k:old:ready b:m:old:ready c:n:old:ready", "", "a"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := stateOf(t, test.surge, test.unavailable, "k m n", test.pods).update()
			assert.Equal(t, test.create, strings.Join(p.create, " "))
			assert.Equal(t, test.delete, names(p.delete))
		})
	}
}

func TestStatus(t *testing.T) {
	s := stateOf(t, 0, 1, "k m n o:NoSchedule", "a:k:old:ready b:m:new:running c:o:new:ready")
	assert.Equal(t, appsv1.DaemonSetStatus{
		DesiredNumberScheduled: 3, CurrentNumberScheduled: 2, NumberMisscheduled: 1,
		NumberReady: 1, NumberAvailable: 1, NumberUnavailable: 2, UpdatedNumberScheduled: 1,
	}, s.status(nil))
}

// TestTolerations is DS-03.
func TestTolerations(t *testing.T) {
	limited := corev1.Toleration{Key: corev1.TaintNodeNotReady, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](5)}
	own := corev1.Toleration{Key: "own", Operator: corev1.TolerationOpExists}
	all := tolerations(&corev1.PodSpec{Tolerations: []corev1.Toleration{own, limited}})
	assert.Len(t, all, 7)
	assert.Equal(t, own, all[0])
	assert.Nil(t, all[1].TolerationSeconds, "a daemon stays however long it takes")
	assert.Len(t, tolerations(&corev1.PodSpec{HostNetwork: true}), 7)
}

// TestNewPod is DS-02: the Pod has no node, and admits one only.
func TestNewPod(t *testing.T) {
	set := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: "agent"}}
	pod := newPod(set, newTemplate(set, "hash"), "m")
	assert.Empty(t, pod.Spec.NodeName)
	node, ok := nodeOf(pod)
	assert.True(t, ok)
	assert.Equal(t, "m", node)
	assert.Equal(t, "hash", pod.Labels[appsv1.DefaultDaemonSetUniqueLabelKey])
}

func stateOf(t *testing.T, surge, unavailable int, nodes, pods string) state {
	t.Helper()
	set := &appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{UpdateStrategy: appsv1.DaemonSetUpdateStrategy{
		Type: appsv1.RollingUpdateDaemonSetStrategyType,
		RollingUpdate: &appsv1.RollingUpdateDaemonSet{
			MaxSurge: ptr.To(intstr.FromInt(surge)), MaxUnavailable: ptr.To(intstr.FromInt(unavailable)),
		},
	}}}
	var allNodes []*corev1.Node
	for _, written := range strings.Fields(nodes) {
		name, effect, tainted := strings.Cut(written, ":")
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if tainted {
			node.Spec.Taints = []corev1.Taint{{Key: "k", Effect: corev1.TaintEffect(effect)}}
		}
		allNodes = append(allNodes, node)
	}
	var allPods []*corev1.Pod
	for _, written := range strings.Fields(pods) {
		parts := strings.Split(written, ":")
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: parts[0], Labels: map[string]string{appsv1.DefaultDaemonSetUniqueLabelKey: parts[2]}},
			Spec:       corev1.PodSpec{NodeName: parts[1]},
			Status:     corev1.PodStatus{Phase: corev1.PodRunning},
		}
		switch parts[3] {
		case "ready":
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		case "leaving":
			pod.DeletionTimestamp = &metav1.Time{Time: time.Unix(990, 0)}
		case "failed":
			pod.Status.Phase = corev1.PodFailed
		}
		allPods = append(allPods, pod)
	}
	return newState(set, allNodes, allPods, "new", time.Unix(1000, 0))
}

func names(pods []*corev1.Pod) string {
	var all []string
	for _, pod := range pods {
		all = append(all, pod.Name)
	}
	return strings.Join(all, " ")
}
