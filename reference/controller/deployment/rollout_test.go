package deployment

import (
	"strconv"
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

// sized makes the ReplicaSet of a template, older by the index of the template.
func sized(image string, age int, replicas, available int32, annotations ...string) *appsv1.ReplicaSet {
	set := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name:              image,
			CreationTimestamp: metav1.NewTime(time.Unix(int64(1000-age), 0)),
			Annotations:       map[string]string{},
		},
		Spec:   appsv1.ReplicaSetSpec{Replicas: ptr.To(replicas), Template: template(image)},
		Status: appsv1.ReplicaSetStatus{Replicas: replicas, AvailableReplicas: available},
	}
	for i := 0; i < len(annotations); i += 2 {
		set.Annotations[annotations[i]] = annotations[i+1]
	}
	return set
}

func template(image string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Image: image}}}}
}

func desired(image string, replicas int32, surge, unavailable string) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(replicas),
			Template: template(image),
			Strategy: appsv1.DeploymentStrategy{
				Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{
					MaxSurge: ptr.To(intstr.Parse(surge)), MaxUnavailable: ptr.To(intstr.Parse(unavailable)),
				},
			},
		},
	}
}

func byName(sizes []size) map[string]int32 {
	named := map[string]int32{}
	for _, s := range sizes {
		named[s.set.Name] = s.to
	}
	return named
}

func TestBounds(t *testing.T) {
	tests := []struct {
		replicas           int32
		surge, unavailable string
		wantSurge, wantUn  int32
	}{
		{3, "25%", "25%", 1, 0},
		{10, "25%", "25%", 3, 2},
		{1, "25%", "25%", 1, 0},
		{4, "0", "25%", 0, 1},
		{2, "0", "1%", 0, 1},
		{0, "0", "0", 0, 0},
		{3, "0", "10", 0, 3},
	}
	for _, test := range tests {
		surge, unavailable := bounds(desired("x", test.replicas, test.surge, test.unavailable))
		assert.Equal(t, []int32{test.wantSurge, test.wantUn}, []int32{surge, unavailable}, "%+v", test)
	}
}

func TestRolling(t *testing.T) {
	tests := map[string]struct {
		replicas           int32
		surge, unavailable string
		old                []*appsv1.ReplicaSet
		now, available     int32
		want               map[string]int32
	}{
		"starts with the surge":           {3, "1", "0", sets(sized("a", 1, 3, 3)), 0, 0, map[string]int32{"new": 1}},
		"waits for the new one":           {3, "1", "0", sets(sized("a", 1, 3, 3)), 1, 0, map[string]int32{"new": 1}},
		"an available one frees an old":   {3, "1", "0", sets(sized("a", 1, 3, 3)), 1, 1, map[string]int32{"new": 1, "a": 2}},
		"and then the room is used":       {3, "1", "0", sets(sized("a", 1, 2, 2)), 1, 1, map[string]int32{"new": 2}},
		"ends":                            {3, "1", "0", sets(sized("a", 1, 1, 1)), 3, 3, map[string]int32{"new": 3, "a": 0}},
		"scales down the surplus":         {3, "1", "0", nil, 5, 5, map[string]int32{"new": 3}},
		"both bounds at once":             {10, "3", "2", sets(sized("a", 1, 10, 10)), 0, 0, map[string]int32{"new": 3, "a": 8}},
		"unhealthy ones go first":         {10, "3", "2", sets(sized("a", 2, 6, 6), sized("b", 1, 4, 2)), 3, 0, map[string]int32{"new": 3, "b": 2}},
		"the oldest is next":              {4, "0", "2", sets(sized("a", 2, 3, 3), sized("b", 1, 1, 1)), 0, 0, map[string]int32{"new": 0, "a": 1}},
		"stuck new ones hold the old":     {10, "3", "2", sets(sized("a", 1, 8, 8)), 5, 0, map[string]int32{"new": 5}},
		"what is about to go is not kept": {3, "1", "0", sets(sized("a", 1, 2, 3)), 2, 1, map[string]int32{"new": 2}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			current := sized("new", 0, test.now, test.available)
			r := newRollout(desired("new", test.replicas, test.surge, test.unavailable), append(test.old, current))
			assert.Equal(t, test.want, byName(r.rollingUpdate()))
		})
	}
}

func sets(sets ...*appsv1.ReplicaSet) []*appsv1.ReplicaSet { return sets }

// A rolling update, played by a ReplicaSet controller whose Pods become
// available one by one: the bounds hold at every step, and it ends.
func TestRollingStaysWithinItsBounds(t *testing.T) {
	for replicas := range int32(8) {
		for _, strategy := range [][2]string{{"1", "0"}, {"0", "1"}, {"25%", "25%"}, {"100%", "0"}, {"0", "100%"}, {"1", "2"}} {
			old, current := sized("old", 1, replicas, replicas), sized("new", 0, 0, 0)
			deployment := desired("new", replicas, strategy[0], strategy[1])
			for step := 0; *old.Spec.Replicas > 0 || current.Status.AvailableReplicas < replicas; step++ {
				if !assert.Less(t, step, 100, "%d %v: does not end", replicas, strategy) {
					return
				}
				r := newRollout(deployment, sets(old, current))
				for _, s := range r.rollingUpdate() {
					*s.set.Spec.Replicas = s.to
				}
				old.Status.AvailableReplicas = min(old.Status.AvailableReplicas, *old.Spec.Replicas)
				assert.LessOrEqual(t, *old.Spec.Replicas+*current.Spec.Replicas, replicas+r.surge)
				assert.GreaterOrEqual(t, available(old)+available(current), replicas-r.unavailable)
				current.Status.AvailableReplicas = min(current.Status.AvailableReplicas+1, *current.Spec.Replicas)
			}
		}
	}
}

func TestScaling(t *testing.T) {
	noted := func(name string, age int, replicas, available int32, desired, maximum int) *appsv1.ReplicaSet {
		return sized(name, age, replicas, available, desiredAnnotation, strconv.Itoa(desired), maximumAnnotation, strconv.Itoa(maximum))
	}
	tests := map[string]struct {
		replicas           int32
		surge, unavailable string
		sets               []*appsv1.ReplicaSet
		want               map[string]int32
	}{
		"10 to 30":          {30, "3", "2", sets(noted("a", 1, 8, 8, 10, 13), noted("new", 0, 5, 0, 10, 13)), map[string]int32{"a": 20, "new": 13}},
		"30 to 10":          {10, "3", "2", sets(noted("a", 1, 20, 20, 30, 33), noted("new", 0, 13, 0, 30, 33)), map[string]int32{"a": 8, "new": 5}},
		"the only one":      {7, "1", "0", sets(noted("a", 1, 0, 0, 3, 4), noted("new", 0, 3, 3, 3, 4)), map[string]int32{"new": 7}},
		"none active":       {2, "1", "0", sets(noted("a", 1, 0, 0, 0, 0), noted("new", 0, 0, 0, 0, 0)), map[string]int32{"new": 2}},
		"to zero":           {0, "1", "0", sets(noted("a", 1, 3, 3, 3, 4), noted("new", 0, 1, 0, 3, 4)), map[string]int32{"a": 0, "new": 0}},
		"equal ones, grow":  {3, "1", "0", sets(noted("a", 1, 1, 1, 2, 3), noted("new", 0, 1, 0, 2, 3)), map[string]int32{"a": 1, "new": 3}},
		"notes taken away":  {6, "1", "0", sets(sized("a", 1, 3, 3), sized("new", 0, 1, 0)), map[string]int32{"a": 5, "new": 2}},
		"saturated current": {3, "1", "0", sets(noted("a", 1, 2, 2, 3, 4), noted("new", 0, 3, 3, 3, 4)), map[string]int32{"a": 0}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			deployment := desired("new", test.replicas, test.surge, test.unavailable)
			deployment.Status.Replicas = 4
			assert.Equal(t, test.want, byName(newRollout(deployment, test.sets).scaling()))
		})
	}
}

func TestDescribe(t *testing.T) {
	deployment := desired("new", 3, "1", "0")
	deployment.Annotations = map[string]string{"team": "a", revisionAnnotation: "7", corev1.LastAppliedConfigAnnotation: "{}"}
	tests := map[string]struct {
		annotations, want map[string]string
	}{
		"new":      {nil, map[string]string{"team": "a", revisionAnnotation: "6"}},
		"as it is": {map[string]string{revisionAnnotation: "8", "own": "b"}, map[string]string{"team": "a", "own": "b", revisionAnnotation: "8"}},
		"rollback": {map[string]string{revisionAnnotation: "3", historyAnnotation: "1"},
			map[string]string{"team": "a", revisionAnnotation: "6", historyAnnotation: "1,3"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRollout(deployment, sets(sized("a", 2, 0, 0, revisionAnnotation, "5"), sized("b", 1, 0, 0, revisionAnnotation, "4")))
			set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Annotations: test.annotations}}
			r.describe(set)
			assert.Equal(t, test.want, set.Annotations)
		})
	}
	long := appendHistory(strings.Repeat("1,", 999)+"22", "33")
	assert.LessOrEqual(t, len(long), maxHistoryLength)
	assert.True(t, strings.HasSuffix(long, ",22,33"))
}

func TestNewSet(t *testing.T) {
	deployment := desired("new", 3, "25%", "25%")
	deployment.Labels = map[string]string{"not": "copied"}
	deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
	deployment.Spec.Template.Labels = map[string]string{"app": "web", "tier": "x"}
	set := newRollout(deployment, nil).newSet(3)
	hash := set.Labels[hashLabel]
	assert.NotEmpty(t, hash)
	assert.Equal(t, "web-"+hash, set.Name)
	assert.Equal(t, map[string]string{"app": "web", "tier": "x", hashLabel: hash}, set.Labels)
	assert.Equal(t, set.Labels, set.Spec.Template.Labels)
	assert.Equal(t, map[string]string{"app": "web", hashLabel: hash}, set.Spec.Selector.MatchLabels)
	assert.Equal(t, map[string]string{revisionAnnotation: "1", desiredAnnotation: "3", maximumAnnotation: "4"}, set.Annotations)
	assert.NotContains(t, deployment.Spec.Template.Labels, hashLabel)
	assert.True(t, sameTemplate(&deployment.Spec.Template, &set.Spec.Template))

	deployment.Status.CollisionCount = ptr.To[int32](1)
	assert.NotEqual(t, set.Name, newRollout(deployment, nil).newSet(3).Name)
	assert.Len(t, setName(strings.Repeat("d", 253), hash), 253)
}

func TestSurplus(t *testing.T) {
	deployment := desired("new", 3, "1", "0")
	deployment.Spec.RevisionHistoryLimit = ptr.To[int32](1)
	r := newRollout(deployment, sets(
		sized("third", 4, 0, 0, revisionAnnotation, "3"),
		sized("first", 3, 0, 0, revisionAnnotation, "1"),
		sized("busy", 2, 1, 1, revisionAnnotation, "2"),
		sized("new", 1, 3, 3, revisionAnnotation, "4"),
	))
	names := []string{}
	for _, set := range r.surplus() {
		names = append(names, set.Name)
	}
	assert.Equal(t, []string{"first"}, names)
}

func TestProgress(t *testing.T) {
	now := time.Unix(10_000, 0)
	type condition struct {
		value  corev1.ConditionStatus
		reason string
	}
	tests := map[string]struct {
		before   condition
		age      time.Duration
		outcome  outcome
		paused   bool
		current  *appsv1.ReplicaSet
		want     condition
		wantMove bool // lastUpdateTime
	}{
		"created":          {outcome: createdSet, current: sized("new", 0, 3, 0), want: condition{"True", reasonCreated}, wantMove: true},
		"complete":         {before: condition{"True", reasonUpdated}, outcome: rolloutStep, current: sized("new", 0, 3, 3), want: condition{"True", reasonComplete}, wantMove: true},
		"stays complete":   {before: condition{"True", reasonComplete}, outcome: rolloutStep, current: sized("new", 0, 3, 1), want: condition{"True", reasonComplete}},
		"goes on":          {before: condition{"True", reasonUpdated}, outcome: rolloutStep, current: sized("new", 0, 3, 2), want: condition{"True", reasonUpdated}, wantMove: true},
		"stands":           {before: condition{"True", reasonUpdated}, outcome: rolloutStep, current: sized("new", 0, 3, 0), want: condition{"True", reasonUpdated}},
		"times out":        {before: condition{"True", reasonUpdated}, age: time.Hour, outcome: rolloutStep, current: sized("new", 0, 3, 0), want: condition{"False", reasonTimedOut}, wantMove: true},
		"late success":     {before: condition{"False", reasonTimedOut}, age: time.Hour, outcome: rolloutStep, current: sized("new", 0, 3, 3), want: condition{"True", reasonComplete}, wantMove: true},
		"mere scaling":     {before: condition{"True", reasonUpdated}, age: time.Hour, outcome: statusOnly, current: sized("new", 0, 3, 0), want: condition{"True", reasonUpdated}},
		"paused":           {before: condition{"True", reasonUpdated}, paused: true, current: sized("new", 0, 3, 0), want: condition{"Unknown", reasonPaused}, wantMove: true},
		"paused, too late": {before: condition{"False", reasonTimedOut}, paused: true, current: sized("new", 0, 3, 0), want: condition{"False", reasonTimedOut}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			deployment := desired("new", 3, "1", "0")
			deployment.Spec.ProgressDeadlineSeconds = ptr.To[int32](600)
			deployment.Spec.Paused = test.paused
			deployment.Status.Replicas, deployment.Status.UpdatedReplicas = 3, 3
			before := metav1.NewTime(now.Add(-test.age - time.Second))
			if test.before.reason != "" {
				deployment.Status.Conditions = []appsv1.DeploymentCondition{{
					Type: appsv1.DeploymentProgressing, Status: test.before.value, Reason: test.before.reason, LastUpdateTime: before, LastTransitionTime: before,
				}}
			}
			status := statusOf(newRollout(deployment, sets(test.current)), test.outcome, now)
			got := get(status, appsv1.DeploymentProgressing)
			if assert.NotNil(t, got) {
				assert.Equal(t, test.want, condition{got.Status, got.Reason})
				assert.Equal(t, test.wantMove, got.LastUpdateTime.Time.Equal(now))
				assert.Equal(t, test.want.value != test.before.value, got.LastTransitionTime.Time.Equal(now))
			}
		})
	}
}
