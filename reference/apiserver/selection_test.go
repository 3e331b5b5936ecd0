package apiserver_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestFieldSelectors asks for each kind's objects by the fields that Kubernetes selects
// by, and by some that it does not.
func TestFieldSelectors(t *testing.T) {
	const (
		ok      = http.StatusOK
		refused = http.StatusBadRequest
	)
	inBubble(t, func(t *testing.T, c *cluster) {
		for _, test := range []struct {
			collection, selector string
			code                 int
		}{
			{"/apis/resource.k8s.io/v1/resourceslices", "spec.nodeName=n", ok},
			{"/apis/resource.k8s.io/v1/resourceslices", "spec.driver=d,spec.pool.name=p", ok},
			{"/apis/resource.k8s.io/v1/resourceslices", "spec.pool.generation=1", refused},
			{"/apis/certificates.k8s.io/v1/certificatesigningrequests", "spec.signerName=s", ok},
			{"/apis/certificates.k8s.io/v1/clustertrustbundles", "spec.signerName=s", ok},
			{"/apis/certificates.k8s.io/v1/podcertificaterequests", "spec.signerName=s,spec.podName=p,spec.nodeName=n", ok},
			{"/api/v1/pods", "spec.host=n", ok},
			{"/api/v1/pods", "spec.nodeName=n,status.phase!=Failed,spec.hostNetwork=true,status.podIPs=1", ok},
			{"/api/v1/nodes", "spec.unschedulable=false", ok},
			{"/api/v1/nodes", "metadata.namespace=n", refused},
			{"/api/v1/namespaces", "status.phase=Active", ok},
			{"/api/v1/secrets", "type=Opaque", ok},
			{"/api/v1/services", "spec.clusterIP=None,spec.type=ClusterIP", ok},
			{"/api/v1/events", "involvedObject.uid=u,source=s,reportingComponent=c", ok},
			{"/apis/events.k8s.io/v1/events", "regarding.uid=u,reportingController=c", ok},
			{"/apis/events.k8s.io/v1/events", "involvedObject.uid=u", refused},
			{"/api/v1/replicationcontrollers", "status.replicas=1", ok},
			{"/apis/batch/v1/jobs", "status.successful=1", ok},
			{"/apis/apps/v1/replicasets", "status.replicas=1", refused},
			{"/api/v1/persistentvolumeclaims", "name=c", refused},
			{"/api/v1/persistentvolumes", "name=v", refused},
			{"/api/v1/persistentvolumes", "metadata.namespace!=n", ok},
			{"/apis/storage.k8s.io/v1/storageclasses", "metadata.namespace=n", ok},
			{"/apis/autoscaling/v1/horizontalpodautoscalers", "metadata.name=n", ok},
		} {
			c.send(t, []request{{method: http.MethodGet, path: test.collection + "?fieldSelector=" + url.QueryEscape(test.selector), code: test.code}})
		}
		for collection, says := range map[string]string{ // kubectl says before it what it has asked for
			pods:        "field label not supported: a.b",
			deployments: `"a.b" is not a known field selector: only "metadata.name", "metadata.namespace"`,
		} {
			_, answer := c.do(t, request{method: http.MethodGet, path: collection + "?fieldSelector=a.b%3Dc"})
			assert.Equal(t, says, answer["message"], collection)
		}
		c.send(t, []request{
			{method: http.MethodPost, path: "/apis/resource.k8s.io/v1/resourceslices", code: 201,
				body: `{"metadata":{"name":"s"},"spec":{"driver":"d","nodeName":"n","pool":{"name":"p","generation":1,"resourceSliceCount":1}}}`},
			{method: http.MethodGet, path: "/apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName%3Dother", code: 200, has: map[string]any{"items": []any{}}},
			{method: http.MethodDelete, path: "/apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName%3Dn,spec.driver%3Dd,spec.pool.name%3Dp", code: 200},
			{method: http.MethodGet, path: "/apis/resource.k8s.io/v1/resourceslices/s", code: 404},
		})
	})
}
