package score

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/podchain/podchain/reference/scheduler/cluster"
	"github.com/podchain/podchain/reference/scheduler/cluster/clustertest"
)

// example is a cluster, a Pod, and how its nodes rate; nil: all the same.
type example struct {
	name  string
	nodes []string
	pods  []string
	pod   string
	want  []int64
}

func check(t *testing.T, score string, examples []example) {
	t.Helper()
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			clustertest.Look(t, e.nodes, e.pods, func(view cluster.View) {
				pod := clustertest.Pod(t, e.pod)
				for _, s := range All {
					if s.Name == score {
						assert.Equal(t, e.want, s.Rate(pod, view.Nodes, Context{View: view}))
					}
				}
			})
		})
	}
}

func TestTaints(t *testing.T) {
	nodes := []string{
		`{metadata: {name: a}}`,
		`{metadata: {name: b}, spec: {taints: [{key: k, effect: PreferNoSchedule}]}}`,
		`{metadata: {name: c}, spec: {taints: [{key: k, effect: PreferNoSchedule}, {key: l, effect: PreferNoSchedule}]}}`,
	}
	check(t, "TaintToleration", []example{
		{"fewer are better", nodes, nil, `{}`, []int64{100, 50, 0}},
		{"tolerated ones do not count", nodes, nil, `spec: {tolerations: [{key: k, operator: Exists}]}`, []int64{100, 100, 0}},
		{"none", nodes[:1], nil, `{}`, nil},
	})
}

func TestNodeAffinity(t *testing.T) {
	nodes := []string{`metadata: {name: a, labels: {x: "", y: ""}}`, `metadata: {name: b, labels: {x: ""}}`, `metadata: {name: c}`}
	check(t, "NodeAffinity", []example{
		{"by summed weights", nodes, nil, `spec: {affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [
			{weight: 30, preference: {matchExpressions: [{key: x, operator: Exists}]}},
			{weight: 10, preference: {matchExpressions: [{key: y, operator: Exists}]}}]}}}`, []int64{100, 75, 0}},
		{"no preference", nodes, nil, `{}`, nil},
	})
}

func TestResources(t *testing.T) {
	nodes := []string{
		`{metadata: {name: a}, status: {allocatable: {cpu: "4", memory: 4Gi}}}`,
		`{metadata: {name: b}, status: {allocatable: {cpu: "4", memory: 4Gi}}}`,
	}
	there := []string{`{metadata: {name: there}, spec: {nodeName: a, containers: [{name: c, resources: {requests: {cpu: "2"}}}]}}`}
	pod := `spec: {containers: [{name: c, resources: {requests: {cpu: "1", memory: 1Gi}}}]}`
	// a: cpu 3 of 4; memory 1Gi of the Pod and 200Mi that the other did not state.
	check(t, "NodeResourcesFit", []example{
		{"less requested is better", nodes, there, pod, []int64{(25 + 70) / 2, 75}},
	})
	check(t, "NodeResourcesBalancedAllocation", []example{
		{"no change is 75, less balance less", nodes, there,
			`spec: {containers: [{name: c, resources: {requests: {cpu: "1"}}}]}`, []int64{50 + (50+62-75)/2, 50 + (50+87-100)/2}},
		{"more balance is more", nodes, there,
			`spec: {containers: [{name: c, resources: {requests: {memory: 2Gi}}}]}`, []int64{50 + (50+100-75)/2, 50 + (50+75-100)/2}},
		{"nothing requested", nodes, there, `{}`, nil},
	})
}

func TestPodAffinity(t *testing.T) {
	nodes := []string{`metadata: {name: a, labels: {zone: "1"}}`, `metadata: {name: b, labels: {zone: "2"}}`, `metadata: {name: c, labels: {zone: "3"}}`}
	db := []string{`{metadata: {name: db, labels: {app: db}}, spec: {nodeName: a}}`}
	prefers := func(kind string) string {
		return `affinity: {` + kind + `: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 5, podAffinityTerm: {topologyKey: zone, labelSelector: {matchLabels: {app: db}}}}]}}`
	}
	check(t, "InterPodAffinity", []example{
		{"nobody prefers", nodes, db, `{}`, nil},
		{"near", nodes, db, `spec: {` + prefers("podAffinity") + `}`, []int64{100, 0, 0}},
		{"apart", nodes, db, `spec: {` + prefers("podAntiAffinity") + `}`, []int64{0, 100, 100}},
		{"wanted by another", nodes, []string{`{metadata: {name: fan}, spec: {nodeName: b, ` + prefers("podAffinity") + `}}`},
			`metadata: {labels: {app: db}}`, []int64{0, 100, 0}},
		{"needed by another", nodes, []string{`{metadata: {name: client}, spec: {nodeName: c, affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: {matchLabels: {app: db}}}]}}}}`},
			`metadata: {labels: {app: db}}`, []int64{0, 0, 100}},
	})
}

func TestSpread(t *testing.T) {
	nodes := []string{`metadata: {name: a, labels: {zone: "1"}}`, `metadata: {name: b, labels: {zone: "2"}}`, `metadata: {name: nowhere}`}
	there := []string{
		`{metadata: {name: p1, labels: {app: web}}, spec: {nodeName: a}}`,
		`{metadata: {name: p2, labels: {app: web}}, spec: {nodeName: a}}`,
		`{metadata: {name: p3, labels: {app: web}}, spec: {nodeName: b}}`,
	}
	soft := `{metadata: {labels: {app: web}}, spec: {topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}}]}}`
	check(t, "PodTopologySpread", []example{
		{"no constraint", nodes, there, `{}`, nil},
		{"fewer are better", nodes, there, soft, []int64{33, 100, 0}},
		{"all empty", nodes, nil, soft, []int64{100, 100, 0}},
	})
}

func TestImages(t *testing.T) {
	nodes := []string{
		`{metadata: {name: a}, status: {images: [{names: ["web:latest"], sizeBytes: 1048576000}]}}`,
		`{metadata: {name: b}}`,
	}
	check(t, "ImageLocality", []example{
		// 1000 MiB on half of the nodes count as 500 MiB.
		{"present", nodes, nil, `spec: {containers: [{name: c, image: web}]}`, []int64{100 * (500 - 23) / (1000 - 23), 0}},
		{"two containers", nodes, nil, `spec: {initContainers: [{name: i, image: tool}], containers: [{name: c, image: web}]}`, []int64{100 * (500 - 23) / (2000 - 23), 0}},
		{"nowhere", nodes, nil, `spec: {containers: [{name: c, image: other}]}`, nil},
	})
}

func TestBestTakesAnyAmongEquals(t *testing.T) {
	nodes := []string{`metadata: {name: a}`, `metadata: {name: b}`, `{metadata: {name: c}, spec: {taints: [{key: k, effect: PreferNoSchedule}]}}`}
	clustertest.Look(t, nodes, nil, func(view cluster.View) {
		pod := clustertest.Pod(t, `{}`)
		got := map[string]bool{}
		for range 100 {
			got[Best(All, pod, view.Nodes, Context{View: view}).Name] = true
		}
		assert.Equal(t, map[string]bool{"a": true, "b": true}, got)
		assert.Equal(t, "c", Best(All, pod, view.Nodes[2:], Context{View: view}).Name, "the only one is taken, whatever its rank")
	})
}
