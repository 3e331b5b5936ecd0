package tap

import (
	"net/http"
	"strings"

	"github.com/podchain/podchain/conformance/implementation"
)

// target is what a request is about, in the words of RBAC.
type target struct {
	verb, resource, subresource, namespace, name string
}

// verbs are those of the methods, for a single object.
var verbs = map[string]string{
	http.MethodGet: "get", http.MethodHead: "get", http.MethodPost: "create",
	http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete",
}

// targetOf reads a request. One that is about no resource, such as /healthz, has
// an empty resource.
func targetOf(r *http.Request) target {
	t := target{verb: verbs[r.Method]}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		parts = parts[3:]
	default:
		return t
	}
	// A namespace is a resource too, unless something stands below it.
	if parts[0] == "namespaces" && len(parts) > 2 && parts[2] != "status" && parts[2] != "finalize" {
		t.namespace, parts = parts[1], parts[2:]
	}
	t.resource = parts[0]
	if len(parts) > 1 {
		t.name = parts[1]
	}
	if len(parts) > 2 {
		t.subresource = strings.Join(parts[2:], "/")
	}
	switch {
	case r.Method == http.MethodGet && isTrue(r.URL.Query().Get("watch")):
		t.verb = "watch"
	case t.name != "":
	case r.Method == http.MethodGet:
		t.verb = "list"
	case r.Method == http.MethodDelete:
		t.verb = "deletecollection"
	}
	return t
}

func isTrue(value string) bool { return value == "true" || value == "1" }

// writes says whether the request changes something.
func (t target) writes() bool {
	switch t.verb {
	case "create", "update", "patch", "delete", "deletecollection":
		return t.resource != ""
	}
	return false
}

// meets says whether the fault is about the request.
func (t target) meets(fault implementation.Fault) bool {
	return t.resource != "" &&
		(fault.Verb == "" || fault.Verb == t.verb) &&
		(fault.Resource == "" || fault.Resource == t.resource) &&
		fault.Subresource == t.subresource &&
		(fault.Namespace == "" || fault.Namespace == t.namespace)
}
