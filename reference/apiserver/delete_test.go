package apiserver_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/reference/apiserver"
	"github.com/podchain/podchain/reference/inmemoryhttp"
	"github.com/podchain/podchain/reference/store"
)

// overtaken is a store in which another client is always quicker to remove a Pod, as a
// kubelet may be that has seen it marked.
type overtaken struct{ *store.Memory }

func (s overtaken) Delete(ctx context.Context, key string, expected int64) (int64, error) {
	if strings.Contains(key, "/pods/") {
		if _, err := s.Memory.Delete(ctx, key, expected); err != nil {
			return 0, err
		}
	}
	return s.Memory.Delete(ctx, key, expected)
}

// TestDeletionThatIsOvertaken: who has marked a Pod for its removal is answered that it is
// gone, also where another client has removed it in between.
func TestDeletionThatIsOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, err := apiserver.New(apiserver.Options{Store: overtaken{store.NewMemory()}, WithoutAdmission: []string{"ServiceAccount"}})
		require.NoError(t, err)
		transport := inmemoryhttp.NewTransport(server)
		defer transport.Close()
		defer server.Close()
		client, err := kubernetes.NewForConfig(inmemoryhttp.Config(transport))
		require.NoError(t, err)
		pods := client.CoreV1().Pods("default")
		_, err = pods.Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "web:1"}}}}, metav1.CreateOptions{})
		require.NoError(t, err)
		require.NoError(t, pods.Delete(t.Context(), "web", metav1.DeleteOptions{}), "it has no node: it goes at once")
		assert.True(t, apierrors.IsNotFound(pods.Delete(t.Context(), "web", metav1.DeleteOptions{})), "a deletion that came too late has removed nothing")
	})
}
