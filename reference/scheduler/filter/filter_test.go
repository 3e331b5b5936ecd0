package filter

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/reference/scheduler/cluster"
	"github.com/podchain/podchain/reference/scheduler/cluster/clustertest"
)

// example is a cluster, a Pod, and the nodes where the filter lets it.
type example struct {
	name  string
	nodes []string
	pods  []string
	pod   string
	want  []string
}

func check(t *testing.T, filter Filter, examples []example) {
	t.Helper()
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			clustertest.Look(t, e.nodes, e.pods, func(view cluster.View) {
				checks, err := Prepare([]Filter{filter}, clustertest.Pod(t, e.pod), view)
				require.NoError(t, err)
				var got []string
				for _, node := range view.Nodes {
					refusal, retry := checks.Refuses(node)
					if refusal == nil {
						got = append(got, node.Name)
						continue
					}
					assert.NotEmpty(t, refusal.Reasons)
					assert.Equal(t, filter.Retry, retry)
				}
				assert.Equal(t, e.want, got)
			})
		})
	}
}

func TestUnschedulable(t *testing.T) {
	nodes := []string{`{metadata: {name: open}}`, `{metadata: {name: cordoned}, spec: {unschedulable: true}}`}
	check(t, unschedulable, []example{
		{"a cordon excludes", nodes, nil, `{}`, []string{"open"}},
		{"unless its taint is tolerated", nodes, nil,
			`spec: {tolerations: [{key: node.kubernetes.io/unschedulable, operator: Exists, effect: NoSchedule}]}`,
			[]string{"open", "cordoned"}},
		{"a toleration of all is one of that", nodes, nil, `spec: {tolerations: [{operator: Exists}]}`, []string{"open", "cordoned"}},
	})
}

func TestTaints(t *testing.T) {
	nodes := []string{
		`{metadata: {name: none}}`,
		`{metadata: {name: schedule}, spec: {taints: [{key: k, value: v, effect: NoSchedule}]}}`,
		`{metadata: {name: execute}, spec: {taints: [{key: k, value: v, effect: NoExecute}]}}`,
		`{metadata: {name: prefer}, spec: {taints: [{key: k, value: v, effect: PreferNoSchedule}]}}`,
	}
	check(t, taints, []example{
		{"no toleration", nodes, nil, `{}`, []string{"none", "prefer"}},
		{"Equal is the default", nodes, nil, `spec: {tolerations: [{key: k, value: v}]}`, []string{"none", "schedule", "execute", "prefer"}},
		{"another value", nodes, nil, `spec: {tolerations: [{key: k, value: w}]}`, []string{"none", "prefer"}},
		{"one effect", nodes, nil, `spec: {tolerations: [{key: k, operator: Exists, effect: NoExecute}]}`, []string{"none", "execute", "prefer"}},
		{"everything", nodes, nil, `spec: {tolerations: [{operator: Exists}]}`, []string{"none", "schedule", "execute", "prefer"}},
	})
}

func TestNodeAffinity(t *testing.T) {
	nodes := []string{
		`metadata: {name: a, labels: {disk: ssd, cores: "8"}}`,
		`metadata: {name: b, labels: {disk: hdd, cores: "64"}}`,
		`metadata: {name: c}`,
	}
	affinity := func(terms string) string {
		return `spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: ` + terms + `}}}}`
	}
	check(t, nodeAffinity, []example{
		{"no wish", nodes, nil, `{}`, []string{"a", "b", "c"}},
		{"selector", nodes, nil, `spec: {nodeSelector: {disk: ssd}}`, []string{"a"}},
		{"every pair of a selector", nodes, nil, `spec: {nodeSelector: {disk: ssd, cores: "64"}}`, nil},
		{"In", nodes, nil, affinity(`[{matchExpressions: [{key: disk, operator: In, values: [ssd, nvme]}]}]`), []string{"a"}},
		{"NotIn", nodes, nil, affinity(`[{matchExpressions: [{key: disk, operator: NotIn, values: [ssd]}]}]`), []string{"b", "c"}},
		{"Exists", nodes, nil, affinity(`[{matchExpressions: [{key: disk, operator: Exists}]}]`), []string{"a", "b"}},
		{"DoesNotExist", nodes, nil, affinity(`[{matchExpressions: [{key: disk, operator: DoesNotExist}]}]`), []string{"c"}},
		{"Gt", nodes, nil, affinity(`[{matchExpressions: [{key: cores, operator: Gt, values: ["8"]}]}]`), []string{"b"}},
		{"Lt", nodes, nil, affinity(`[{matchExpressions: [{key: cores, operator: Lt, values: ["64"]}]}]`), []string{"a"}},
		{"a field", nodes, nil, affinity(`[{matchFields: [{key: metadata.name, operator: In, values: [c]}]}]`), []string{"c"}},
		{"terms are alternatives", nodes, nil, affinity(`[{matchExpressions: [{key: disk, operator: In, values: [ssd]}]}, {matchFields: [{key: metadata.name, operator: In, values: [c]}]}]`), []string{"a", "c"}},
		{"expressions of a term add up", nodes, nil, affinity(`[{matchExpressions: [{key: disk, operator: Exists}, {key: cores, operator: Gt, values: ["8"]}]}]`), []string{"b"}},
		{"an empty term matches nothing", nodes, nil, affinity(`[{}]`), nil},
	})
}

func TestPorts(t *testing.T) {
	nodes := []string{`metadata: {name: a}`}
	port := func(port string) string { return `{spec: {containers: [{name: c, ports: [` + port + `]}]}}` }
	taken := []string{`{metadata: {name: there}, spec: {nodeName: a, containers: [{name: c, ports: [{containerPort: 1, hostPort: 80, hostIP: 127.0.0.1}]}]}}`}
	free := []string{"a"}
	check(t, ports, []example{
		{"no host port", nodes, taken, port(`{containerPort: 80}`), free},
		{"the same", nodes, taken, port(`{containerPort: 1, hostPort: 80, hostIP: 127.0.0.1}`), nil},
		{"another port", nodes, taken, port(`{containerPort: 1, hostPort: 81, hostIP: 127.0.0.1}`), free},
		{"another protocol", nodes, taken, port(`{containerPort: 1, hostPort: 80, hostIP: 127.0.0.1, protocol: UDP}`), free},
		{"another address", nodes, taken, port(`{containerPort: 1, hostPort: 80, hostIP: 10.0.0.1}`), free},
		{"all addresses", nodes, taken, port(`{containerPort: 1, hostPort: 80, hostIP: 0.0.0.0}`), nil},
		{"no address is all", nodes, taken, port(`{containerPort: 1, hostPort: 80}`), nil},
	})
}

func TestClaims(t *testing.T) {
	nodes := []string{`metadata: {name: a}`}
	check(t, claims, []example{
		{"no claim", nodes, nil, `{}`, []string{"a"}},
		{"a claim", nodes, nil, `{spec: {resourceClaims: [{name: gpu, resourceClaimTemplateName: gpu}]}}`, nil},
	})
}

func TestResources(t *testing.T) {
	nodes := []string{`{metadata: {name: a}, status: {allocatable: {cpu: "4", memory: 4Gi, ephemeral-storage: 10Gi, pods: "3", example.com/gpu: "1"}}}`}
	requests := func(list string) string {
		return `{metadata: {name: new}, spec: {containers: [{name: c, resources: {requests: {` + list + `}}}]}}`
	}
	there := func(name, list string) string {
		return `{metadata: {name: ` + name + `}, spec: {nodeName: a, containers: [{name: c, resources: {requests: {` + list + `}}}]}}`
	}
	one := []string{there("one", `cpu: "3", memory: 3Gi, example.com/gpu: "1"`)}
	fits := []string{"a"}
	check(t, resources, []example{
		{"what fits exactly, fits", nodes, one, requests(`cpu: "1", memory: 1Gi, ephemeral-storage: 10Gi`), fits},
		{"cpu", nodes, one, requests(`cpu: 1001m`), nil},
		{"memory", nodes, one, requests(`memory: 1025Mi`), nil},
		{"storage", nodes, one, requests(`ephemeral-storage: 11Gi`), nil},
		{"an extended resource", nodes, one, requests(`example.com/gpu: "1"`), nil},
		{"an unknown resource", nodes, nil, requests(`example.com/tpu: "1"`), nil},
		{"limits are not requests", nodes, one, `spec: {containers: [{name: c, resources: {limits: {cpu: "8"}}}]}`, fits},
		{"the number of Pods", nodes, []string{there("1", ""), there("2", ""), there("3", "")}, `{}`, nil},
		{"no request fits on a full node", nodes, []string{there("1", `cpu: "5"`)}, `{}`, fits},
		{"overhead counts", nodes, one, `spec: {overhead: {cpu: 1001m}}`, nil},
		{"init containers run before", nodes, nil, `spec: {initContainers: [{name: i, resources: {requests: {cpu: "4"}}}], containers: [{name: c, resources: {requests: {cpu: "4"}}}]}`, fits},
		{"the larger phase counts", nodes, nil, `spec: {initContainers: [{name: i, resources: {requests: {cpu: "5"}}}], containers: [{name: c, resources: {requests: {cpu: "1"}}}]}`, nil},
		{"sidecars run beside", nodes, nil, `spec: {initContainers: [{name: i, restartPolicy: Always, resources: {requests: {cpu: "2"}}}], containers: [{name: c, resources: {requests: {cpu: "3"}}}]}`, nil},
	})
}

func TestResourcesSaysWhatIsLacking(t *testing.T) {
	nodes := []string{`{metadata: {name: a}, status: {allocatable: {cpu: "4", memory: 4Gi, pods: "1"}}}`}
	pods := []string{`{metadata: {name: there}, spec: {nodeName: a, containers: [{name: c, resources: {requests: {cpu: "3"}}}]}}`}
	for _, e := range []struct {
		cpu   string
		final bool
	}{{"2", false}, {"5", true}} {
		clustertest.Look(t, nodes, pods, func(view cluster.View) {
			checks, err := Prepare(All, clustertest.Pod(t, `spec: {containers: [{name: c, resources: {requests: {cpu: "`+e.cpu+`"}}}]}`), view)
			require.NoError(t, err)
			refusal, _ := checks.Refuses(view.Nodes[0])
			assert.Equal(t, &Refusal{Reasons: []string{"Insufficient cpu", "Too many pods"}, Final: e.final}, refusal)
		})
	}
}

func TestSpread(t *testing.T) {
	nodes := []string{
		`metadata: {name: a, labels: {zone: "1", kind: x}}`,
		`metadata: {name: b, labels: {zone: "2"}}`,
		`{metadata: {name: tainted, labels: {zone: "3"}}, spec: {taints: [{key: k, effect: NoSchedule}]}}`,
		`metadata: {name: nowhere}`,
	}
	pods := []string{
		`{metadata: {name: p1, labels: {app: web, v: "1"}}, spec: {nodeName: a}}`,
		`{metadata: {name: p2, labels: {app: web, v: "2"}}, spec: {nodeName: b}}`,
		`{metadata: {name: leaving, deletionTimestamp: "2026-01-01T00:00:00Z", labels: {app: web}}, spec: {nodeName: b}}`,
		`{metadata: {name: foreign, namespace: other, labels: {app: web}}, spec: {nodeName: b}}`,
	}
	pod := func(more string) string {
		return `{metadata: {labels: {app: web, v: "1"}}, spec: {nodeSelector: {}, topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}` + more + `}]}}`
	}
	check(t, spread, []example{
		{"the empty domain only", nodes, pods, pod(``), []string{"tainted"}},
		{"domains behind a taint can be left out", nodes, pods, pod(`, nodeTaintsPolicy: Honor`), []string{"a", "b", "tainted"}},
		{"two more are as good as one", nodes, pods, `{metadata: {labels: {app: web}}, spec: {topologySpreadConstraints: [{maxSkew: 2, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}]}}`, []string{"a", "b", "tainted"}},
		{"too few domains count as an empty one", nodes, pods, pod(`, nodeTaintsPolicy: Honor, minDomains: 4`), []string{"tainted"}},
		{"a key shared with the Pod", nodes, pods, pod(`, nodeTaintsPolicy: Honor, matchLabelKeys: [v]`), []string{"b", "tainted"}},
		{"excluded nodes are no domains", nodes, pods, `{metadata: {labels: {app: web}}, spec: {nodeSelector: {kind: x}, topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}]}}`, []string{"a", "b", "tainted"}},
		{"unless they are to be", nodes, pods, `{metadata: {labels: {app: web}}, spec: {nodeSelector: {kind: x}, topologySpreadConstraints: [{maxSkew: 1, nodeAffinityPolicy: Ignore, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}]}}`, []string{"tainted"}},
		{"a soft constraint only ranks", nodes, pods, `{metadata: {labels: {app: web}}, spec: {topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}}]}}`, []string{"a", "b", "tainted", "nowhere"}},
	})
}

func TestPodAffinity(t *testing.T) {
	nodes := []string{
		`metadata: {name: a, labels: {zone: "1", host: a}}`,
		`metadata: {name: b, labels: {zone: "1", host: b}}`,
		`metadata: {name: c, labels: {zone: "2", host: c}}`,
		`metadata: {name: nowhere}`,
	}
	all := []string{"a", "b", "c", "nowhere"}
	db := []string{`{metadata: {name: db, labels: {app: db}}, spec: {nodeName: a}}`}
	foreign := []string{`{metadata: {name: db, namespace: other, labels: {app: db}}, spec: {nodeName: a}}`}
	shy := []string{`{metadata: {name: shy, labels: {app: shy}}, spec: {nodeName: a, affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: {matchLabels: {app: web}}}]}}}}`}
	pod := func(kind, terms string) string {
		return `{metadata: {labels: {app: web}}, spec: {affinity: {` + kind + `: {requiredDuringSchedulingIgnoredDuringExecution: [` + terms + `]}}}}`
	}
	check(t, podAffinity, []example{
		{"nothing wanted", nodes, db, `{}`, all},
		{"near", nodes, db, pod("podAffinity", `{topologyKey: zone, labelSelector: {matchLabels: {app: db}}}`), []string{"a", "b"}},
		{"nearer", nodes, db, pod("podAffinity", `{topologyKey: host, labelSelector: {matchLabels: {app: db}}}`), []string{"a"}},
		{"apart", nodes, db, pod("podAntiAffinity", `{topologyKey: zone, labelSelector: {matchLabels: {app: db}}}`), []string{"c", "nowhere"}},
		{"kept away by the other", nodes, shy, `metadata: {labels: {app: web}}`, []string{"c", "nowhere"}},
		{"not meant by the other", nodes, shy, `metadata: {labels: {app: api}}`, all},
		{"terms mean one Pod", nodes, db, pod("podAffinity", `{topologyKey: zone, labelSelector: {matchLabels: {app: db}}}, {topologyKey: host, labelSelector: {matchLabels: {app: cache}}}`), nil},
		{"the first of its kind", nodes, nil, pod("podAffinity", `{topologyKey: zone, labelSelector: {matchLabels: {app: web}}}`), []string{"a", "b", "c"}},
		{"the first of another kind", nodes, nil, pod("podAffinity", `{topologyKey: zone, labelSelector: {matchLabels: {app: db}}}`), nil},
		{"the own namespace is meant", nodes, foreign, pod("podAntiAffinity", `{topologyKey: zone, labelSelector: {matchLabels: {app: db}}}`), all},
		{"or those named", nodes, foreign, pod("podAntiAffinity", `{topologyKey: zone, namespaces: [other], labelSelector: {matchLabels: {app: db}}}`), []string{"c", "nowhere"}},
		{"or selected", nodes, foreign, pod("podAntiAffinity", `{topologyKey: zone, namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}, labelSelector: {matchLabels: {app: db}}}`), []string{"c", "nowhere"}},
		{"or all", nodes, foreign, pod("podAntiAffinity", `{topologyKey: zone, namespaceSelector: {}, labelSelector: {matchLabels: {app: db}}}`), []string{"c", "nowhere"}},
	})
}
