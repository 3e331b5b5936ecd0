package diagnosis_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/history"
)

// The objects of a chain, as far as it has come. Each is a manifest with what
// blame is found by, and nothing else.
const (
	namespace = `{kind: Namespace, metadata: {name: n, uid: n}}`
	account   = `{kind: ServiceAccount, metadata: {name: default, uid: a}}`
	node      = `{kind: Node, metadata: {name: n1, uid: n1}, status: {conditions: [{type: Ready, status: "True"}]}}`
	own       = `{kind: Node, metadata: {name: n2, uid: n2, labels: {podchain.dev/nodes-of: n}}, status: {conditions: [{type: Ready, status: "True"}]}}`
	theirs    = `{kind: Node, metadata: {name: n3, uid: n3, labels: {podchain.dev/nodes-of: o}}, status: {conditions: [{type: Ready, status: "True"}]}}`
	closed    = `{kind: Node, metadata: {name: n0, uid: n0}, spec: {taints: [{key: node.kubernetes.io/not-ready, effect: NoSchedule}]},
		status: {conditions: [{type: Ready, status: "True"}]}}`
	deaf    = `{kind: Deployment, metadata: {name: web, uid: d, generation: 1}}`
	seen    = `{kind: Deployment, metadata: {name: web, uid: d, generation: 1}, status: {observedGeneration: 1}}`
	counted = `{kind: Deployment, metadata: {name: web, uid: d, generation: 1}, status: {observedGeneration: 1, readyReplicas: 1, availableReplicas: 1}}`

	ofDeployment = `ownerReferences: [{uid: d, controller: true}]`
	asked        = `{kind: ReplicaSet, metadata: {name: web-1, uid: r, generation: 1, ` + ofDeployment + `}, spec: {replicas: 1}, status: {observedGeneration: 1}}`
	reported     = `{kind: ReplicaSet, metadata: {name: web-1, uid: r, generation: 1, ` + ofDeployment + `}, spec: {replicas: 1},
		status: {observedGeneration: 1, readyReplicas: 1, availableReplicas: 1}}`

	ofSet   = `metadata: {name: web-1-x, uid: p, ownerReferences: [{uid: r, controller: true}]}`
	made    = `{kind: Pod, ` + ofSet + `, spec: {schedulerName: default-scheduler}}`
	refused = `{kind: Pod, ` + ofSet + `, spec: {schedulerName: default-scheduler}, status: {conditions: [{type: PodScheduled, status: "False"}]}}`
	gated   = `{kind: Pod, ` + ofSet + `, spec: {schedulerName: default-scheduler, schedulingGates: [{name: g}]}}`
	bound   = `{kind: Pod, ` + ofSet + `, spec: {schedulerName: default-scheduler, nodeName: n1}}`
	ready   = `{kind: Pod, ` + ofSet + `, spec: {schedulerName: default-scheduler, nodeName: n1},
		status: {startTime: "2026-01-01T00:00:00Z", conditions: [{type: Ready, status: "True"}]}}`
	starting = `{kind: Pod, metadata: {name: x, uid: x}, spec: {nodeName: n1},
		status: {startTime: "2026-01-01T00:00:00Z", containerStatuses: [{name: c, state: {waiting: {reason: ContainerCreating}}}]}}`
)

// TestBlame: what the history alone tells.
func TestBlame(t *testing.T) {
	for name, test := range map[string]struct {
		// objects in the order of their arrival; "-" in front: it was deleted.
		objects []string
		stopped chain.Link
		// later is how long nothing happens then.
		later time.Duration
		// blamed is "" where every link has done its part.
		blamed chain.Link
	}{
		"nothing":                       {},
		"all done":                      {objects: []string{namespace, account, node, counted, reported, ready}},
		"no account":                    {objects: []string{namespace, node, deaf}, blamed: chain.NamespaceController},
		"Deployment unseen":             {objects: []string{namespace, account, node, deaf}, blamed: chain.DeploymentController},
		"Deployment without ReplicaSet": {objects: []string{node, seen}, blamed: chain.DeploymentController},
		"its controller was stopped":    {objects: []string{node, deaf}, stopped: chain.DeploymentController},
		"paused": {objects: []string{
			`{kind: Deployment, metadata: {name: web, uid: d, generation: 1}, spec: {paused: true}, status: {observedGeneration: 1}}`}},
		"ReplicaSet without Pods":        {objects: []string{node, seen, asked}, blamed: chain.ReplicaSetController},
		"ReplicaSet with an old count":   {objects: []string{node, seen, asked, ready}, blamed: chain.ReplicaSetController},
		"Deployment with an old count":   {objects: []string{node, seen, reported, ready}, blamed: chain.DeploymentController},
		"Pod without node":               {objects: []string{node, seen, asked, made}, blamed: chain.Scheduler},
		"Pod without node, nobody there": {objects: []string{seen, asked, made}, blamed: chain.Scheduler},
		"the scheduler was stopped":      {objects: []string{node, seen, asked, made}, stopped: chain.Scheduler},
		"Pod that fits nowhere":          {objects: []string{node, seen, asked, refused}},
		"Pod that waits for a gate":      {objects: []string{node, seen, asked, gated}},
		"no node at all":                 {objects: []string{seen, asked, refused}, blamed: chain.Kubelet},
		"no node is ready": {objects: []string{
			`{kind: Node, metadata: {name: n1, uid: n1}, status: {conditions: [{type: Ready, status: "False"}]}}`, seen, asked, refused},
			blamed: chain.Kubelet},
		"the kubelet was stopped before it had a node": {objects: []string{seen, asked, refused}, stopped: chain.Kubelet,
			blamed: chain.Kubelet},
		"no node is ready, the kubelet was stopped": {objects: []string{
			`{kind: Node, metadata: {name: n1, uid: n1}, status: {conditions: [{type: Ready, status: Unknown}]}}`, seen, asked, refused},
			stopped: chain.Kubelet},
		"only another scenario has a node": {objects: []string{namespace, account, theirs, seen, asked, refused}, blamed: chain.Kubelet},
		"the scenario has brought a node":  {objects: []string{namespace, account, own, seen, asked, refused}},
		"no node is let Pods on":           {objects: []string{namespace, account, theirs, closed, seen, asked, refused}, blamed: chain.NodeLifecycle},
		"a node is let Pods on":            {objects: []string{closed, node, seen, asked, refused}},
		"the last node is gone":            {objects: []string{node, "-" + node, seen, asked, refused}, blamed: chain.Kubelet},
		"Pod that nobody took":             {objects: []string{node, seen, asked, bound}, blamed: chain.Kubelet},
		"Pod on a node that is none": {objects: []string{
			`{kind: Node, metadata: {name: n2, uid: n2}, status: {conditions: [{type: Ready, status: "True"}]}}`, seen, asked, bound}},
		"containers that are started for long": {objects: []string{node, starting}, later: time.Minute, blamed: chain.Kubelet},
		"containers that are being started":    {objects: []string{node, starting}, later: time.Second},
		"containers that wait for something":   {objects: []string{node, strings.Replace(starting, "ContainerCreating", "ErrImagePull", 1)}, later: time.Minute},
		"the kubelet was stopped":              {objects: []string{node, seen, asked, bound}, stopped: chain.Kubelet},
		"the last version counts":              {objects: []string{node, deaf, seen, asked, reported, made, bound, ready, counted}},
		"StatefulSet without Pods": {objects: []string{`{kind: StatefulSet, metadata: {name: db, uid: s, generation: 1}, spec: {replicas: 2}}`},
			blamed: chain.StatefulSetController},
		"StatefulSet that waits for its first Pod": {objects: []string{node,
			`{kind: StatefulSet, metadata: {name: db, uid: s, generation: 1}, spec: {replicas: 2}, status: {observedGeneration: 1}}`,
			`{kind: Pod, metadata: {name: db-0, uid: p, ownerReferences: [{uid: s, controller: true}]}, spec: {nodeName: n1}}`},
			blamed: chain.Kubelet},
		"DaemonSet unseen": {objects: []string{`{kind: DaemonSet, metadata: {name: log, uid: s, generation: 1}}`},
			blamed: chain.DaemonSetController},
		"ReplicaSet whose owner is gone": {objects: []string{node, counted, reported, ready, "-" + counted},
			blamed: chain.GarbageCollector},
		"one of two owners is gone": {objects: []string{
			"-{kind: ConfigMap, metadata: {name: a, uid: a}}", `{kind: ConfigMap, metadata: {name: b, uid: b}}`,
			`{kind: ConfigMap, metadata: {name: c, uid: c, ownerReferences: [{uid: a}, {uid: b}]}}`}},
		"the kubelet opens a gate": {objects: []string{gatedBy(``), gatedBy(`{type: ContainersReady, status: "True"}, {type: x, status: "True"}, {type: Ready, status: "True"}`)},
			blamed: chain.Kubelet},
		"another opens the gate": {objects: []string{gatedBy(``), gatedBy(`{type: ContainersReady, status: "True"}`),
			gatedBy(`{type: ContainersReady, status: "True"}, {type: x, status: "True"}`)}},
		"the kubelet passes a gate that is shut": {objects: []string{gatedBy(`{type: ContainersReady, status: "True"}, {type: x, status: "False"}, {type: Ready, status: "True"}`)},
			blamed: chain.Kubelet},
		"the kubelet waits at a gate": {objects: []string{gatedBy(`{type: ContainersReady, status: "True"}, {type: x, status: "False"}, {type: Ready, status: "False"}`)}},
		"empty namespace that stays": {objects: []string{
			`{kind: Namespace, metadata: {name: n, uid: n, deletionTimestamp: "2026-01-01T00:00:00Z"}}`},
			blamed: chain.NamespaceController},
		"the first of several": {objects: []string{namespace, deaf, asked, made}, blamed: chain.NamespaceController},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				recorded := history.New()
				for _, text := range test.objects {
					event := watch.Added
					if text[0] == '-' {
						event, text = watch.Deleted, text[1:]
					}
					recorded.Record(event, parse(t, text))
				}
				time.Sleep(test.later)
				culprit, sure := diagnosis.Blame(recorded.Now(), diagnosis.Attribution{}, diagnosis.Failure{Stopped: sets.New(test.stopped)})
				require.Empty(t, cmp.Diff(test.blamed, culprit.Link))
				require.Equal(t, test.blamed != "", sure)
				require.Equal(t, sure, culprit.Missing != "", "a culprit comes with what it is blamed for")
			})
		})
	}
}

// gatedBy is a Pod with a readiness gate and conditions.
func gatedBy(conditions string) string {
	return `{kind: Pod, metadata: {name: p, uid: p}, spec: {nodeName: n1, readinessGates: [{conditionType: x}]}, status: {startTime: "2026-01-01T00:00:00Z", conditions: [` + conditions + `]}}`
}

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal([]byte(text), &object.Object))
	return object
}
