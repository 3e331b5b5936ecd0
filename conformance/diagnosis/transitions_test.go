package diagnosis_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/history"
)

// TestTransitions: each step is measured from the one before, for each object that
// took it; a Pod that takes another's place became due when nobody knows.
func TestTransitions(t *testing.T) {
	const (
		deployment = `{kind: Deployment, metadata: {name: web, uid: d}, spec: {replicas: 1}}`
		available  = `{kind: Deployment, metadata: {name: web, uid: d}, spec: {replicas: 1}, status: {availableReplicas: 1}}`
		set        = `{kind: ReplicaSet, metadata: {name: web-1, uid: r, ownerReferences: [{uid: d, controller: true}]}, spec: {replicas: %d}}`
		pod        = `{kind: Pod, metadata: {name: %[1]s, uid: %[1]s, ownerReferences: [{uid: r, controller: true}]%[2]s}}`
	)
	one := fmt.Sprintf(set, 1)
	made := func(name, rest string) string { return fmt.Sprintf(pod, name, rest) }
	bound := made("p", `}, spec: {nodeName: n1`)
	started := made("p", `}, spec: {nodeName: n1}, status: {startTime: "2026-01-01T00:00:00Z"`)
	running := made("p", `}, spec: {nodeName: n1}, status: {startTime: "2026-01-01T00:00:00Z", phase: Running`)
	ready := made("p", `}, spec: {nodeName: n1}, status: {startTime: "2026-01-01T00:00:00Z", phase: Running, conditions: [{type: Ready, status: "True"}]`)
	for name, test := range map[string]struct {
		// versions arrive a second after each other.
		versions []string
		want     string
	}{
		"the whole chain": {[]string{deployment, one, made("p", ""), bound, started, running, ready, available},
			"replicaset 1 available 1 pod 1 bound 1 started 1 running 1 ready 1"},
		"not to its end":     {[]string{deployment, one, made("p", ""), bound}, "replicaset 1 pod 1 bound 1"},
		"several in one":     {[]string{one, made("p", ""), bound, ready}, "pod 1 bound 1 started 1"},
		"scaled":             {[]string{one, made("p", ""), fmt.Sprintf(set, 2), made("q", "")}, "pod 1 pod 1"},
		"a replacement":      {[]string{one, made("p", ""), made("p", `, deletionTimestamp: "2026-01-01T00:00:00Z"`), made("q", "")}, "pod 1"},
		"bound when created": {[]string{bound, started}, "started 1"},
		"news that overtake": {[]string{one, deployment}, "replicaset 0"},
		"of no Deployment":   {[]string{one}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				recorded, seen := history.New(), map[string]bool{}
				for _, text := range test.versions {
					object, event := parse(t, text), watch.Modified
					if uid := string(object.GetUID()); !seen[uid] {
						seen[uid], event = true, watch.Added
					}
					recorded.Record(event, object)
					time.Sleep(time.Second)
				}
				got := ""
				for _, transition := range diagnosis.Transitions(recorded.Now()) {
					got += fmt.Sprintf(" %s %v", transition.Name, transition.Seconds)
				}
				want := test.want
				if want != "" {
					want = " " + want
				}
				assert.Equal(t, want, got)
			})
		})
	}
}
