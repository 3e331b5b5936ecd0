package apiserver

import (
	"encoding/json"
	"net/http"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"
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
		if patchType == types.ApplyPatchType {
			return s.applyScale(w, body, options)
		}
		change = func(scale *autoscalingv1.Scale) (*autoscalingv1.Scale, error) {
			return rq.patchScale(scale, patchType, body)
		}
	}
	w.change = func(old runtime.Object) (runtime.Object, error) {
		scale, err := change(rq.scaleOf(old))
		if err != nil {
			return nil, err
		}
		if err := rq.validateScale(scale); err != nil {
			return nil, err
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

func (rq *request) validateScale(scale *autoscalingv1.Scale) error {
	if scale.Spec.Replicas >= 0 {
		return nil
	}
	return apierrors.NewInvalid(scaleKind.GroupKind(), rq.name, field.ErrorList{
		field.Invalid(field.NewPath("spec", "replicas"), scale.Spec.Replicas, "must be greater than or equal to 0")})
}

// applyScale makes a server-side apply of the Scale one of the object's spec.replicas:
// managedFields are kept of the object, under the name of the subresource.
func (s *Server) applyScale(w *write, body []byte, options *metav1.PatchOptions) (*answer, error) {
	// Whether there are replicas at all, which the Go type does not tell.
	var wanted struct{ Spec struct{ Replicas *int32 } }
	if err := yaml.Unmarshal(body, &wanted); err != nil {
		return nil, apierrors.NewBadRequest("error decoding YAML: " + err.Error())
	}
	obj, err := decode(serializers.yamlStrict, body, scaleKind)
	if runtime.IsStrictDecodingError(err) && w.validationOf() == metav1.FieldValidationIgnore {
		err = nil
	} else if runtime.IsStrictDecodingError(err) {
		err = w.strict(err, func(err error) error { return apierrors.NewBadRequest(err.Error()) })
	}
	if err != nil {
		return nil, err
	}
	scale := obj.(*autoscalingv1.Scale)
	if err := w.checkIdentity(scale); err != nil {
		return nil, err
	}
	if err := w.validateScale(scale); err != nil {
		return nil, err
	}
	parent := map[string]any{"apiVersion": w.gvk().GroupVersion().String(), "kind": w.gvk().Kind}
	if replicas := wanted.Spec.Replicas; replicas != nil {
		parent["spec"] = map[string]any{"replicas": *replicas}
	}
	applied, err := json.Marshal(parent)
	if err != nil {
		return nil, err
	}
	w.operation = metav1.ManagedFieldsOperationApply
	change, err := w.applied(applied, ptr.Deref(options.Force, false))
	if err != nil {
		return nil, err
	}
	w.change = func(old runtime.Object) (runtime.Object, error) {
		obj, err := change(old)
		if err != nil {
			return nil, err
		}
		if scale.ResourceVersion != "" {
			accessor(obj).SetResourceVersion(scale.ResourceVersion)
		}
		accessor(obj).SetUID(scale.UID)
		return obj, nil
	}
	r, _, err := s.write(w)
	if err != nil {
		return nil, err
	}
	return w.okScale(r)
}

// patchScale returns the Scale as a JSON, merge or strategic merge patch makes it.
func (rq *request) patchScale(scale *autoscalingv1.Scale, patchType types.PatchType, body []byte) (*autoscalingv1.Scale, error) {
	change := func(old []byte) ([]byte, error) {
		after, err := strategicpatch.StrategicMergePatch(old, body, scale)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		return after, nil
	}
	if patchType != types.StrategicMergePatchType {
		var err error
		if change, err = textual(patchType, body); err != nil {
			return nil, err
		}
	}
	before, err := json.Marshal(withKind(scale))
	if err != nil {
		return nil, err
	}
	after, err := change(before)
	if err != nil {
		return nil, err
	}
	obj, err := rq.decodePatched(after, scaleKind)
	if err != nil {
		return nil, err
	}
	patched := obj.(*autoscalingv1.Scale)
	return patched, rq.checkPatched(patched)
}
