package apiserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

// patchLimit is the most operations a JSON patch may have (API-UPDATE-05).
const patchLimit = 10000

// patch changes an object by a patch of any of the media types
// (API-UPDATE-05..08).
func (s *Server) patch(rq *request) (*answer, error) {
	patchType, body, options, err := rq.readPatch()
	if err != nil {
		return nil, err
	}
	w := &write{request: rq, dryRun: len(options.DryRun) > 0, operation: metav1.ManagedFieldsOperationUpdate}
	if patchType == types.ApplyPatchType {
		w.operation = metav1.ManagedFieldsOperationApply
		w.create = rq.subresource == ""
		w.change, err = rq.applied(body, options.Force != nil && *options.Force)
	} else {
		if w.change, err = rq.patched(patchType, body); err == nil {
			w.change = rq.identified(w.change)
		}
	}
	if err != nil {
		return nil, err
	}
	return s.answer(w)
}

// identified returns a change that is refused if it gives the object another name or
// namespace than the URL's.
func (rq *request) identified(change func(runtime.Object) (runtime.Object, error)) func(runtime.Object) (runtime.Object, error) {
	return func(old runtime.Object) (runtime.Object, error) {
		obj, err := change(old)
		if err != nil {
			return nil, err
		}
		return obj, rq.checkPatched(accessor(obj))
	}
}

// checkPatched is checkIdentity for the result of a patch, which may leave out the
// namespace, but not the name.
func (rq *request) checkPatched(m metav1.Object) error {
	if m.GetName() == "" {
		return apierrors.NewBadRequest(fmt.Sprintf("the name of the object (%s based on URL) was undeterminable: name must be provided", rq.name))
	}
	return rq.checkIdentity(m)
}

var patchTypes = []types.PatchType{
	types.JSONPatchType, types.MergePatchType, types.StrategicMergePatchType, types.ApplyPatchType,
}

func (rq *request) readPatch() (types.PatchType, []byte, *metav1.PatchOptions, error) {
	mediaType, _, err := mime.ParseMediaType(rq.http.Header.Get("Content-Type"))
	patchType, known := types.PatchType(mediaType), false
	names := make([]string, 0, len(patchTypes))
	for _, t := range patchTypes {
		known = known || t == patchType
		names = append(names, string(t))
	}
	if err != nil || !known {
		return "", nil, nil, unsupportedMediaType(mediaType, names...)
	}
	options, err := decodeQuery(rq, func(o *metav1.PatchOptions) field.ErrorList {
		return metavalidation.ValidatePatchOptions(o, patchType)
	})
	if err != nil {
		return "", nil, nil, err
	}
	body, err := readBody(rq.http)
	return patchType, body, options, err
}

// patched returns the change that a JSON, merge or strategic merge patch makes.
func (rq *request) patched(patchType types.PatchType, body []byte) (func(runtime.Object) (runtime.Object, error), error) {
	if patchType == types.StrategicMergePatchType {
		patch := map[string]any{}
		if err := utiljson.Unmarshal(body, &patch); err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		return func(old runtime.Object) (runtime.Object, error) { return rq.mergeStrategic(old, patch) }, nil
	}
	change, err := textual(patchType, body)
	if err != nil {
		return nil, err
	}
	return func(old runtime.Object) (runtime.Object, error) {
		before, err := json.Marshal(shallowCopy(old, rq.gvk()))
		if err != nil {
			return nil, err
		}
		after, err := change(before)
		if err != nil {
			return nil, err
		}
		return rq.decodePatched(after, rq.gvk())
	}, nil
}

// textual returns the change that a JSON or merge patch makes to the JSON of an object.
func textual(patchType types.PatchType, body []byte) (func(old []byte) ([]byte, error), error) {
	if patchType == types.JSONPatchType {
		operations, err := jsonpatch.DecodePatch(body)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		if len(operations) > patchLimit {
			return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf(
				"The allowed maximum operations in a JSON patch is %d, got %d", patchLimit, len(operations)))
		}
		return func(old []byte) ([]byte, error) {
			patched, err := operations.Apply(old)
			if err != nil {
				return nil, apierrors.NewGenericServerResponse(http.StatusUnprocessableEntity, "", schema.GroupResource{}, "", err.Error(), 0, false)
			}
			return patched, nil
		}, nil
	}
	if trimmed := bytes.TrimSpace(body); !json.Valid(body) || len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, apierrors.NewBadRequest("error decoding patch: a JSON object is expected")
	}
	return func(old []byte) ([]byte, error) {
		patched, err := jsonpatch.MergePatch(old, body)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		return patched, nil
	}, nil
}

func (rq *request) decodePatched(body []byte, kind schema.GroupVersionKind) (runtime.Object, error) {
	s := serializers.json
	if rq.validationOf() != metav1.FieldValidationIgnore {
		s = serializers.jsonStrict
	}
	obj, err := decode(s, body, kind)
	if obj != nil && runtime.IsStrictDecodingError(err) {
		err = rq.strict(err, rq.unknownFields)
	}
	if err != nil && !apierrors.IsInvalid(err) {
		return nil, rq.unknownFields(err)
	}
	return obj, err
}

// unknownFields is how a patch is refused whose result does not decode.
func (rq *request) unknownFields(err error) error {
	return apierrors.NewInvalid(rq.groupKind(), rq.name, field.ErrorList{
		field.Invalid(field.NewPath("patch"), "", err.Error())})
}

// mergeStrategic merges a patch by the merge keys of the Go types.
func (rq *request) mergeStrategic(old runtime.Object, patch map[string]any) (runtime.Object, error) {
	before, err := runtime.DefaultUnstructuredConverter.ToUnstructured(old)
	if err != nil {
		return nil, err
	}
	// The merge moves parts of the patch into the result.
	after, err := strategicpatch.StrategicMergeMapPatch(before, runtime.DeepCopyJSON(patch), old)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	obj := rq.empty()
	strict := rq.validationOf() != metav1.FieldValidationIgnore
	err = runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(after, obj, strict)
	if err != nil && runtime.IsStrictDecodingError(err) {
		err = rq.strict(err, rq.unknownFields)
	}
	if err != nil {
		if apierrors.IsInvalid(err) {
			return nil, err
		}
		return nil, rq.unknownFields(err)
	}
	obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	return obj, nil
}

// applied returns the change that a server-side apply makes (API-UPDATE-08).
func (rq *request) applied(body []byte, force bool) (func(runtime.Object) (runtime.Object, error), error) {
	wanted := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(body, &wanted.Object); err != nil {
		return nil, apierrors.NewBadRequest("error decoding YAML: " + err.Error())
	}
	switch strict := rq.validationOf(); strict {
	case metav1.FieldValidationIgnore:
	default:
		_, err := decode(serializers.yamlStrict, body, rq.gvk())
		if runtime.IsStrictDecodingError(err) {
			err = rq.strict(err, func(err error) error { return apierrors.NewBadRequest(err.Error()) })
		}
		if err != nil {
			return nil, err
		}
	}
	if wanted.Object == nil {
		return nil, apierrors.NewBadRequest("the body of an apply has to be an object")
	}
	if err := rq.checkIdentity(wanted); err != nil {
		return nil, err
	}
	if wanted.GetName() == "" {
		return nil, apierrors.NewBadRequest("metadata.name is required")
	}
	return func(old runtime.Object) (runtime.Object, error) {
		if old == nil {
			if uid := wanted.GetUID(); uid != "" {
				return nil, apierrors.NewConflict(rq.groupResource(), rq.name, fmt.Errorf(
					"uid mismatch: the provided object specified uid %s, and no existing object was found", uid))
			}
			old = rq.empty()
		}
		// The version and identity are guarded by the caller, not applied.
		patch := wanted.DeepCopy()
		obj, err := rq.apply(old, patch, rq.subresource, rq.query.Get("fieldManager"), force)
		if err != nil {
			return nil, err
		}
		m := accessor(obj)
		m.SetNamespace(rq.namespace)
		if rv := wanted.GetResourceVersion(); rv != "" {
			m.SetResourceVersion(rv)
		}
		if uid := wanted.GetUID(); uid != "" {
			m.SetUID(uid)
		}
		return obj, nil
	}, nil
}
