package apiserver_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestFirstPodOfNamespace creates a Pod before the controller has made the account that
// it takes by default.
func TestFirstPodOfNamespace(t *testing.T) {
	for _, test := range []struct {
		name    string
		account string        // of the Pod
		after   time.Duration // its account is there; 0: never
		options metav1.CreateOptions
		waits   time.Duration
		refused bool
	}{
		{name: "default", after: time.Second, waits: time.Second},
		{name: "default by name", account: "default", after: time.Second, waits: time.Second},
		{name: "dry run", after: time.Second, options: metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}, waits: time.Second},
		{name: "never made", waits: 1800 * time.Millisecond, refused: true},
		{name: "another is not waited for", account: "robot", after: time.Second, refused: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, c *cluster) {
				_, err := c.client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "new"}}, metav1.CreateOptions{})
				require.NoError(t, err)
				created := make(chan error, 1)
				if test.after > 0 {
					time.AfterFunc(test.after, func() {
						name := test.account
						if name == "" {
							name = "default"
						}
						// A name that begins in the same way does not concern the Pod.
						_, err := c.client.CoreV1().ServiceAccounts("new").Create(t.Context(), serviceAccount(name+"-2"), metav1.CreateOptions{})
						if err == nil {
							_, err = c.client.CoreV1().ServiceAccounts("new").Create(t.Context(), serviceAccount(name), metav1.CreateOptions{})
						}
						created <- err
					})
				} else {
					created <- nil
				}
				p := pod("p")
				p.Spec.ServiceAccountName = test.account
				begun := time.Now()
				got, err := c.client.CoreV1().Pods("new").Create(t.Context(), p, test.options)
				assert.Equal(t, test.waits, time.Since(begun))
				if test.refused {
					assert.True(t, apierrors.IsForbidden(err), "%v", err)
				} else if assert.NoError(t, err) {
					assert.NotEmpty(t, got.Spec.Volumes, "the token")
				}
				require.NoError(t, <-created)
			})
		})
	}
}

// TestUpdateKeepsWhatAdmissionSet replaces Pods by what a client knows of them.
func TestUpdateKeepsWhatAdmissionSet(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*corev1.PodSpec)
		fails  bool
	}{
		{name: "as it is", change: func(*corev1.PodSpec) {}},
		{name: "without priority", change: func(s *corev1.PodSpec) { s.Priority = nil }},
		{name: "without preemption policy", change: func(s *corev1.PodSpec) { s.PreemptionPolicy = nil }},
		{name: "without tolerations", change: func(s *corev1.PodSpec) { s.Tolerations = nil }},
		{name: "without any of them, with a new image", change: func(s *corev1.PodSpec) {
			s.Priority, s.PreemptionPolicy, s.Tolerations, s.Containers[0].Image = nil, nil, nil, "i:2"
		}},
		// What the account brings is given once; Kubernetes does not fill it in again.
		{name: "without the token", change: func(s *corev1.PodSpec) { s.Volumes, s.Containers[0].VolumeMounts = nil, nil }, fails: true},
		{name: "with another priority", change: func(s *corev1.PodSpec) { *s.Priority = 7 }, fails: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, c *cluster) {
				created, err := c.client.CoreV1().Pods("default").Create(t.Context(), pod("p"), metav1.CreateOptions{})
				require.NoError(t, err)
				sent := created.DeepCopy()
				sent.ResourceVersion = ""
				test.change(&sent.Spec)
				got, err := c.client.CoreV1().Pods("default").Update(t.Context(), sent, metav1.UpdateOptions{})
				if test.fails {
					require.True(t, apierrors.IsInvalid(err), "%v", err)
					return
				}
				require.NoError(t, err)
				created.Spec.Containers[0].Image = got.Spec.Containers[0].Image
				assert.Equal(t, created.Spec, got.Spec)
			})
		})
	}
}

// TestPutAsPosted sends what was posted again, where nothing but admission stands in the
// way of it.
func TestPutAsPosted(t *testing.T) {
	const posted = `{"metadata":{"name":"p"},"spec":{"serviceAccountName":"default","automountServiceAccountToken":false,"containers":[{"name":"c","image":"i"}]}}`
	inBubble(t, func(t *testing.T, c *cluster) {
		c.send(t, []request{
			{method: http.MethodPost, path: pods, code: 201, body: posted},
			{method: http.MethodPut, path: pods + "/p", code: 200, body: posted, has: map[string]any{"spec.priority": 0, "metadata.generation": 1}},
			{method: http.MethodPost, path: pods, code: 403, says: "PreemptionPolicy",
				body: `{"metadata":{"name":"q"},"spec":{"preemptionPolicy":"Never","containers":[{"name":"c","image":"i"}]}}`},
			{method: http.MethodPost, path: services, code: 201, body: `{"metadata":{"name":"s"},"spec":{"type":"NodePort","ports":[{"port":80}]}}`},
			{method: http.MethodPut, path: services + "/s", code: 200, body: `{"metadata":{"name":"s"},"spec":{"type":"NodePort","ports":[{"port":80}]}}`},
			{method: http.MethodPost, path: "/api/v1/namespaces", code: 201, body: `{"metadata":{"name":"n"}}`},
			{method: http.MethodPut, path: "/api/v1/namespaces/n", code: 200, body: `{"metadata":{"name":"n"}}`,
				has: map[string]any{"spec.finalizers": []any{"kubernetes"}, "metadata.labels": map[string]any{"kubernetes.io/metadata.name": "n"}}},
		})
	})
}
