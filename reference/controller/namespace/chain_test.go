package namespace_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/reference"
)

// settle lets virtual time pass until everything that was begun has ended.
func settle() { time.Sleep(2 * time.Minute) }

// TestLife takes a namespace from its creation (NS-02) to its end (NS-01).
func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		cluster := reference.StartForTest(t, reference.Options{AnyImage: true})
		client, err := kubernetes.NewForConfig(cluster.Config())
		require.NoError(t, err)
		_, err = client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team"}}, metav1.CreateOptions{})
		require.NoError(t, err)
		settle()
		for range 2 { // they come back
			require.NoError(t, client.CoreV1().ServiceAccounts("team").Delete(ctx, "default", metav1.DeleteOptions{}))
			require.NoError(t, client.CoreV1().ConfigMaps("team").Delete(ctx, "kube-root-ca.crt", metav1.DeleteOptions{}))
			settle()
		}
		_, err = client.CoreV1().Pods("team").Create(ctx, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "web"},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		held, err := client.CoreV1().ConfigMaps("team").Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: "held", Finalizers: []string{"example.com/held"}},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		settle()

		require.NoError(t, client.CoreV1().Namespaces().Delete(ctx, "team", metav1.DeleteOptions{}))
		settle()
		namespace, err := client.CoreV1().Namespaces().Get(ctx, "team", metav1.GetOptions{})
		require.NoError(t, err)
		told := map[corev1.NamespaceConditionType]corev1.ConditionStatus{}
		for _, condition := range namespace.Status.Conditions {
			told[condition.Type] = condition.Status
		}
		assert.Equal(t, corev1.ConditionTrue, told[corev1.NamespaceContentRemaining])
		assert.Equal(t, corev1.ConditionTrue, told[corev1.NamespaceFinalizersRemaining])

		held, err = client.CoreV1().ConfigMaps("team").Get(ctx, held.Name, metav1.GetOptions{})
		require.NoError(t, err)
		held.Finalizers = nil
		_, err = client.CoreV1().ConfigMaps("team").Update(ctx, held, metav1.UpdateOptions{})
		require.NoError(t, err)
		settle()
		_, err = client.CoreV1().Namespaces().Get(ctx, "team", metav1.GetOptions{})
		assert.True(t, apierrors.IsNotFound(err), "%v", err)
	})
}
