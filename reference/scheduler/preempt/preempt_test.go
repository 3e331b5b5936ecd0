package preempt

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/reference/scheduler/cluster"
	"github.com/podchain/podchain/reference/scheduler/cluster/clustertest"
	"github.com/podchain/podchain/reference/scheduler/filter"
)

// running is a Pod of that priority that takes so many cpus of a node's four.
func running(name, node, priority, cpu, started string) string {
	return `{metadata: {name: ` + name + `, labels: {app: ` + name + `}}, status: {startTime: "2026-01-01T00:` + started + `:00Z"}, spec: {nodeName: ` + node +
		`, priority: ` + priority + `, containers: [{name: c, resources: {requests: {cpu: "` + cpu + `"}}}]}}`
}

func TestChoose(t *testing.T) {
	nodes := []string{`metadata: {name: a}`, `metadata: {name: b}`}
	const guardA1 = `{metadata: {name: guard, namespace: default}, spec: {selector: {matchLabels: {app: a1}}}, status: {disruptionsAllowed: 0}}`
	for _, e := range []struct {
		name    string
		pods    []string
		budget  string
		cpu     string
		node    string
		victims []string
	}{
		{"equal priority stays", []string{running("a1", "a", "10", "4", "00"), running("b1", "b", "11", "4", "00")}, "", "1", "", nil},
		{"not if it does not help", []string{running("a1", "a", "10", "3", "00"), running("a2", "a", "1", "1", "00"), running("b1", "b", "10", "4", "00")}, "", "2", "", nil},
		{"no more than needed, the least important", []string{running("a1", "a", "2", "2", "00"), running("a2", "a", "1", "2", "00"), running("b1", "b", "10", "4", "00")}, "", "2", "a", []string{"a2"}},
		{"what does not fit back goes too", []string{running("a1", "a", "2", "3", "00"), running("a2", "a", "1", "1", "00"), running("b1", "b", "10", "4", "00")}, "", "2", "a", []string{"a1"}},
		{"fewest budgets broken", []string{running("a1", "a", "1", "4", "00"), running("b1", "b", "5", "4", "00")}, guardA1, "1", "b", []string{"b1"}},
		{"protected ones are spared first", []string{running("a1", "a", "1", "2", "00"), running("a2", "a", "5", "2", "00"), running("b1", "b", "10", "4", "00")}, guardA1, "2", "a", []string{"a2"}},
		{"lowest top victim", []string{running("a1", "a", "5", "4", "00"), running("b1", "b", "4", "2", "00"), running("b2", "b", "4", "2", "00")}, "", "4", "b", []string{"b1", "b2"}},
		{"smallest sum", []string{running("a1", "a", "5", "2", "00"), running("a2", "a", "5", "2", "00"), running("b1", "b", "5", "2", "00"), running("b2", "b", "3", "2", "00")}, "", "4", "b", []string{"b1", "b2"}},
		{"fewest", []string{running("a1", "a", "5", "2", "00"), running("a2", "a", "5", "2", "00"), running("b1", "b", "5", "4", "00")}, "", "4", "b", []string{"b1"}},
		{"latest start", []string{running("a1", "a", "5", "4", "10"), running("b1", "b", "5", "4", "20")}, "", "4", "b", []string{"b1"}},
		{"on a node, the longest running is spared", []string{running("a1", "a", "5", "2", "10"), running("a2", "a", "5", "2", "20"), running("b1", "b", "10", "4", "00")}, "", "2", "a", []string{"a2"}},
	} {
		t.Run(e.name, func(t *testing.T) {
			var budgets []*policyv1.PodDisruptionBudget
			if e.budget != "" {
				budgets = append(budgets, &policyv1.PodDisruptionBudget{})
				require.NoError(t, yaml.UnmarshalStrict([]byte(e.budget), budgets[0]))
			}
			pod := clustertest.Pod(t, `{spec: {priority: 10, containers: [{name: c, resources: {requests: {cpu: "`+e.cpu+`"}}}]}}`)
			clustertest.Look(t, nodes, e.pods, func(view cluster.View) {
				plan := Choose(pod, view, view.Nodes, budgets, func(view cluster.View, node *cluster.Node) bool {
					checks, err := filter.Prepare(filter.All, pod, view)
					require.NoError(t, err)
					refusal, _ := checks.Refuses(node)
					return refusal == nil
				})
				if e.node == "" {
					assert.Nil(t, plan)
					return
				}
				require.NotNil(t, plan)
				var victims []string
				for _, victim := range plan.Victims {
					victims = append(victims, victim.Name)
				}
				assert.Equal(t, e.node, plan.Node)
				assert.ElementsMatch(t, e.victims, victims)
			})
		})
	}
}
