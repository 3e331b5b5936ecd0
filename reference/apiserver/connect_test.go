package apiserver_test

import (
	"net/http"
	"testing"
)

// TestConnections asks for what only a node could answer: what is there is never said not
// to be.
func TestConnections(t *testing.T) {
	const none = "does not connect to nodes"
	inBubble(t, func(t *testing.T, c *cluster) {
		c.send(t, []request{
			{method: http.MethodPost, path: pods, code: 201, body: `{"metadata":{"name":"p"},"spec":{"nodeName":"n","containers":[{"name":"c","image":"i"}]}}`},
			{method: http.MethodPost, path: pods, code: 201,
				body: `{"metadata":{"name":"two"},"spec":{"nodeName":"n","containers":[{"name":"a","image":"i"},{"name":"b","image":"i"}],"initContainers":[{"name":"z","image":"i"}]}}`},
			{method: http.MethodPost, path: pods, code: 201, body: `{"metadata":{"name":"waits"},"spec":{"containers":[{"name":"c","image":"i"}]}}`},
			{method: http.MethodPost, path: "/api/v1/nodes", code: 201, body: `{"metadata":{"name":"n"}}`},

			{method: http.MethodGet, path: pods + "/p/log", code: 501, says: `cannot read the log of pod "p": this API server ` + none},
			{method: http.MethodGet, path: pods + "/p/log?container=c&follow=true", code: 501, says: none},
			{method: http.MethodGet, path: pods + "/p/log?container=other", code: 400, says: "container other is not valid for pod p"},
			{method: http.MethodGet, path: pods + "/two/log", code: 400, says: "a container name must be specified for pod two, choose one of: [z a b]"},
			{method: http.MethodGet, path: pods + "/two/log?container=z", code: 501, says: none},
			{method: http.MethodGet, path: pods + "/waits/log", code: 204},
			{method: http.MethodGet, path: pods + "/missing/log", code: 404, says: `pods "missing" not found`},
			{method: http.MethodDelete, path: pods + "/p/log", code: 405},

			{method: http.MethodPost, path: pods + "/p/exec?command=ls", code: 501, says: none},
			{method: http.MethodGet, path: pods + "/p/exec?command=ls", code: 501, says: none},
			{method: http.MethodPost, path: pods + "/two/exec?command=ls", code: 400, says: "a container name must be specified"},
			{method: http.MethodPost, path: pods + "/waits/exec?command=ls", code: 400, says: "pod waits does not have a host assigned"},
			{method: http.MethodPost, path: pods + "/missing/exec?command=ls", code: 404, says: `pods "missing" not found`},
			{method: http.MethodPost, path: pods + "/p/attach", code: 501, says: none},
			{method: http.MethodPost, path: pods + "/two/portforward", code: 501, says: none},
			{method: http.MethodPut, path: pods + "/p/exec", code: 405},

			{method: http.MethodGet, path: pods + "/http:p:80/proxy/a/b", code: 501, says: `cannot connect to pod "p"`},
			{method: http.MethodGet, path: services + "/kubernetes:https/proxy/", code: 501, says: `cannot connect to service "kubernetes"`},
			{method: http.MethodGet, path: services + "/missing/proxy/a", code: 404, says: `services "missing" not found`},
			{method: http.MethodGet, path: "/api/v1/nodes/n/proxy/healthz", code: 501, says: `cannot connect to node "n"`},

			{method: http.MethodGet, path: pods + "/p/nonsense", code: 404, says: "the server could not find the requested resource"},
			{method: http.MethodGet, path: configMaps + "/p/proxy/a", code: 404, says: "the server could not find the requested resource"},
			{method: http.MethodGet, path: pods + "/p/binding", code: 405},
			{method: http.MethodDelete, path: "/api/v1/namespaces", code: 405},
		})
	})
}
