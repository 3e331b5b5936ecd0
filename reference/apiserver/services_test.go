package apiserver_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestServiceNames(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		for name, code := range map[string]int{"1svc": 201, "0": 201, "a-1": 201, "a.b": 422, "-a": 422, "A": 422} {
			c.send(t, []request{{method: http.MethodPost, path: services, code: code, body: `{"metadata":{"name":"` + name + `"},"spec":{"ports":[{"port":80}]}}`}})
		}
	})
}

// TestServiceIsReplaced by what a client knows of it: what it leaves out stays as it was
// allocated, as far as the new type needs it.
func TestServiceIsReplaced(t *testing.T) {
	spec := func(kind corev1.ServiceType, ports ...corev1.ServicePort) corev1.ServiceSpec {
		if kind == corev1.ServiceTypeExternalName {
			return corev1.ServiceSpec{Type: kind, ExternalName: "example.com"}
		}
		return corev1.ServiceSpec{Type: kind, Ports: ports}
	}
	a, b := corev1.ServicePort{Name: "a", Port: 80}, corev1.ServicePort{Name: "b", Port: 81}
	for _, test := range []struct {
		name     string
		old, now corev1.ServiceSpec
		check    func(t *testing.T, old, now corev1.ServiceSpec)
	}{
		{"node ports stay by name", spec(corev1.ServiceTypeNodePort, a), spec(corev1.ServiceTypeNodePort, b, a), func(t *testing.T, old, now corev1.ServiceSpec) {
			assert.Equal(t, old.Ports[0].NodePort, now.Ports[1].NodePort)
			assert.NotZero(t, now.Ports[0].NodePort)
			assert.NotEqual(t, now.Ports[0].NodePort, now.Ports[1].NodePort)
			assert.Equal(t, old.ClusterIPs, now.ClusterIPs)
		}},
		{"node ports go with the type", spec(corev1.ServiceTypeNodePort, a), spec(corev1.ServiceTypeClusterIP, a), func(t *testing.T, old, now corev1.ServiceSpec) {
			assert.Zero(t, now.Ports[0].NodePort)
			assert.Empty(t, now.ExternalTrafficPolicy)
			assert.Equal(t, old.ClusterIPs, now.ClusterIPs)
		}},
		{"node ports come with the type", spec(corev1.ServiceTypeClusterIP, a, b), spec(corev1.ServiceTypeLoadBalancer, a, b), func(t *testing.T, _, now corev1.ServiceSpec) {
			assert.NotZero(t, now.Ports[0].NodePort)
			assert.NotZero(t, now.Ports[1].NodePort)
			assert.Equal(t, corev1.ServiceExternalTrafficPolicyCluster, now.ExternalTrafficPolicy)
		}},
		{"addresses go with the type", spec(corev1.ServiceTypeClusterIP, a), spec(corev1.ServiceTypeExternalName), func(t *testing.T, _, now corev1.ServiceSpec) {
			assert.Empty(t, now.ClusterIP)
			assert.Empty(t, now.ClusterIPs)
			assert.Empty(t, now.IPFamilies)
			assert.Nil(t, now.IPFamilyPolicy)
		}},
		{"addresses come with the type", spec(corev1.ServiceTypeExternalName), spec(corev1.ServiceTypeClusterIP, a), func(t *testing.T, _, now corev1.ServiceSpec) {
			assert.NotEmpty(t, now.ClusterIP)
			assert.Equal(t, []string{now.ClusterIP}, now.ClusterIPs)
			assert.Equal(t, []corev1.IPFamily{corev1.IPv4Protocol}, now.IPFamilies)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, c *cluster) {
				client := c.client.CoreV1().Services("default")
				old, err := client.Create(t.Context(), &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Spec: test.old}, metav1.CreateOptions{})
				require.NoError(t, err)
				// Whether the client sends back what it has read or only what it has written.
				for name, sent := range map[string]corev1.ServiceSpec{"as written": test.now, "as read": withAllocated(test.now, old.Spec)} {
					now, err := client.Update(t.Context(), &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Spec: sent}, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
					if assert.NoError(t, err, name) {
						test.check(t, old.Spec, now.Spec)
					}
				}
			})
		})
	}
}

// withAllocated adds to a spec what was allocated before.
func withAllocated(spec, old corev1.ServiceSpec) corev1.ServiceSpec {
	spec.ClusterIP, spec.ClusterIPs, spec.IPFamilies, spec.IPFamilyPolicy = old.ClusterIP, old.ClusterIPs, old.IPFamilies, old.IPFamilyPolicy
	spec.ExternalTrafficPolicy = old.ExternalTrafficPolicy
	return spec
}
