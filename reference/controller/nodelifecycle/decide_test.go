package nodelifecycle

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func parse[T any](t *testing.T, text string) (value T) {
	t.Helper()
	require.NoError(t, yaml.UnmarshalStrict([]byte(text), &value))
	return value
}

func TestTaints(t *testing.T) {
	const ready = `status: {conditions: [{type: Ready, status: "True"}]}`
	for name, test := range map[string]struct {
		node  string
		calm  bool // no Pod is to be sent away
		after string
		same  bool // nothing is to be written
	}{
		"healthy":           {node: `{` + ready + `}`, same: true},
		"never heard of":    {node: `{spec: {taints: [{key: node.kubernetes.io/not-ready, effect: NoSchedule}]}}`, after: `[]`},
		"becomes ready":     {node: `{spec: {taints: [{key: node.kubernetes.io/not-ready, effect: NoSchedule}, {key: a, effect: NoExecute}]}, ` + ready + `}`, after: `[{key: a, effect: NoExecute}]`},
		"not ready":         {node: `{status: {conditions: [{type: Ready, status: "False"}]}}`, after: `[{key: node.kubernetes.io/not-ready, effect: NoSchedule}, {key: node.kubernetes.io/not-ready, effect: NoExecute}]`},
		"not ready, as all": {node: `{status: {conditions: [{type: Ready, status: "False"}]}}`, calm: true, after: `[{key: node.kubernetes.io/not-ready, effect: NoSchedule}]`},
		"from one state to the other": {
			node: `{spec: {taints: [{key: node.kubernetes.io/not-ready, effect: NoExecute}, {key: node.kubernetes.io/unreachable, effect: NoSchedule, value: mine}]},
				status: {conditions: [{type: Ready, status: Unknown}]}}`,
			after: `[{key: node.kubernetes.io/unreachable, effect: NoSchedule, value: mine}, {key: node.kubernetes.io/unreachable, effect: NoExecute}]`},
		"pressure": {
			node: `{spec: {unschedulable: true}, status: {conditions: [{type: MemoryPressure, status: "True"}, {type: DiskPressure, status: "True"},
				{type: PIDPressure, status: "True"}, {type: NetworkUnavailable, status: "True"}]}}`,
			after: `[{key: node.kubernetes.io/memory-pressure, effect: NoSchedule}, {key: node.kubernetes.io/disk-pressure, effect: NoSchedule},
				{key: node.kubernetes.io/pid-pressure, effect: NoSchedule}, {key: node.kubernetes.io/network-unavailable, effect: NoSchedule},
				{key: node.kubernetes.io/unschedulable, effect: NoSchedule}]`},
		"others' taints with our keys": {
			node: `{spec: {taints: [{key: node.kubernetes.io/memory-pressure, effect: NoExecute}, {key: node.kubernetes.io/unschedulable, effect: NoExecute},
				{key: node.kubernetes.io/out-of-service, effect: NoSchedule}]}}`, same: true},
	} {
		t.Run(name, func(t *testing.T) {
			node := parse[corev1.Node](t, test.node)
			now := metav1.Now()
			taints, changed := correct(node.Spec.Taints, wanted(&node, !test.calm), now)
			require.Equal(t, !test.same, changed)
			if test.same {
				require.Empty(t, cmp.Diff(node.Spec.Taints, taints))
				return
			}
			expected := parse[[]corev1.Taint](t, test.after)
			require.Len(t, taints, len(expected))
			for i := range expected {
				require.Equal(t, expected[i].ToString(), taints[i].ToString())
			}
			again, changed := correct(taints, wanted(&node, !test.calm), metav1.NewTime(now.Add(time.Second)))
			require.False(t, changed)
			require.Empty(t, cmp.Diff(taints, again))
		})
	}
}

func TestTolerance(t *testing.T) {
	const taint = `[{key: a, value: v, effect: NoExecute}]`
	for name, test := range map[string]struct {
		taints, tolerations string
		limit               time.Duration
		forever             bool
	}{
		"no taint":                    {`[]`, `[]`, 0, true},
		"another effect":              {`[{key: a, effect: NoSchedule}]`, `[]`, 0, true},
		"no toleration":               {taint, `[]`, 0, false},
		"another key":                 {taint, `[{key: b, operator: Exists}]`, 0, false},
		"another value":               {taint, `[{key: a, value: w}]`, 0, false},
		"another effect's":            {taint, `[{key: a, value: v, effect: NoSchedule}]`, 0, false},
		"without a limit":             {taint, `[{key: a, value: v}]`, 0, true},
		"everything":                  {taint, `[{operator: Exists}]`, 0, true},
		"for a while":                 {taint, `[{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 3}]`, 3 * time.Second, false},
		"for no time":                 {taint, `[{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 0}]`, 0, false},
		"for less than no time":       {taint, `[{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: -3}]`, 0, false},
		"the first of two":            {taint, `[{key: a, operator: Exists}, {key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 3}]`, 0, true},
		"two taints, one toleration":  {`[{key: a, effect: NoExecute}, {key: b, effect: NoExecute}]`, `[{key: a, operator: Exists}]`, 0, false},
		"two taints, the least limit": {`[{key: a, effect: NoExecute}, {key: b, effect: NoExecute}]`, `[{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 9}, {key: b, operator: Exists, effect: NoExecute, tolerationSeconds: 3}]`, 3 * time.Second, false},
		"two taints, one limit":       {`[{key: a, effect: NoExecute}, {key: b, effect: NoExecute}]`, `[{key: a, operator: Exists}, {key: b, operator: Exists, effect: NoExecute, tolerationSeconds: 3}]`, 3 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			limit, forever := tolerance(parse[[]corev1.Taint](t, test.taints), parse[[]corev1.Toleration](t, test.tolerations))
			require.Equal(t, test.forever, forever)
			require.Equal(t, test.limit, limit)
		})
	}
}

// TestSigns has a sign of life count once, in whatever order the watches of Nodes
// and Leases bring it.
func TestSigns(t *testing.T) {
	renewal := metav1.NewMicroTime(time.Unix(100, 0))
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "n"}, Spec: coordinationv1.LeaseSpec{RenewTime: &renewal}}
	node := parse[corev1.Node](t, `{metadata: {name: n, uid: u}, status: {conditions: [{type: Ready, status: "True"}]}}`)
	for name, see := range map[string]func(*signs){
		"the Node first":  func(s *signs) { s.reported(&node); s.renewed(lease) },
		"the Lease first": func(s *signs) { s.renewed(lease); s.reported(&node) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSigns()
			see(s)
			require.False(t, s.renewed(lease), "it has been seen")
			later := metav1.NewMicroTime(renewal.Add(time.Second))
			lease := &coordinationv1.Lease{ObjectMeta: lease.ObjectMeta, Spec: coordinationv1.LeaseSpec{RenewTime: &later}}
			require.True(t, s.renewed(lease), "it is another one")
		})
	}
}
