package kubelet_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/reference/apiserver"
	"github.com/podchain/podchain/reference/inmemoryhttp"
	"github.com/podchain/podchain/reference/kubelet"
	"github.com/podchain/podchain/reference/runtime"
	"github.com/podchain/podchain/reference/store"
)

// BenchmarkStart measures, in real time, how long it takes 20 kubelets and an
// API server to get 2,000 bound Pods to run.
func BenchmarkStart(b *testing.B) {
	const nodes, pods = 20, 2000
	for b.Loop() {
		server, err := apiserver.New(apiserver.Options{Store: store.NewMemory(), WithoutAdmission: []string{"ServiceAccount"}})
		require.NoError(b, err)
		transport := inmemoryhttp.NewTransport(server)
		config := inmemoryhttp.Config(transport)
		client, err := kubernetes.NewForConfig(config)
		require.NoError(b, err)
		ctx, cancel := context.WithCancel(b.Context())
		registry := runtime.NewRegistry(runtime.RegistryOptions{})
		var kubelets sync.WaitGroup
		for i := range nodes {
			simulated := runtime.NewSimulated(runtime.Options{Registry: registry, Subnet: runtime.Subnet(i)})
			kubelets.Go(func() {
				_ = kubelet.Run(ctx, config, kubelet.Options{NodeName: fmt.Sprint("node-", i), Runtime: simulated})
			})
		}
		w, err := client.CoreV1().Pods("default").Watch(ctx, metav1.ListOptions{})
		require.NoError(b, err)
		began := time.Now()
		var creating sync.WaitGroup
		for worker := range 10 {
			creating.Go(func() {
				for i := worker; i < pods; i += 10 {
					_, err := client.CoreV1().Pods("default").Create(ctx, &corev1.Pod{
						ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("pod-", i)},
						Spec:       corev1.PodSpec{NodeName: fmt.Sprint("node-", i%nodes), Containers: []corev1.Container{{Name: "app", Image: "web:1"}}},
					}, metav1.CreateOptions{})
					if err != nil {
						b.Error(err)
					}
				}
			})
		}
		up := map[string]bool{}
		for event := range w.ResultChan() {
			if pod, ok := event.Object.(*corev1.Pod); ok && pod.Status.Phase == corev1.PodRunning {
				up[pod.Name] = true
			}
			if len(up) == pods {
				break
			}
		}
		b.ReportMetric(time.Since(began).Seconds()*1e3/pods, "ms/Pod")
		creating.Wait()
		w.Stop()
		cancel()
		kubelets.Wait()
		server.Close()
		transport.Close()
	}
}
