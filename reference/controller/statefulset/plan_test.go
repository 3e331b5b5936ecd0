package statefulset

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/controller/revision"
)

// TestPlan states the next step for the Pods that there are. A Pod is written
// ordinal:revision:condition; the revisions are "a", the current one, and "b".
func TestPlan(t *testing.T) {
	parallel := func(set *appsv1.StatefulSet) { set.Spec.PodManagementPolicy = appsv1.ParallelPodManagement }
	onDelete := func(set *appsv1.StatefulSet) { set.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType }
	from := func(start int32) func(*appsv1.StatefulSet) {
		return func(set *appsv1.StatefulSet) { set.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: start} }
	}
	rolling := func(partition, unavailable int) func(*appsv1.StatefulSet) {
		return func(set *appsv1.StatefulSet) {
			set.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{
				Partition: ptr.To(int32(partition)), MaxUnavailable: ptr.To(intstr.FromInt(unavailable)),
			}
		}
	}
	type options = []func(*appsv1.StatefulSet)
	tests := map[string]struct {
		options options
		pods    string
		create  []int
		delete  string
	}{
		"the first":                        {pods: "", create: []int{0}},
		"the next waits for Ready":         {pods: "0:b:running"},
		"the next":                         {pods: "0:b:ready", create: []int{1}},
		"a gap is filled first":            {pods: "0:b:ready 2:b:ready", create: []int{1}},
		"its name is still taken":          {pods: "0:b:leaving"},
		"all at once":                      {options: options{parallel}, create: []int{0, 1, 2}},
		"all but what is taken":            {options: options{parallel}, pods: "1:b:leaving", create: []int{0, 2}},
		"from another start":               {options: options{from(5)}, pods: "5:b:ready", create: []int{6}},
		"what has failed goes":             {pods: "0:b:ready 1:b:failed", delete: "1"},
		"what has succeeded goes":          {pods: "0:b:succeeded", delete: "0"},
		"the highest goes":                 {pods: "0:b:ready 1:b:ready 2:b:ready 3:b:ready 4:b:ready", delete: "4"},
		"one at a time":                    {pods: "0:b:ready 1:b:ready 2:b:ready 3:b:ready 4:b:leaving"},
		"an unhealthy one below halts it":  {pods: "0:b:ready 1:b:running 2:b:ready 3:b:ready"},
		"the unhealthy one itself may go":  {pods: "0:b:ready 1:b:ready 2:b:ready 3:b:running", delete: "3"},
		"all surplus at once":              {options: options{parallel}, pods: "0:b:ready 1:b:ready 2:b:ready 3:b:running 4:b:ready", delete: "4 3"},
		"update from the highest":          {pods: "0:a:ready 1:a:ready 2:a:ready", delete: "2"},
		"update waits for Ready":           {pods: "0:a:ready 1:a:ready 2:b:running"},
		"update goes on":                   {pods: "0:a:ready 1:a:ready 2:b:ready", delete: "1"},
		"update down to the partition":     {options: options{rolling(2, 1)}, pods: "0:a:ready 1:a:ready 2:b:ready"},
		"update of two at a time":          {options: options{rolling(0, 2)}, pods: "0:a:ready 1:a:ready 2:a:ready", delete: "2 1"},
		"parallel update, broken ones too": {options: options{parallel}, pods: "0:a:running 1:a:ready 2:a:ready", delete: "0"},
		"no update":                        {options: options{onDelete}, pods: "0:a:ready 1:a:ready 2:a:ready"},
		"not one of the set's":             {pods: "0:b:ready x:b:ready 01:b:ready", create: []int{1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			set := newSet(test.options...)
			p := newState(set, pods(test.pods), history, nil, now).next()
			assert.Equal(t, test.create, p.create)
			var deleted []string
			for _, pod := range p.delete {
				deleted = append(deleted, strings.TrimPrefix(pod.Name, "web-"))
			}
			assert.Equal(t, test.delete, strings.Join(deleted, " "))
		})
	}
}

func TestRevisionFor(t *testing.T) {
	set := newSet(func(set *appsv1.StatefulSet) {
		set.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: 5}
		set.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: ptr.To[int32](2)}
	})
	s := newState(set, nil, history, nil, now)
	for ordinal, want := range map[int]string{5: "a", 6: "a", 7: "b"} {
		assert.Equal(t, want, s.revisionFor(ordinal).Name, ordinal)
	}
}

func TestStatus(t *testing.T) {
	tests := map[string]struct {
		pods string
		want appsv1.StatefulSetStatus
	}{
		"during an update": {"0:a:ready 1:a:leaving 2:b:running", appsv1.StatefulSetStatus{
			Replicas: 3, ReadyReplicas: 1, AvailableReplicas: 1, CurrentReplicas: 1, UpdatedReplicas: 1, CurrentRevision: "a", UpdateRevision: "b", CollisionCount: ptr.To[int32](0),
		}},
		"after an update": {"0:b:ready 1:b:ready 2:b:ready", appsv1.StatefulSetStatus{
			Replicas: 3, ReadyReplicas: 3, AvailableReplicas: 3, CurrentReplicas: 3, UpdatedReplicas: 3, CurrentRevision: "b", UpdateRevision: "b", CollisionCount: ptr.To[int32](0),
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, newState(newSet(), pods(test.pods), history, nil, now).status(nil))
		})
	}
}

// TestMissingClaims has what the Pod web-0 lacks of the claims of two templates, and
// whether it can be created.
func TestMissingClaims(t *testing.T) {
	ofPod := []metav1.OwnerReference{*metav1.NewControllerRef(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web-0", UID: "before"}}, podKind)}
	tests := map[string]struct {
		existing []metav1.ObjectMeta
		missing  []string
		create   []int
	}{
		"all":                      {missing: []string{"data-web-0", "log-web-0"}, create: []int{0}},
		"one":                      {existing: []metav1.ObjectMeta{{Name: "data-web-0"}}, missing: []string{"log-web-0"}, create: []int{0}},
		"another Pod's are others": {existing: []metav1.ObjectMeta{{Name: "data-web-1"}}, missing: []string{"data-web-0", "log-web-0"}, create: []int{0}},
		"one is being deleted":     {existing: []metav1.ObjectMeta{{Name: "log-web-0", DeletionTimestamp: &metav1.Time{Time: now}}}, missing: []string{"data-web-0"}},
		"one goes with a Pod that is gone": {
			existing: []metav1.ObjectMeta{{Name: "data-web-0", OwnerReferences: ofPod}, {Name: "log-web-0"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			set := newSet(func(set *appsv1.StatefulSet) {
				set.Spec.Selector = &metav1.LabelSelector{}
				for _, name := range []string{"data", "log"} {
					set.Spec.VolumeClaimTemplates = append(set.Spec.VolumeClaimTemplates, corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name}})
				}
			})
			existing := map[string]*corev1.PersistentVolumeClaim{}
			for _, meta := range test.existing {
				existing[meta.Name] = &corev1.PersistentVolumeClaim{ObjectMeta: meta}
			}
			s := newState(set, nil, history, func(name string) *corev1.PersistentVolumeClaim { return existing[name] }, now)
			missing, blocked := missingClaims(set, 0, s.claims)
			var names []string
			for _, claim := range missing {
				names = append(names, claim.Name)
			}
			assert.Equal(t, test.missing, names)
			assert.Equal(t, test.create == nil, blocked)
			assert.Equal(t, test.create, s.next().create)
		})
	}
}

func TestClaimOwners(t *testing.T) {
	set := newSet()
	set.UID = "set"
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web-0", UID: "pod"}}
	ours, pods := *metav1.NewControllerRef(set, kind), *metav1.NewControllerRef(pod, podKind)
	stale := ours
	stale.UID = "before"
	other := metav1.OwnerReference{APIVersion: "v1", Kind: "Secret", Name: "x", UID: "x"}
	controlled := other
	controlled.Controller = ptr.To(true)
	type refs = []metav1.OwnerReference
	tests := map[string]struct {
		has  refs
		want retention
		then refs
	}{
		"retained":                   {has: refs{other, ours}, then: refs{other}},
		"goes with the set":          {has: refs{other}, want: retention{set: true}, then: refs{other, ours}},
		"goes with the Pod":          {has: refs{ours}, want: retention{pod: true}, then: refs{pods}},
		"a predecessor's stays":      {has: refs{stale}, want: retention{set: true}, then: refs{stale}},
		"another's stays":            {has: refs{controlled}, want: retention{set: true}, then: refs{controlled}},
		"is in line with the policy": {has: refs{ours}, want: retention{set: true}, then: refs{ours}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{OwnerReferences: test.has}}
			assert.Equal(t, test.then, claimOwners(claim, set, pod, test.want))
		})
	}
}

// TestPodMetadata has what Kubernetes' controller sets on a Pod besides what its
// template says.
func TestPodMetadata(t *testing.T) {
	template := &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{
		Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"note": "x"}, Finalizers: []string{"example.com/f"},
	}}
	set := newSet()
	set.Spec.ServiceName = "webs"
	pod := newPod(set, template, "web-a", 2)
	assert.Equal(t, metav1.ObjectMeta{
		Name: "web-2", GenerateName: "web-", Namespace: "ns",
		Labels: map[string]string{
			"app": "web", "statefulset.kubernetes.io/pod-name": "web-2",
			"apps.kubernetes.io/pod-index": "2", "controller-revision-hash": "web-a",
		},
		Annotations: map[string]string{"note": "x"}, Finalizers: []string{"example.com/f"},
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(set, kind)},
	}, pod.ObjectMeta)
	assert.Equal(t, "web-2", pod.Spec.Hostname)
	assert.Equal(t, "webs", pod.Spec.Subdomain)
}

// history has the revisions "a", the current one, and "b".
var history = revision.History{All: []*appsv1.ControllerRevision{revisionNamed("a"), revisionNamed("b")}, Update: revisionNamed("b")}

func revisionNamed(name string) *appsv1.ControllerRevision {
	return &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

var now = time.Unix(1000, 0)

func newSet(options ...func(*appsv1.StatefulSet)) *appsv1.StatefulSet {
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "ns"}, Spec: appsv1.StatefulSetSpec{
		Replicas:       ptr.To[int32](3),
		UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType},
	}, Status: appsv1.StatefulSetStatus{CurrentRevision: "a"}}
	for _, option := range options {
		option(set)
	}
	return set
}

func pods(written string) []*corev1.Pod {
	var all []*corev1.Pod
	for _, one := range strings.Fields(written) {
		parts := strings.Split(one, ":")
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "web-" + parts[0], Labels: map[string]string{appsv1.StatefulSetRevisionLabel: parts[1]}},
			Status:     corev1.PodStatus{Phase: corev1.PodRunning},
		}
		switch parts[2] {
		case "ready":
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		case "leaving":
			pod.DeletionTimestamp = &metav1.Time{Time: time.Unix(990, 0)}
		case "failed":
			pod.Status.Phase = corev1.PodFailed
		case "succeeded":
			pod.Status.Phase = corev1.PodSucceeded
		}
		all = append(all, pod)
	}
	return all
}

// TestMessage has the words of Kubernetes' Events about Pods.
func TestMessage(t *testing.T) {
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "db"}}
	assert.Equal(t, "Create Pod db-0 in StatefulSet db successful", message(set, "Create", "db-0", nil))
	assert.Equal(t, "Delete Pod db-0 in StatefulSet db failed error: no", message(set, "Delete", "db-0", errors.New("no")))
}
