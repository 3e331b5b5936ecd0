package apiserver

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// connection is a subresource that leads on to what runs on a node. This server
// connects to no node, and says so: the object itself is there.
type connection struct {
	methods []string // empty: all
	// container says that it is about one container of the Pod.
	container bool
	// refused is what cannot be done, with the place for the object's name.
	refused string
}

var streamed = []string{http.MethodGet, http.MethodPost}

var connections = map[schema.GroupResource]map[string]connection{
	{Resource: "pods"}: {
		"attach":      {methods: streamed, container: true, refused: "cannot attach to pod %q"},
		"exec":        {methods: streamed, container: true, refused: "cannot run a command in pod %q"},
		"log":         {methods: []string{http.MethodGet}, container: true, refused: "cannot read the log of pod %q"},
		"portforward": {methods: streamed, refused: "cannot forward a port of pod %q"},
		"proxy":       {refused: "cannot connect to pod %q"},
	},
	{Resource: "services"}: {"proxy": {refused: "cannot connect to service %q"}},
	{Resource: "nodes"}:    {"proxy": {refused: "cannot connect to node %q"}},
}

// connection returns what the request wants to be connected with, if it does.
func (rq *request) connection() (connection, bool) {
	c, ok := connections[rq.groupResource()][rq.subresource]
	return c, ok
}

// connect answers for a connection: with what is wrong with the request, and else that
// there is nothing to connect with.
func (s *Server) connect(w http.ResponseWriter, rq *request, c connection) error {
	if method := rq.http.Method; len(c.methods) > 0 && !slices.Contains(c.methods, method) {
		return apierrors.NewMethodNotSupported(rq.groupResource(), strings.ToLower(method))
	}
	name := rq.name
	if rq.subresource == "proxy" {
		name = proxied(name)
	}
	r, err := rq.storage.get(rq.ctx, rq.key(rq.namespace, name))
	if err != nil {
		return err
	}
	if r == nil {
		return apierrors.NewNotFound(rq.groupResource(), name)
	}
	obj, err := r.object()
	if err != nil {
		return err
	}
	if pod, ok := obj.(*corev1.Pod); ok && rq.subresource != "proxy" {
		if c.container {
			if err := chooses(pod, rq.query.Get("container")); err != nil {
				return err
			}
		}
		switch {
		case pod.Spec.NodeName != "":
		case rq.subresource == "log": // nothing has run that could have written one
			w.WriteHeader(http.StatusNoContent)
			return nil
		default:
			return apierrors.NewBadRequest(fmt.Sprintf("pod %s does not have a host assigned", name))
		}
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusNotImplemented, Reason: "NotImplemented",
		Message: fmt.Sprintf(c.refused, name) + ": this API server does not connect to nodes; containers of simulated nodes write no output and run no programs",
		Details: &metav1.StatusDetails{Kind: rq.Resource, Name: name},
	}}
}

// proxied returns the name in scheme:name:port, as which the target of a proxy request
// may be given.
func proxied(target string) string {
	switch parts := strings.Split(target, ":"); len(parts) {
	case 2:
		return parts[0]
	case 3:
		return parts[1]
	}
	return target
}

// chooses says whether the name is that of a container of the Pod; it may be left out if
// there is only one.
func chooses(pod *corev1.Pod, container string) error {
	if container == "" && len(pod.Spec.Containers) == 1 {
		return nil
	}
	var names []string
	for i := range pod.Spec.InitContainers {
		names = append(names, pod.Spec.InitContainers[i].Name)
	}
	for i := range pod.Spec.Containers {
		names = append(names, pod.Spec.Containers[i].Name)
	}
	for i := range pod.Spec.EphemeralContainers {
		names = append(names, pod.Spec.EphemeralContainers[i].Name)
	}
	switch {
	case container == "":
		return apierrors.NewBadRequest(fmt.Sprintf("a container name must be specified for pod %s, choose one of: %s", pod.Name, names))
	case !slices.Contains(names, container):
		return apierrors.NewBadRequest(fmt.Sprintf("container %s is not valid for pod %s", container, pod.Name))
	}
	return nil
}
