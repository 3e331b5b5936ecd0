package apiserver

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternal "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metainternalscheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/kubernetes/scheme"
)

// bodyLimit is the largest body that is read (API-CREATE-08).
const bodyLimit = 3 << 20

// serializers reads and writes the media types. The strict ones report unknown
// and duplicate fields, the others drop them.
var serializers = struct{ json, jsonStrict, yaml, yamlStrict, protobuf runtime.Serializer }{
	json:       newJSON(json.SerializerOptions{}),
	jsonStrict: newJSON(json.SerializerOptions{Strict: true}),
	yaml:       newJSON(json.SerializerOptions{Yaml: true}),
	yamlStrict: newJSON(json.SerializerOptions{Yaml: true, Strict: true}),
	protobuf:   protobuf.NewSerializer(scheme.Scheme, scheme.Scheme),
}

func newJSON(options json.SerializerOptions) runtime.Serializer {
	return json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, options)
}

func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > bodyLimit {
		return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("limit is %d", bodyLimit))
	}
	if n := r.ContentLength; n >= 0 {
		body := make([]byte, n)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyLimit+1))
	if len(body) > bodyLimit {
		return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("limit is %d", bodyLimit))
	}
	return body, err
}

// validationOf returns what to do about unknown and duplicate fields
// (API-CREATE-09).
func (rq *request) validationOf() string {
	if v := rq.query.Get("fieldValidation"); v != "" {
		return v
	}
	return metav1.FieldValidationWarn
}

// decodeBody reads the request's body as the given kind. The result has no
// kind set, as all objects inside the server.
func (rq *request) decodeBody(kind schema.GroupVersionKind) (runtime.Object, error) {
	return rq.decodeAny(kind)
}

// decodeAny reads the body as an object of one of the kinds: the one that it claims
// to be, and else the first.
func (rq *request) decodeAny(kinds ...schema.GroupVersionKind) (runtime.Object, error) {
	body, err := readBody(rq.http)
	if err != nil {
		return nil, err
	}
	mediaType := mediaJSON
	if header := rq.http.Header.Get("Content-Type"); header != "" {
		if mediaType, _, err = mime.ParseMediaType(header); err != nil {
			return nil, unsupportedMediaType(header, mediaJSON, mediaYAML, mediaProtobuf)
		}
	}
	strict := rq.validationOf() != metav1.FieldValidationIgnore
	var s runtime.Serializer
	switch {
	case mediaType == mediaJSON && strict:
		s = serializers.jsonStrict
	case mediaType == mediaJSON:
		s = serializers.json
	case mediaType == mediaYAML && strict:
		s = serializers.yamlStrict
	case mediaType == mediaYAML:
		s = serializers.yaml
	case mediaType == mediaProtobuf:
		s = serializers.protobuf
	default:
		return nil, unsupportedMediaType(mediaType, mediaJSON, mediaYAML, mediaProtobuf)
	}
	obj, err := decode(s, body, kinds...)
	if obj != nil && runtime.IsStrictDecodingError(err) {
		err = rq.strict(err, func(err error) error { return apierrors.NewBadRequest(err.Error()) })
	}
	if err != nil {
		return nil, err
	}
	return obj, nil
}

// strict turns a report of unknown and duplicate fields into warnings, or into
// an error where the client wants one.
func (rq *request) strict(err error, refuse func(error) error) error {
	if rq.validationOf() == metav1.FieldValidationStrict {
		return refuse(err)
	}
	var each interface{ Errors() []error }
	if errors.As(err, &each) {
		for _, e := range each.Errors() {
			rq.warn(e.Error())
		}
		return nil
	}
	rq.warn(err.Error())
	return nil
}

// decode returns the object, in the strict case together with an error. Its
// kind has to be one that the URL is about; the first is assumed.
func decode(s runtime.Serializer, body []byte, kinds ...schema.GroupVersionKind) (runtime.Object, error) {
	kind := kinds[0]
	into, err := scheme.Scheme.New(kind)
	if err != nil {
		return nil, err
	}
	obj, actual, err := s.Decode(body, &kind, into)
	if err != nil && (obj == nil || !runtime.IsStrictDecodingError(err)) {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the object provided is unrecognized or cannot be decoded as %s: %v", kind.Kind, err))
	}
	if actual != nil && !slices.Contains(kinds, *actual) {
		return nil, apierrors.NewBadRequest(fmt.Sprintf(
			"the kind in the data (%s) does not match the expected kind (%s)", actual, kind))
	}
	obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	return obj, err
}

// decodeQuery reads the query into an options object and validates it.
func decodeQuery[T any, P interface {
	*T
	runtime.Object
}](rq *request, validate func(*T) field.ErrorList) (*T, error) {
	options := new(T)
	if err := metainternalscheme.ParameterCodec.DecodeParameters(rq.query, metav1.SchemeGroupVersion, P(options)); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if faults := validate(options); len(faults) > 0 {
		kinds, _, err := metainternalscheme.Scheme.ObjectKinds(P(options))
		if err != nil {
			return nil, err
		}
		return nil, apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: kinds[0].Kind}, "", faults)
	}
	return options, nil
}

type listOptions = metainternal.ListOptions
