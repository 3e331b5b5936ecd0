package apiserver

import (
	"mime"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	mediaJSON     = runtime.ContentTypeJSON
	mediaYAML     = runtime.ContentTypeYAML
	mediaProtobuf = runtime.ContentTypeProtobuf
)

// Forms in which objects can be asked for besides their own.
const (
	asTable   = "Table"
	asPartial = "PartialObjectMetadata"
)

// accepted is what a client takes: a media type (empty: none that is served)
// and a form (empty: the object itself).
type accepted struct{ mediaType, form string }

// accept reads the Accept header; the first acceptable clause wins. Without a
// resource only the media type counts, and JSON is the last resort: an error
// is answered whatever the client accepts.
func accept(r *http.Request, of *resource) accepted {
	header := r.Header.Get("Accept")
	if header == "" {
		return accepted{mediaType: mediaJSON}
	}
	for clause := range strings.SplitSeq(header, ",") {
		mediaType, parameters, err := mime.ParseMediaType(clause)
		if err != nil {
			continue
		}
		switch mediaType {
		case mediaJSON, mediaYAML, mediaProtobuf:
		case "*/*", "application/*":
			mediaType = mediaJSON
		default:
			continue
		}
		form, ok := formOf(parameters, mediaType)
		if of == nil || ok {
			return accepted{mediaType: mediaType, form: form}
		}
	}
	if of == nil {
		return accepted{mediaType: mediaJSON}
	}
	return accepted{}
}

func formOf(parameters map[string]string, mediaType string) (form string, ok bool) {
	as := parameters["as"]
	if as == "" {
		return "", true
	}
	if parameters["g"] != metav1.GroupName || parameters["v"] != "v1" {
		return "", false
	}
	switch as {
	case "Table": // has no protobuf form
		return asTable, mediaType != mediaProtobuf
	case "PartialObjectMetadata", "PartialObjectMetadataList":
		return asPartial, true
	}
	return "", false
}

func notAcceptable() error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusNotAcceptable, Reason: metav1.StatusReasonNotAcceptable,
		Message: "only the following media types are accepted: " + strings.Join([]string{mediaJSON, mediaYAML, mediaProtobuf}, ", "),
	}}
}

func unsupportedMediaType(mediaType string, supported ...string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusUnsupportedMediaType, Reason: metav1.StatusReasonUnsupportedMediaType,
		Message: "the body of the request was in an unknown format (" + mediaType + ") - accepted media types include: " + strings.Join(supported, ", "),
	}}
}

// metaKind returns the kind of a form.
func metaKind(kind string) schema.GroupVersionKind { return metav1.SchemeGroupVersion.WithKind(kind) }
