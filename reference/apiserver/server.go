// Package apiserver is the generic part of a Kubernetes API server: the HTTP
// protocol over a store. What a kind adds to it stands in package kinds, what
// the documents say that describe the API in discovery and openapi.
//
// Every request of an object takes the same way: parse (request.go), negotiate
// (negotiate.go), decode (decode.go), admit (admission.go), write under the
// guard of the object's revision (create.go, update.go, patch.go, delete.go),
// answer (answer.go). Reads (read.go) and watches (watch.go) mostly pass on the
// stored bytes (wire.go, record.go, storage.go, feed.go).
package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference/apiserver/kinds"
	"github.com/podchain/podchain/reference/served"
	"github.com/podchain/podchain/reference/store"
)

// Options configure a Server.
type Options struct {
	// Store holds the objects. Required.
	Store store.Store
	// Token that clients must present; if empty, every client is admitted.
	Token string
	// Kinds are what is served; nil means kinds.All().
	Kinds []*kinds.Kind
	// WithoutAdmission names admissions that are switched off, such as
	// ServiceAccount where no controller makes the accounts.
	WithoutAdmission []string
	// Links are those of the cluster, if it has no others: clients are warned when they
	// write what none of them acts on. Nil: what works on the cluster is not known.
	Links []chain.Link
}

// Server is an API server.
type Server struct {
	token     string
	store     store.Store
	admission []admission
	served    *served.Warnings
	kinds     []*kinds.Kind
	resources map[schema.GroupVersionResource]*resource
	documents map[string]http.Handler // by first path element

	// bootstrapObjects are what every cluster has, by key, to be called when it is gone.
	bootstrapObjects map[string]func() error

	pods, namespaces, nodes, serviceAccounts, priorityClasses, budgets *storage

	ctx        context.Context
	cancel     context.CancelFunc
	mu         sync.Mutex // guards closed and background.Add
	closed     bool
	background crash.Group
}

// New returns a server over options.Store. What every cluster has from the
// start, the system namespaces, it creates unless they are there, so it fails if
// the store does.
func New(options Options) (*Server, error) {
	if options.Store == nil {
		panic("apiserver: Options.Store is required")
	}
	all := options.Kinds
	if all == nil {
		all = kinds.All()
	}
	s := &Server{
		token:     options.Token,
		admission: admissionsWithout(options.WithoutAdmission),
		served:    served.NewWarnings(options.Links),
		store:     options.Store,
		kinds:     all,
		resources: map[schema.GroupVersionResource]*resource{},
		documents: documents(all),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.addResources(all)
	s.addDefinitions()
	if err := s.bootstrap(); err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends watches and everything else that runs in the background, and
// waits until it has ended.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.background.Wait()
}

// enter registers a request that Close has to wait for.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.background.Add(1)
	return true
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	accepted := accept(r, nil)
	if !s.enter() {
		writeError(w, accepted, apierrors.NewServiceUnavailable("the server is shutting down"))
		return
	}
	defer s.background.Done()
	defer func() {
		if fault := recover(); fault != nil {
			if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(fault)
			}
			crash.Report(fault)
			writeError(w, accepted, apierrors.NewInternalError(fmt.Errorf("panic: %v\n%s", fault, debug.Stack())))
		}
	}()
	if s.token != "" && r.Header.Get("Authorization") != "Bearer "+s.token {
		writeError(w, accepted, apierrors.NewUnauthorized("Unauthorized"))
		return
	}
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch path[0] {
	case "healthz", "livez", "readyz":
		s.health(w, r)
		return
	case "version":
		writeVersion(w)
		return
	case "openapi":
		if h := s.documents[path[0]]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
	case "api", "apis":
		depth := 2 // /api/v1 is a document about a version, what is longer is an object
		if path[0] == "apis" {
			depth = 3
		}
		if len(path) <= depth {
			if h := s.documents[path[0]]; h != nil {
				h.ServeHTTP(w, r)
				return
			}
		} else if err := s.serveResource(w, r, path); err != nil {
			writeError(w, accepted, err)
			return
		} else {
			return
		}
	}
	writeError(w, accepted, notFound())
}

// notFound is the answer for a path that means nothing.
func notFound() error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound,
		Message: "the server could not find the requested resource", Details: &metav1.StatusDetails{},
	}}
}

// healthTimeout is how long the store may take to answer a probe.
const healthTimeout = 2 * time.Second

// health answers the probes; it fails while the store does (STORE-08).
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	if _, _, err := s.store.Revision(ctx); err != nil && !strings.HasPrefix(r.URL.Path, "/livez") {
		http.Error(w, "[-]store failed: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if _, err := w.Write([]byte("ok")); err != nil {
		return // the client has gone
	}
}

// storeError translates what the store says to what clients understand.
func storeError(err error, resource schema.GroupResource, name string) error {
	switch {
	case errors.Is(err, store.ErrConflict):
		return apierrors.NewConflict(resource, name, errModified)
	case errors.Is(err, store.ErrCompacted):
		return apierrors.NewResourceExpired("The resourceVersion for the provided list or watch is too old.")
	}
	return err
}

var errModified = errors.New("the object has been modified; please apply your changes to the latest version and try again")
