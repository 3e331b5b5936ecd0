package apiserver

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/podchain/podchain/reference/store"
)

// systemNamespaces exist from the start.
var systemNamespaces = []string{
	metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic, corev1.NamespaceNodeLease,
}

// immortal namespaces are never deleted.
var immortal = map[string]bool{
	metav1.NamespaceDefault: true, metav1.NamespaceSystem: true, metav1.NamespacePublic: true,
}

// bootstrap creates the system namespaces.
func (s *Server) bootstrap() error {
	if s.namespaces == nil {
		return nil
	}
	for _, name := range systemNamespaces {
		if err := s.seed(s.namespaces, &corev1.Namespace{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelMetadataName: name}},
			Spec:       corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{corev1.FinalizerKubernetes}},
			Status:     corev1.NamespaceStatus{Phase: corev1.NamespaceActive},
		}); err != nil {
			return fmt.Errorf("apiserver: creating namespace %s: %w", name, err)
		}
	}
	return nil
}

// seed stores an object of the server's own, unless it is there.
func (s *Server) seed(st *storage, obj runtime.Object) error {
	m := accessor(obj)
	m.SetUID(uuid.NewUUID())
	m.SetCreationTimestamp(metav1.NewTime(time.Now().UTC().Truncate(time.Second)))
	r, err := s.of(st).newRecord(obj)
	if err != nil {
		return err
	}
	if _, err = st.put(s.ctx, r, nil); errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

// finalize replaces a namespace's spec.finalizers; the last one's removal from
// a terminating namespace removes it (NS-01).
func (s *Server) finalize(rq *request) (*answer, error) {
	options, err := decodeQuery(rq, metavalidation.ValidateUpdateOptions)
	if err != nil {
		return nil, err
	}
	body, err := rq.decodeBody(rq.gvk())
	if err != nil {
		return nil, err
	}
	if err := rq.checkIdentity(accessor(body)); err != nil {
		return nil, err
	}
	wanted := body.(*corev1.Namespace)
	w := &write{request: rq, raw: true, dryRun: len(options.DryRun) > 0}
	w.change = func(old runtime.Object) (runtime.Object, error) {
		ns := old.DeepCopyObject().(*corev1.Namespace)
		ns.UID, ns.ResourceVersion = wanted.UID, wanted.ResourceVersion
		if err := w.guard(accessor(old), ns); err != nil {
			return nil, err
		}
		ns.UID, ns.ResourceVersion = accessor(old).GetUID(), accessor(old).GetResourceVersion()
		ns.Spec.Finalizers = wanted.Spec.Finalizers
		return ns, nil
	}
	r, _, err := s.write(w)
	if err != nil {
		return nil, err
	}
	return &answer{code: http.StatusOK, record: r}, nil
}

// admitNamespace refuses what is to be created where it cannot live
// (API-CREATE-07).
func admitNamespace(s *Server, rq *request, obj runtime.Object) error {
	if !rq.Kind.Namespaced || s.namespaces == nil {
		return nil
	}
	r, err := s.namespaces.get(rq.ctx, s.namespaces.key("", rq.namespace))
	if err != nil {
		return err
	}
	if r == nil {
		return apierrors.NewNotFound(s.of(s.namespaces).groupResource(), rq.namespace)
	}
	ns, err := r.object()
	if err != nil {
		return err
	}
	if accessor(ns).GetDeletionTimestamp() == nil {
		return nil
	}
	refused := apierrors.NewForbidden(rq.groupResource(), accessor(obj).GetName(), fmt.Errorf(
		"unable to create new content in namespace %s because it is being terminated", rq.namespace))
	refused.ErrStatus.Details.Causes = append(refused.ErrStatus.Details.Causes, metav1.StatusCause{
		Type:    corev1.NamespaceTerminatingCause,
		Message: fmt.Sprintf("namespace %s is being terminated", rq.namespace),
		Field:   "metadata.namespace",
	})
	return refused
}

// admitDelete refuses to delete what the cluster needs.
func (rq *request) admitDelete() error {
	if rq.Kind.Kind == "Namespace" && rq.Kind.Group == "" && immortal[rq.name] {
		return apierrors.NewForbidden(rq.groupResource(), rq.name, errors.New("this namespace may not be deleted"))
	}
	return nil
}
