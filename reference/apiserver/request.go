package apiserver

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// request is a parsed request for an object or a collection.
type request struct {
	*resource
	ctx                          context.Context
	http                         *http.Request
	query                        url.Values
	namespace, name, subresource string
	accepted                     accepted
	// warnings are sent with the answer, whatever it is.
	warnings []string
}

func (rq *request) warn(text string) { rq.warnings = append(rq.warnings, text) }

// manager is who writes, for metadata.managedFields (API-META-10).
func (rq *request) manager() string {
	if m := rq.query.Get("fieldManager"); m != "" {
		return m
	}
	agent, _, _ := strings.Cut(rq.http.UserAgent(), "/")
	return agent
}

// parse finds out what a path below /api/v1 or /apis/group/version is about.
func (s *Server) parse(r *http.Request, path []string) (*request, error) {
	gv := schema.GroupVersion{Version: path[1]}
	rest := path[2:]
	if path[0] == "apis" {
		gv = schema.GroupVersion{Group: path[1], Version: path[2]}
		rest = path[3:]
	}
	rq := &request{ctx: r.Context(), http: r, query: r.URL.Query()}
	// namespaces/x/pods is a resource in a namespace; namespaces/x and
	// namespaces/x/status are about the namespace itself.
	if rest[0] == "namespaces" && len(rest) >= 3 {
		if _, nested := s.resources[gv.WithResource(rest[2])]; nested || gv.Group != "" || virtual[gv.WithResource(rest[2])] != nil {
			rq.namespace, rest = rest[1], rest[2:]
		}
	}
	rq.resource = s.resources[gv.WithResource(rest[0])]
	// What follows "proxy" is a path on the other side.
	if rq.resource == nil || len(rest) > 3 && rest[2] != "proxy" {
		return rq, notFound()
	}
	if len(rest) > 1 {
		rq.name = rest[1]
	}
	if len(rest) > 2 {
		rq.subresource = rest[2]
	}
	namespaced := rq.resource.Kind.Namespaced
	switch {
	case rq.namespace != "" && !namespaced,
		rq.namespace == "" && namespaced && rq.name != "":
		return rq, notFound()
	case rq.subresource != "" && !rq.hasSubresource(rq.subresource):
		return rq, notFound()
	}
	return rq, nil
}

// serveResource answers a request for an object or a collection. An error is
// what is still to be answered.
func (s *Server) serveResource(w http.ResponseWriter, r *http.Request, path []string) error {
	if done, err := s.serveVirtual(w, r, path); done || err != nil {
		return err
	}
	rq, err := s.parse(r, path)
	if err != nil {
		return err
	}
	if c, ok := rq.connection(); ok {
		return s.connect(w, rq, c)
	}
	if rq.accepted = accept(r, rq.resource); rq.accepted.mediaType == "" {
		return notAcceptable()
	}
	if r.Method == http.MethodGet && rq.subresource == "" && isWatch(rq.query) {
		return s.watch(w, rq)
	}
	a, err := s.dispatch(rq)
	writeWarnings(w, rq.warnings)
	if err != nil {
		return err
	}
	return rq.write(w, a)
}

func (s *Server) dispatch(rq *request) (*answer, error) {
	namespaced := rq.resource.Kind.Namespaced
	switch method := rq.http.Method; {
	case rq.Kind == kinds.CustomResourceDefinition:
		return s.dispatchDefinition(rq)
	case rq.subresource != "":
		return s.dispatchSubresource(rq)
	case rq.name != "":
		switch method {
		case http.MethodGet, http.MethodHead:
			return s.get(rq)
		case http.MethodPut:
			return s.put(rq)
		case http.MethodPatch:
			return s.patch(rq)
		case http.MethodDelete:
			return s.delete(rq)
		}
	default:
		switch {
		case method == http.MethodGet, method == http.MethodHead:
			return s.list(rq)
		case method == http.MethodPost && (rq.namespace != "" || !namespaced):
			return s.create(rq)
		case method == http.MethodDelete && (rq.namespace != "" || !namespaced) && rq.groupKind() != namespaceKind:
			return s.deleteCollection(rq)
		}
	}
	return nil, apierrors.NewMethodNotSupported(rq.groupResource(), strings.ToLower(rq.http.Method))
}

func (s *Server) dispatchSubresource(rq *request) (*answer, error) {
	type call struct{ method, subresource string }
	switch (call{rq.http.Method, rq.subresource}) {
	case call{http.MethodGet, "status"}, call{http.MethodGet, "ephemeralcontainers"}, call{http.MethodGet, "resize"}:
		return s.get(rq)
	case call{http.MethodPut, "status"}, call{http.MethodPut, "ephemeralcontainers"}, call{http.MethodPut, "resize"}:
		return s.put(rq)
	case call{http.MethodPatch, "status"}, call{http.MethodPatch, "ephemeralcontainers"}, call{http.MethodPatch, "resize"}:
		return s.patch(rq)
	case call{http.MethodGet, "scale"}:
		return s.getScale(rq)
	case call{http.MethodPut, "scale"}, call{http.MethodPatch, "scale"}:
		return s.putScale(rq)
	case call{http.MethodPost, "binding"}:
		return s.bind(rq)
	case call{http.MethodPost, "eviction"}:
		return s.evict(rq)
	case call{http.MethodPut, "finalize"}:
		return s.finalize(rq)
	case call{http.MethodPost, "token"}:
		return s.issueToken(rq)
	}
	return nil, apierrors.NewMethodNotSupported(rq.groupResource(), strings.ToLower(rq.http.Method))
}
