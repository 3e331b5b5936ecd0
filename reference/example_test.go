package reference_test

import (
	"context"
	"fmt"
	"log"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/reference"
)

// A cluster for one test. Where the test waits for time to pass, run it in a
// bubble: synctest.Test(t, TestOperator) takes no time at all.
func ExampleStartForTest() {
	_ = func(t *testing.T) { // func TestOperator(t *testing.T)
		cluster := reference.StartForTest(t, reference.Options{AnyImage: true})
		client, err := kubernetes.NewForConfig(cluster.Config())
		if err != nil {
			t.Fatal(err)
		}
		// … run the operator with cluster.Config(), and look at what it did.
		_ = client
	}
}

// A cluster outside of a test.
func ExampleStart() {
	ctx := context.Background()
	cluster, err := reference.Start(ctx, reference.Options{Nodes: 3})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Stop(ctx)
	if err := cluster.WaitReady(ctx); err != nil {
		log.Fatal(err)
	}

	client, err := kubernetes.NewForConfig(cluster.Config())
	if err != nil {
		log.Fatal(err)
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, node := range nodes.Items {
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady {
				fmt.Println(node.Name, "is ready:", condition.Status)
			}
		}
	}
	// Output:
	// node-1 is ready: True
	// node-2 is ready: True
	// node-3 is ready: True
}
