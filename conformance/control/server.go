package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

// Handler answers the requests of the protocol for a cluster.
func Handler(description chain.Description, cluster implementation.Cluster) http.Handler {
	s := &server{cluster: cluster}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, offer(description, cluster), nil)
	})
	linkRoute(s, mux, "POST /v1/links/{link}/stop", implementation.Links.StopLink)
	linkRoute(s, mux, "POST /v1/links/{link}/start", implementation.Links.StartLink)
	linkRoute(s, mux, "POST /v1/links/{link}/replicas", implementation.Replicas.StartReplica)
	linkRoute(s, mux, "POST /v1/links/{link}/kill-leader", implementation.Replicas.KillLeader)
	linkRoute(s, mux, "DELETE /v1/links/{link}/replicas", implementation.Replicas.StopReplicas)
	route[implementation.Faults](s, mux, "POST /v1/links/{link}/faults", func(faults implementation.Faults, r *http.Request) (any, error) {
		link, err := chain.ParseLink(r.PathValue("link"))
		if err != nil {
			return nil, err
		}
		var fault implementation.Fault
		if err := json.NewDecoder(r.Body).Decode(&fault); err != nil {
			return nil, fmt.Errorf("the body is not a fault: %w", err)
		}
		return nil, faults.Inject(r.Context(), link, fault)
	})
	route[implementation.Faults](s, mux, "GET /v1/faults/met", func(faults implementation.Faults, r *http.Request) (any, error) {
		return nil, faults.Met(r.Context(), r.URL.Query().Get("namespace"))
	})
	route[implementation.Faults](s, mux, "DELETE /v1/faults", func(faults implementation.Faults, r *http.Request) (any, error) {
		return nil, faults.Heal(r.Context(), r.URL.Query().Get("namespace"))
	})
	route[implementation.Faults](s, mux, "GET /v1/writes", func(faults implementation.Faults, r *http.Request) (any, error) {
		writes, err := faults.Writes(r.Context())
		return Writes{writes}, err
	})
	route[implementation.WatchObserver](s, mux, "GET /v1/notices", func(notifying implementation.WatchObserver, r *http.Request) (any, error) {
		notices, err := notifying.Notices(r.Context())
		return Notices{notices}, err
	})
	route[implementation.Store](s, mux, "GET /v1/store", func(store implementation.Store, r *http.Request) (any, error) {
		return store.StoreAccess(r.Context())
	})
	route[implementation.Outage](s, mux, "POST /v1/store/stop", func(outage implementation.Outage, r *http.Request) (any, error) {
		return nil, outage.StopStore(r.Context())
	})
	route[implementation.Outage](s, mux, "POST /v1/store/start", func(outage implementation.Outage, r *http.Request) (any, error) {
		return nil, outage.StartStore(r.Context())
	})
	route[implementation.Nodes](s, mux, "POST /v1/nodes", func(nodes implementation.Nodes, r *http.Request) (any, error) {
		node := &corev1.Node{}
		if err := json.NewDecoder(r.Body).Decode(node); err != nil {
			return nil, fmt.Errorf("the body is not a Node: %w", err)
		}
		return nil, nodes.AddNode(r.Context(), node)
	})
	route[implementation.Nodes](s, mux, "DELETE /v1/nodes/{name}", func(nodes implementation.Nodes, r *http.Request) (any, error) {
		return nil, nodes.RemoveNode(r.Context(), r.PathValue("name"))
	})
	route[implementation.Kubelets](s, mux, "POST /v1/nodes/{name}/kubelet/stop", func(kubelets implementation.Kubelets, r *http.Request) (any, error) {
		return nil, kubelets.StopKubelet(r.Context(), r.PathValue("name"))
	})
	route[implementation.Kubelets](s, mux, "POST /v1/nodes/{name}/kubelet/start", func(kubelets implementation.Kubelets, r *http.Request) (any, error) {
		return nil, kubelets.StartKubelet(r.Context(), r.PathValue("name"))
	})
	route[implementation.Runtime](s, mux, "GET /v1/calls", func(runtime implementation.Runtime, r *http.Request) (any, error) {
		calls, err := runtime.Calls(r.Context())
		return Calls{calls}, err
	})
	route[implementation.Images](s, mux, "POST /v1/images", func(images implementation.Images, r *http.Request) (any, error) {
		var image Image
		if err := json.NewDecoder(r.Body).Decode(&image); err != nil {
			return nil, fmt.Errorf("the body is not an image: %w", err)
		}
		return nil, images.Publish(r.Context(), image.Name)
	})
	route[implementation.Compactor](s, mux, "POST /v1/compaction", func(compactor implementation.Compactor, r *http.Request) (any, error) {
		return nil, compactor.Compact(r.Context())
	})
	return mux
}

type server struct{ cluster implementation.Cluster }

// route has a capability answer a request, if the cluster offers it.
func route[T any](s *server, mux *http.ServeMux, pattern string, handle func(T, *http.Request) (any, error)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		offered, ok := implementation.As[T](s.cluster)
		if !ok {
			answer(w, nil, errors.New("the cluster does not offer this"))
			return
		}
		body, err := handle(offered, r)
		answer(w, body, err)
	})
}

// linkRoute is a route whose request is about a link and nothing else.
func linkRoute[T any](s *server, mux *http.ServeMux, pattern string, do func(T, context.Context, chain.Link) error) {
	route(s, mux, pattern, func(offered T, r *http.Request) (any, error) {
		link, err := chain.ParseLink(r.PathValue("link"))
		if err != nil {
			return nil, err
		}
		return nil, do(offered, r.Context(), link)
	})
}

// sample is an image of the fixtures.
const sample = "web:1"

func offer(description chain.Description, cluster implementation.Cluster) Offer {
	all := implementation.Capabilities()
	lacking := implementation.Missing(cluster, all)
	o := Offer{
		Implementation: description,
		Capabilities:   slices.DeleteFunc(all, func(name string) bool { return slices.Contains(lacking, name) }),
	}
	_, o.Notices = implementation.As[implementation.WatchObserver](cluster)
	if images, ok := implementation.As[implementation.Images](cluster); ok {
		o.ImagePrefix = strings.TrimSuffix(images.ImageName(sample), sample)
	}
	return o
}

func answer(w http.ResponseWriter, body any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		body = Fault{Error: err.Error(), NotReady: errors.Is(err, implementation.ErrNotReady)}
	}
	if body == nil {
		body = struct{}{}
	}
	_ = json.NewEncoder(w).Encode(body) // a client that has gone away needs no answer
}

// Serve answers on a new unix socket at the path, which only its owner can
// open. The returned function ends it and removes the socket.
func Serve(path string, handler http.Handler) (stop func() error, err error) {
	socket, err := Listen(path)
	if err != nil {
		return nil, err
	}
	return socket.Serve(handler), nil
}

// Serve answers on the socket. The returned function ends it and removes the socket.
func (s *Socket) Serve(handler http.Handler) (stop func() error) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(os.Stderr, "control: ", 0)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.listener) }()
	return func() error {
		err := errors.Join(s.remove(), server.Close())
		if end := <-ended; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	}
}
