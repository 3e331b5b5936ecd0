package apiserver

import (
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
)

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
