package apiserver_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// benchPod is as a ReplicaSet controller would create it.
func benchPod() *corev1.Pod {
	p := pod("rs")
	p.Name, p.GenerateName = "", "rs-"
	p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "rs", UID: "u"}}
	return p
}

// BenchmarkPodCreate measures one POST, client included.
func BenchmarkPodCreate(b *testing.B) {
	c := start(b, "")
	pods := c.client.CoreV1().Pods("default")
	b.ReportAllocs()
	for b.Loop() {
		_, err := pods.Create(b.Context(), benchPod(), metav1.CreateOptions{})
		require.NoError(b, err)
	}
}

// BenchmarkPodLifecycle measures create, get, status update and the watch
// events of them.
func BenchmarkPodLifecycle(b *testing.B) {
	c := start(b, "")
	pods := c.client.CoreV1().Pods("default")
	w, err := pods.Watch(b.Context(), metav1.ListOptions{})
	require.NoError(b, err)
	defer w.Stop()
	b.ReportAllocs()
	for b.Loop() {
		p, err := pods.Create(b.Context(), benchPod(), metav1.CreateOptions{})
		require.NoError(b, err)
		p, err = pods.Get(b.Context(), p.Name, metav1.GetOptions{})
		require.NoError(b, err)
		p.Status.Phase = corev1.PodRunning
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		_, err = pods.UpdateStatus(b.Context(), p, metav1.UpdateOptions{})
		require.NoError(b, err)
		<-w.ResultChan()
		<-w.ResultChan()
	}
}
