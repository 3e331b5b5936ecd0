package scheduler

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	v1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/listers"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/reference/link"
	"github.com/podchain/podchain/reference/scheduler/cluster"
	"github.com/podchain/podchain/reference/scheduler/cluster/clustertest"
	"github.com/podchain/podchain/reference/scheduler/filter"
	"github.com/podchain/podchain/reference/scheduler/queue"
	"github.com/podchain/podchain/reference/scheduler/score"
)

// BenchmarkDecide places one more Pod in a cluster of 100 nodes and 10,000 Pods
// of 50 owners.
func BenchmarkDecide(b *testing.B) {
	for _, bench := range []struct{ name, spec string }{
		{"plain", ""},
		{"spread", `topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: a1}}}], `},
		{"anti-affinity", `affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: none}}}]}}, `},
	} {
		b.Run(bench.name, func(b *testing.B) {
			empty := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
			s := &scheduler{
				filters: filter.All, scores: score.All, queue: queue.New(),
				cache:    cluster.NewCache(func(string) labels.Set { return nil }),
				services: link.Cache[*v1.Service]{ResourceIndexer: listers.New[*v1.Service](empty, v1.Resource("services"))},
				budgets:  link.Cache[*policyv1.PodDisruptionBudget]{ResourceIndexer: listers.New[*policyv1.PodDisruptionBudget](empty, policyv1.Resource("poddisruptionbudgets"))},
			}
			for i := range 100 {
				s.cache.SetNode(clustertest.Node(b, fmt.Sprintf(
					`{metadata: {name: node-%d, labels: {kubernetes.io/hostname: node-%d, topology.kubernetes.io/zone: zone-%d}}, status: {allocatable: {cpu: "64", memory: 256Gi, pods: "200"}}}`, i, i, i%3)))
			}
			pod := func(i int, spec string) *cluster.Pod {
				return clustertest.Pod(b, fmt.Sprintf(
					`{metadata: {name: pod-%d, labels: {app: a%d}, ownerReferences: [{kind: ReplicaSet, name: a, uid: owner-%d, controller: true}]}, spec: {%s containers: [{name: c, image: web, resources: {requests: {cpu: 100m, memory: 100Mi}}}]}}`, i, i%50, i%50, spec))
			}
			for i := range 10000 {
				placed := pod(i, "").Pod
				placed.Spec.NodeName = fmt.Sprintf("node-%d", i/50%100)
				require.NoError(b, s.cache.SetPod(placed))
			}
			next := pod(1, bench.spec)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				next.UID = types.UID("next")
				d, err := s.decide(next)
				if err != nil || d.node == "" {
					b.Fatal(d.message, err)
				}
				s.cache.Forget(next.UID)
			}
		})
	}
}
