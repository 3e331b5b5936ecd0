package apiserver

import (
	"errors"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// There are no custom resources here, but clients ask for their definitions: kubectl
// does for every kind that it does not find. The answer is an empty list.

// addDefinitions serves CustomResourceDefinitions as a collection that stays empty. Its
// keys are not those of a Kubernetes that used the store before.
func (s *Server) addDefinitions() {
	kind := kinds.CustomResourceDefinition
	r := &resource{Kind: kind, bookkeeping: bookkeepingOf(kind.GroupVersionKind), storage: newStorage(s.store, kind)}
	r.storage.prefix = Root + "none/" + kind.Group + "/" + kind.Resource + "/"
	s.resources[kind.GroupVersion().WithResource(kind.Resource)] = r
}

// dispatchDefinition answers for what can never be written.
func (s *Server) dispatchDefinition(rq *request) (*answer, error) {
	switch method := rq.http.Method; {
	case rq.name == "" && (method == http.MethodGet || method == http.MethodHead):
		return s.list(rq)
	case rq.name != "" && (method == http.MethodGet || method == http.MethodHead || method == http.MethodDelete):
		return nil, apierrors.NewNotFound(rq.groupResource(), rq.name)
	}
	return nil, apierrors.NewForbidden(rq.groupResource(), rq.name, errors.New("this API server has no custom resources"))
}
