package apiserver_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/podchain/podchain/reference/apiserver/kinds"
	"github.com/podchain/podchain/reference/store"
)

// request is one that is sent as it stands, with what the answer has to be.
type request struct {
	method, path string
	contentType  string // default JSON
	body         string

	code int
	// says is a part of the message of a Status, has the fields of an object by their
	// paths; nil is one that is absent.
	says string
	has  map[string]any
}

const (
	merge = string(types.MergePatchType)
	apply = string(types.ApplyPatchType)
)

// send sends the requests one after another.
func (c *cluster) send(t *testing.T, requests []request) {
	t.Helper()
	for _, rq := range requests {
		code, answer := c.do(t, rq)
		about := rq.method + " " + rq.path + " " + rq.body
		if !assert.Equal(t, rq.code, code, "%s: %v", about, answer) {
			continue
		}
		if rq.says != "" {
			assert.Contains(t, answer["message"], rq.says, about)
		}
		for path, want := range rq.has {
			got, found, err := unstructured.NestedFieldNoCopy(answer, strings.Split(path, ".")...)
			require.NoError(t, err, about)
			assert.Equal(t, want != nil, found, "%s: %s in %v", about, path, answer)
			assert.EqualValues(t, want, got, "%s: %s", about, path)
		}
	}
}

func (c *cluster) do(t *testing.T, rq request) (code int, answer map[string]any) {
	t.Helper()
	contentType := rq.contentType
	if contentType == "" {
		contentType = runtime.ContentTypeJSON
	}
	sent := c.client.CoreV1().RESTClient().Verb(rq.method).RequestURI(rq.path).
		SetHeader("Content-Type", contentType).SetHeader("Accept", runtime.ContentTypeJSON)
	if rq.body != "" {
		sent = sent.Body([]byte(rq.body))
	}
	body, _ := sent.Do(t.Context()).StatusCode(&code).Raw() // the error says no more than the body
	if len(body) > 0 {
		require.NoError(t, json.Unmarshal(body, &answer), "%s", body)
	}
	return code, answer
}

// inBubble gives a test a server of all kinds.
func inBubble(t *testing.T, test func(*testing.T, *cluster)) {
	synctest.Test(t, func(t *testing.T) { test(t, startOn(t, store.NewMemory(), kinds.All(), "")) })
}

const (
	configMaps  = "/api/v1/namespaces/default/configmaps"
	pods        = "/api/v1/namespaces/default/pods"
	services    = "/api/v1/namespaces/default/services"
	leases      = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
	deployments = "/apis/apps/v1/namespaces/default/deployments"
)

const deploymentD = `{"metadata":{"name":"d"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},
	"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}`

// TestResourceVersionZero has clients name the version that they do not know "0".
func TestResourceVersionZero(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.send(t, []request{
			{method: http.MethodPost, path: configMaps, code: 201, body: `{"metadata":{"name":"m","resourceVersion":"0"}}`},
			{method: http.MethodPut, path: configMaps + "/m", code: 200, body: `{"metadata":{"name":"m","resourceVersion":"0"},"data":{"k":"1"}}`,
				has: map[string]any{"data.k": "1"}},
			{method: http.MethodPut, path: configMaps + "/m", code: 409, body: `{"metadata":{"name":"m","resourceVersion":"1"}}`},
			{method: http.MethodPatch, path: configMaps + "/m", contentType: merge, code: 200, body: `{"metadata":{"resourceVersion":"0"},"data":{"k":"2"}}`,
				has: map[string]any{"data.k": "2"}},
			{method: http.MethodPatch, path: configMaps + "/m?fieldManager=f&force=true", contentType: apply, code: 200,
				body: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m","resourceVersion":"0"},"data":{"k":"3"}}`,
				has:  map[string]any{"data.k": "3"}},
			{method: http.MethodPatch, path: configMaps + "/new?fieldManager=f", contentType: apply, code: 201,
				body: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"new","resourceVersion":"5"}}`},
			{method: http.MethodDelete, path: configMaps + "/m", code: 409, body: `{"preconditions":{"resourceVersion":"0"}}`},

			{method: http.MethodPost, path: deployments, code: 201, body: deploymentD},
			{method: http.MethodPut, path: deployments + "/d/scale", code: 200,
				body: `{"metadata":{"name":"d","namespace":"default","resourceVersion":"0"},"spec":{"replicas":2}}`, has: map[string]any{"spec.replicas": 2}},
			{method: http.MethodPatch, path: deployments + "/d/status", contentType: merge, code: 200,
				body: `{"metadata":{"resourceVersion":"0"},"status":{"replicas":2}}`, has: map[string]any{"status.replicas": 2}},

			// Of some kinds an update has to name a version; a creation has not.
			{method: http.MethodPut, path: leases + "/l", code: 201, body: `{"metadata":{"name":"l","resourceVersion":"7"}}`},
			{method: http.MethodPut, path: leases + "/l", code: 422, body: `{"metadata":{"name":"l"}}`, says: "must be specified for an update"},
			{method: http.MethodPut, path: leases + "/l", code: 422, body: `{"metadata":{"name":"l","resourceVersion":"0"}}`, says: "must be specified for an update"},
			{method: http.MethodPatch, path: leases + "/l", contentType: merge, code: 422, body: `{"metadata":{"resourceVersion":"0"}}`},
			{method: http.MethodPatch, path: leases + "/l", contentType: merge, code: 422, body: `{"metadata":{"resourceVersion":null,"labels":{"a":"b"}}}`},
		})
	})
}

func TestDryRun(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.send(t, []request{
			{method: http.MethodPost, path: configMaps + "?dryRun=All", code: 201, body: `{"metadata":{"name":"m","resourceVersion":"123"}}`,
				has: map[string]any{"metadata.resourceVersion": "123"}},
			{method: http.MethodPost, path: configMaps + "?dryRun=All", code: 201, body: `{"metadata":{"generateName":"m-","resourceVersion":"123"}}`},
			{method: http.MethodPost, path: configMaps, code: 400, body: `{"metadata":{"name":"m","resourceVersion":"123"}}`,
				says: "resourceVersion should not be set"},
			{method: http.MethodPost, path: configMaps + "?dryRun=Some", code: 422, body: `{"metadata":{"name":"m"}}`, says: "dryRun"},
			{method: http.MethodGet, path: configMaps, code: 200, has: map[string]any{"items": []any{}}},
			{method: http.MethodPut, path: leases + "/l?dryRun=All", code: 201, body: `{"metadata":{"name":"l","resourceVersion":"7"}}`},
			{method: http.MethodGet, path: leases + "/l", code: 404},
			{method: http.MethodPost, path: configMaps, code: 201, body: `{"metadata":{"name":"m"}}`},
			{method: http.MethodDelete, path: configMaps + "/m?dryRun=All", code: 200},
			{method: http.MethodDelete, path: configMaps + "/m?dryRun=Some", code: 422, says: "dryRun"},
			{method: http.MethodPut, path: "/api/v1/namespaces/default/finalize?dryRun=Some", code: 422, body: `{"metadata":{"name":"default"}}`, says: "dryRun"},
			{method: http.MethodPost, path: pods + "/p/eviction?dryRun=Some", code: 422, body: `{"metadata":{"name":"p"}}`, says: "dryRun"},
			{method: http.MethodDelete, path: configMaps + "?dryRun=All", code: 200},
			{method: http.MethodGet, path: configMaps + "/m", code: 200},
		})
	})
}

// TestApplyScale has the manager own the replicas, as it would by the object itself.
func TestApplyScale(t *testing.T) {
	scaled := func(manager, spec string) request {
		return request{method: http.MethodPatch, path: deployments + "/d/scale?fieldManager=" + manager, contentType: apply,
			body: `{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"d"},"spec":` + spec + `}`}
	}
	with := func(rq request, code int, says string, has map[string]any) request {
		rq.code, rq.says, rq.has = code, says, has
		return rq
	}
	forced := scaled("s&force=true", `{"replicas":4}`)
	inBubble(t, func(t *testing.T, c *cluster) {
		c.send(t, []request{
			{method: http.MethodPost, path: deployments + "?fieldManager=creator", code: 201, body: deploymentD},
			with(scaled("s", `{"replicas":4}`), 409, "creator", nil),
			with(forced, 200, "", map[string]any{"kind": "Scale", "spec.replicas": 4}),
			with(scaled("other", `{"replicas":5}`), 409, `conflict with "s" with subresource "scale"`, nil),
			with(scaled("s", `{"replicas":-1}`), 422, "must be greater than or equal to 0", nil),
			with(scaled("s", `{"replica":1}`), 200, "", nil),
			with(scaled("s&fieldValidation=Strict", `{"replica":1}`), 400, "unknown field", nil),
			{method: http.MethodPatch, path: deployments + "/d/scale?fieldManager=s", contentType: apply, code: 400,
				body: `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"}}`},
			forcedTo(forced, "1", 409),
			{method: http.MethodPatch, path: deployments + "/none/scale?fieldManager=s", contentType: apply, code: 404,
				body: `{"apiVersion":"autoscaling/v1","kind":"Scale","spec":{"replicas":1}}`},
		})
	})
}

// forcedTo returns the apply with a version of the object that it is meant for.
func forcedTo(rq request, version string, code int) request {
	rq.body = `{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"d","resourceVersion":"` + version + `"},"spec":{"replicas":4}}`
	rq.code, rq.has = code, nil
	return rq
}

// TestPatchesThatAreRefused has the same faults in patches of an object and of its scale.
func TestPatchesThatAreRefused(t *testing.T) {
	const (
		jsonPatch = string(types.JSONPatchType)
		strategic = string(types.StrategicMergePatchType)
	)
	inBubble(t, func(t *testing.T, c *cluster) {
		c.send(t, []request{{method: http.MethodPost, path: deployments, code: 201, body: deploymentD}})
		for _, path := range []string{deployments + "/d", deployments + "/d/scale"} {
			for _, patch := range []request{
				{contentType: merge, code: 400, body: `{"metadata":{"name":"other"}}`, says: "the name of the object (other) does not match the name on the URL (d)"},
				{contentType: strategic, code: 400, body: `{"metadata":{"namespace":"other"}}`, says: "the namespace of the provided object does not match"},
				{contentType: merge, code: 400, body: `{"metadata":{"name":null}}`, says: "name must be provided"},
				{contentType: merge, code: 200, body: `{"metadata":{"namespace":null}}`},
				{contentType: merge, code: 400, body: `[]`},
				{contentType: strategic, code: 422, body: `{"spec":{"replicas":"x"}}`, says: "patch: Invalid value"},
				{contentType: merge, code: 422, body: `{"spec":{"replicas":"x"}}`, says: "patch: Invalid value"},
				{contentType: merge, code: 422, body: `{"spec":{"replicas":-1}}`, says: "must be greater than or equal to 0"},
				{contentType: jsonPatch, code: 400, body: `{}`},
				{contentType: jsonPatch, code: 422, body: `[{"op":"test","path":"/spec/replicas","value":9}]`},
				{contentType: jsonPatch, code: 422, body: `[{"op":"replace","path":"/nowhere/replicas","value":9}]`},
			} {
				patch.method, patch.path = http.MethodPatch, path
				c.send(t, []request{patch})
			}
		}
		c.send(t, []request{{method: http.MethodGet, path: deployments + "/d", code: 200, has: map[string]any{"spec.replicas": 1, "metadata.generation": 1}}})
	})
}

// TestOldEviction is what clients send that are older than policy/v1.
func TestOldEviction(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cluster) {
		c.send(t, []request{
			{method: http.MethodPost, path: pods, code: 201, body: `{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}`},
			{method: http.MethodPost, path: pods + "/p/eviction", code: 201,
				body: `{"apiVersion":"policy/v1beta1","kind":"Eviction","metadata":{"name":"p"},"deleteOptions":{"gracePeriodSeconds":0}}`},
			{method: http.MethodGet, path: pods + "/p", code: 404},
			{method: http.MethodPost, path: pods + "/p/eviction", code: 400, body: `{"apiVersion":"policy/v1beta2","kind":"Eviction","metadata":{"name":"p"}}`},
		})
	})
}
