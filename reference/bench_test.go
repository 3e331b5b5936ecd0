package reference_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podchain/podchain/reference"
)

// BenchmarkReplicas measures the whole chain in real time: one Deployment, from
// the POST until all its replicas are available, and what a Pod that runs costs
// in live heap, over all links together.
//
//	go test ./reference -run '^$' -bench Replicas -benchtime 1x -timeout 30m
func BenchmarkReplicas(b *testing.B) {
	for _, size := range []struct{ replicas, nodes int }{
		{100, 2},
		{1_000, 10},
		{10_000, 100},
	} {
		b.Run(fmt.Sprintf("replicas=%d/nodes=%d", size.replicas, size.nodes), func(b *testing.B) {
			var took time.Duration
			var heap int64
			for range b.N {
				t, h := deploy(b, size.replicas, size.nodes)
				took, heap = took+t, heap+h
			}
			pods := float64(b.N * size.replicas)
			b.ReportMetric(0, "ns/op") // it would count the start of the nodes
			b.ReportMetric(took.Seconds()/float64(b.N), "s/available")
			b.ReportMetric(took.Seconds()*1000/pods, "ms/Pod")
			b.ReportMetric(float64(heap)/1024/pods, "KiB/Pod")
		})
	}
}

// deploy returns how long the replicas took to be available, and how much heap
// they hold.
func deploy(b *testing.B, replicas, nodes int) (took time.Duration, heap int64) {
	cluster, err := reference.Start(b.Context(), reference.Options{Nodes: nodes})
	require.NoError(b, err)
	defer func() { require.NoError(b, cluster.Stop(b.Context())) }()
	require.NoError(b, cluster.WaitReady(b.Context()))
	client := clientOf(b, cluster)

	before := liveHeap()
	started := time.Now()
	_, err = client.AppsV1().Deployments("default").Create(b.Context(), newDeployment("web", int32(replicas)), metav1.CreateOptions{})
	require.NoError(b, err)
	becomesAvailable(b, client, "web", int32(replicas))
	took = time.Since(started)
	return took, liveHeap() - before
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools let go in the first one
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// BenchmarkStart measures how long a cluster takes from nothing to two Ready
// nodes and back, which every scenario of the suite pays for.
//
//	go test ./reference -run '^$' -bench Start
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		cluster, err := reference.Start(b.Context(), reference.Options{})
		require.NoError(b, err)
		require.NoError(b, cluster.WaitReady(b.Context()))
		require.NoError(b, cluster.Stop(b.Context()))
	}
}
