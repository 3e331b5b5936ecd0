package steps

import (
	"fmt"
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/implementation"
)

// isolated returns an error for a request that would change what the scenario has
// not made: on any cluster, shared or not, a scenario keeps to its
// namespace, to the nodes that it brought, and to names that begin with its
// namespace's.
func (w *World) isolated(request request) error {
	if request.method == http.MethodGet {
		return nil
	}
	path, _, _ := strings.Cut(request.path, "?")
	if _, offered := implementation.As[implementation.Nodes](w.Cluster); !offered && strings.HasPrefix(path, "/api/v1/nodes") {
		return fmt.Errorf("%s %s: a node affects other users of the cluster: tag the scenario @needs-nodes", request.method, request.path)
	}
	names := strings.Split(path, "/")
	if body, ok := request.body.(map[string]any); ok && request.method == http.MethodPost {
		object := unstructured.Unstructured{Object: body}
		names = append(names, object.GetName())
	}
	for _, name := range names {
		if name == w.Namespace || strings.HasPrefix(name, w.Namespace+"-") || w.nodes.Has(name) {
			return nil
		}
	}
	return fmt.Errorf("%s %s would change what the scenario has not created: it may write to its namespace, to nodes that it added, and to objects whose names begin with its namespace's ({namespace}-…)",
		request.method, request.path)
}
