package control

import (
	"cmp"
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

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

// Handler answers the requests of the protocol for a cluster.
func Handler(description chain.Description, cluster implementation.Cluster) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, offer(description, cluster), nil)
	})
	for pattern, handle := range routes {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			body, err := handle(cluster, r)
			answer(w, body, err)
		})
	}
	return mux
}

// route has a cluster do what a request asks for. It returns the body of the answer.
type route func(cluster implementation.Cluster, r *http.Request) (any, error)

// routes are the patterns of the requests, and the methods that answer them.
var routes = map[string]route{
	"POST /v1/links/{link}/stop":          ofLink(implementation.Links.StopLink),
	"POST /v1/links/{link}/start":         ofLink(implementation.Links.StartLink),
	"POST /v1/links/{link}/replicas":      ofLink(implementation.Replicas.StartReplica),
	"POST /v1/links/{link}/kill-leader":   ofLink(implementation.Replicas.KillLeader),
	"DELETE /v1/links/{link}/replicas":    ofLink(implementation.Replicas.StopReplicas),
	"POST /v1/links/{link}/faults":        inject,
	"GET /v1/faults/triggered":            ofName("namespace", implementation.Faults.AwaitTriggered),
	"DELETE /v1/faults":                   ofName("namespace", implementation.Faults.Heal),
	"GET /v1/writes":                      read(implementation.Faults.Writes, func(writes []implementation.Write) any { return Writes{writes} }),
	"GET /v1/notices":                     read(implementation.WatchObserver.Notices, func(notices []implementation.Notice) any { return Notices{notices} }),
	"GET /v1/calls":                       read(implementation.Runtime.Calls, func(calls []implementation.Call) any { return Calls{calls} }),
	"GET /v1/store":                       read(implementation.Store.StoreAccess, func(access implementation.StoreAccess) any { return access }),
	"POST /v1/store/stop":                 do(implementation.Outage.StopStore),
	"POST /v1/store/start":                do(implementation.Outage.StartStore),
	"POST /v1/compaction":                 do(implementation.Compactor.Compact),
	"POST /v1/nodes":                      ofBody("a Node", implementation.Nodes.AddNode),
	"DELETE /v1/nodes/{name}":             ofName("name", implementation.Nodes.RemoveNode),
	"POST /v1/nodes/{name}/kubelet/stop":  ofName("name", implementation.Kubelets.StopKubelet),
	"POST /v1/nodes/{name}/kubelet/start": ofName("name", implementation.Kubelets.StartKubelet),
	"POST /v1/images": ofBody("an image", func(images implementation.Images, ctx context.Context, image *Image) error {
		return images.Publish(ctx, image.Name)
	}),
}

// answered is a route that the part of the cluster answers which offers T.
func answered[T any](handle func(offered T, r *http.Request) (any, error)) route {
	return func(cluster implementation.Cluster, r *http.Request) (any, error) {
		offered, ok := implementation.As[T](cluster)
		if !ok {
			return nil, errors.New("the cluster does not offer this")
		}
		return handle(offered, r)
	}
}

// do calls a method that takes nothing.
func do[T any](method func(T, context.Context) error) route {
	return answered(func(offered T, r *http.Request) (any, error) { return nil, method(offered, r.Context()) })
}

// read calls a method that returns something, and answers with the body made of it.
func read[T, R any](method func(T, context.Context) (R, error), body func(R) any) route {
	return answered(func(offered T, r *http.Request) (any, error) {
		result, err := method(offered, r.Context())
		return body(result), err
	})
}

// ofLink calls a method with the link in the path.
func ofLink[T any](method func(T, context.Context, chain.Link) error) route {
	return answered(func(offered T, r *http.Request) (any, error) {
		link, err := chain.ParseLink(r.PathValue("link"))
		if err != nil {
			return nil, err
		}
		return nil, method(offered, r.Context(), link)
	})
}

// ofName calls a method with a name in the path or the query.
func ofName[T any](parameter string, method func(T, context.Context, string) error) route {
	return answered(func(offered T, r *http.Request) (any, error) {
		return nil, method(offered, r.Context(), cmp.Or(r.PathValue(parameter), r.URL.Query().Get(parameter)))
	})
}

// ofBody calls a method with the object in the body.
func ofBody[T, B any](what string, method func(T, context.Context, *B) error) route {
	return answered(func(offered T, r *http.Request) (any, error) {
		body := new(B)
		if err := json.NewDecoder(r.Body).Decode(body); err != nil {
			return nil, fmt.Errorf("the body is not %s: %w", what, err)
		}
		return nil, method(offered, r.Context(), body)
	})
}

// inject calls Inject with the link in the path and the fault in the body.
func inject(cluster implementation.Cluster, r *http.Request) (any, error) {
	link, err := chain.ParseLink(r.PathValue("link"))
	if err != nil {
		return nil, err
	}
	return ofBody("a fault", func(faults implementation.Faults, ctx context.Context, fault *implementation.Fault) error {
		return faults.Inject(ctx, link, *fault)
	})(cluster, r)
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
