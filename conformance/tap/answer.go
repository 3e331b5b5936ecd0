package tap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// metadata is what every object has, in JSON and in protobuf alike.
type metadata = metav1.PartialObjectMetadata

// protobufMagic stands before every object that is sent as protobuf.
var protobufMagic = []byte("k8s\x00")

// written returns the metadata of the object in the body of an answer. ok is
// false where the answer holds none, such as a Status.
func written(body []byte) (object metadata, ok bool) {
	if encoded, isProtobuf := bytes.CutPrefix(body, protobufMagic); isProtobuf {
		var unknown runtime.Unknown
		if unknown.Unmarshal(encoded) != nil || unknown.Kind == "Status" || object.Unmarshal(unknown.Raw) != nil {
			return metadata{}, false
		}
		return object, true
	}
	if json.Unmarshal(body, &object) != nil || object.Kind == "Status" {
		return metadata{}, false
	}
	return object, true
}

// reread reads the body of an answer to its end, and puts it back.
func reread(response *http.Response) ([]byte, error) {
	body, err := io.ReadAll(response.Body)
	if closeErr := response.Body.Close(); err == nil {
		err = closeErr
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}

// reasons are those that an API server gives with a code.
var reasons = map[int]metav1.StatusReason{
	http.StatusConflict: metav1.StatusReasonConflict, http.StatusGone: metav1.StatusReasonExpired,
	http.StatusTooManyRequests: metav1.StatusReasonTooManyRequests, http.StatusInternalServerError: metav1.StatusReasonInternalError,
}

// refusal is the answer of an API server that does not do what it is asked to.
func refusal(r *http.Request, code int) (*http.Response, error) {
	status := metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Code: int32(code), Reason: reasons[code],
		Message: fmt.Sprintf("%s %s: %d on purpose", r.Method, r.URL.Path, code),
	}
	body, err := json.Marshal(status)
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(body))}}
	if code == http.StatusTooManyRequests {
		header.Set("Retry-After", "1")
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", code, http.StatusText(code)), StatusCode: code,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}
