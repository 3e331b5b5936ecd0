// Package discovery serves the documents that tell clients which resources
// there are: under /api and /apis, in the legacy form (one document a level)
// and in the aggregated one (one document for all).
package discovery

import (
	"net/http"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// Handler returns the handler of /api, /api/v1, /apis, /apis/GROUP and
// /apis/GROUP/VERSION for the kinds served. Its documents are made when the
// first is asked for; those of kinds.All() are shared by every handler.
func Handler(served []*kinds.Kind) http.Handler {
	if isAll(served) {
		return &handler{documents: ofAll}
	}
	return &handler{documents: sync.OnceValue(func() *documents { return newDocuments(served) })}
}

var ofAll = sync.OnceValue(func() *documents { return newDocuments(kinds.All()) })

// isAll says whether served is the shared slice itself.
func isAll(served []*kinds.Kind) bool {
	all := kinds.All()
	return len(served) == len(all) && len(all) > 0 && &served[0] == &all[0]
}

// documents are everything there is to know, by path.
type documents struct {
	legacy     map[string]*document
	aggregated map[string]*aggregated
}

func newDocuments(served []*kinds.Kind) *documents {
	all := groups(served)
	d := &documents{legacy: map[string]*document{}, aggregated: map[string]*aggregated{}}
	for path, obj := range legacy(all) {
		d.legacy[path] = newDocument(obj)
	}
	var core, named []group
	for _, g := range all {
		if g.name == "" {
			core = append(core, g)
		} else {
			named = append(named, g)
		}
	}
	d.aggregated["/api"], d.aggregated["/apis"] = newAggregated(core), newAggregated(named)
	return d
}

type handler struct{ documents func() *documents }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		writeStatus(w, apierrors.NewMethodNotSupported(schema.GroupResource{}, strings.ToLower(r.Method)))
		return
	}
	path := strings.TrimSuffix(r.URL.Path, "/")
	d := h.documents()
	if a := d.aggregated[path]; a != nil && wantsAggregated(r.Header.Get("Accept")) {
		a.ServeHTTP(w, r)
		return
	}
	if path == "/api" {
		newDocument(versions(r.Host)).ServeHTTP(w, r)
		return
	}
	if legacy := d.legacy[path]; legacy != nil {
		legacy.ServeHTTP(w, r)
		return
	}
	writeStatus(w, apierrors.NewGenericServerResponse(http.StatusNotFound, strings.ToLower(r.Method), schema.GroupResource{}, "", "", 0, true))
}
