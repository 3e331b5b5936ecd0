package apiserver

import (
	"encoding/json"
	"fmt"
	"net/http"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var scaleKind = autoscalingv1.SchemeGroupVersion.WithKind("Scale")

// scaleOf is the view of an object as a Scale (API-UPDATE-11).
func (r *resource) scaleOf(obj runtime.Object) *autoscalingv1.Scale {
	m := accessor(obj)
	spec, status, selector := r.Scale.Get(obj)
	return &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{
			Name: m.GetName(), Namespace: m.GetNamespace(), UID: m.GetUID(),
			ResourceVersion: m.GetResourceVersion(), CreationTimestamp: m.GetCreationTimestamp(),
		},
		Spec:   autoscalingv1.ScaleSpec{Replicas: spec},
		Status: autoscalingv1.ScaleStatus{Replicas: status, Selector: selector},
	}
}

func (rq *request) okScale(r *record) (*answer, error) {
	obj, err := r.object()
	if err != nil {
		return nil, err
	}
	return &answer{code: http.StatusOK, object: withKind(rq.scaleOf(obj))}, nil
}

func (s *Server) getScale(rq *request) (*answer, error) {
	a, err := s.get(rq)
	if err != nil {
		return nil, err
	}
	return rq.okScale(a.record)
}

// putScale changes spec.replicas, by PUT or PATCH of the Scale.
func (s *Server) putScale(rq *request) (*answer, error) {
	w := &write{request: rq, operation: metav1.ManagedFieldsOperationUpdate}
	var change func(*autoscalingv1.Scale) (*autoscalingv1.Scale, error)
	if rq.http.Method == http.MethodPut {
		options, err := decodeQuery(rq, metavalidation.ValidateUpdateOptions)
		if err != nil {
			return nil, err
		}
		w.dryRun = len(options.DryRun) > 0
		body, err := rq.decodeBody(scaleKind)
		if err != nil {
			return nil, err
		}
		if err := rq.checkIdentity(accessor(body)); err != nil {
			return nil, err
		}
		change = func(*autoscalingv1.Scale) (*autoscalingv1.Scale, error) {
			return body.(*autoscalingv1.Scale), nil
		}
	} else {
		patchType, body, options, err := rq.readPatch()
		if err != nil {
			return nil, err
		}
		w.dryRun = len(options.DryRun) > 0
		change = func(scale *autoscalingv1.Scale) (*autoscalingv1.Scale, error) {
			return patchScale(scale, patchType, body)
		}
	}
	w.change = func(old runtime.Object) (runtime.Object, error) {
		scale, err := change(rq.scaleOf(old))
		if err != nil {
			return nil, err
		}
		if scale.Spec.Replicas < 0 {
			return nil, apierrors.NewInvalid(scaleKind.GroupKind(), rq.name, field.ErrorList{
				field.Invalid(field.NewPath("spec", "replicas"), scale.Spec.Replicas, "must be greater than or equal to 0")})
		}
		obj := old.DeepCopyObject()
		m := accessor(obj)
		m.SetUID(scale.UID)
		m.SetResourceVersion(scale.ResourceVersion)
		rq.Scale.Set(obj, scale.Spec.Replicas)
		return obj, nil
	}
	r, _, err := s.write(w)
	if err != nil {
		return nil, err
	}
	return rq.okScale(r)
}

func patchScale(scale *autoscalingv1.Scale, patchType types.PatchType, body []byte) (*autoscalingv1.Scale, error) {
	before, err := json.Marshal(withKind(scale))
	if err != nil {
		return nil, err
	}
	var after []byte
	switch patchType {
	case types.JSONPatchType:
		var operations jsonpatch.Patch
		if operations, err = jsonpatch.DecodePatch(body); err == nil {
			after, err = operations.Apply(before)
		}
	case types.MergePatchType:
		after, err = jsonpatch.MergePatch(before, body)
	case types.StrategicMergePatchType:
		after, err = strategicpatch.StrategicMergePatch(before, body, scale)
	default:
		err = fmt.Errorf("%s is not supported on scale", patchType)
	}
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	patched := &autoscalingv1.Scale{}
	if err := json.Unmarshal(after, patched); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return patched, nil
}
