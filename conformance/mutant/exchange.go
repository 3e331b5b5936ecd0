package mutant

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// exchange handles a request on its way to next.
type exchange func(r *http.Request, next http.RoundTripper) (*http.Response, error)

// change changes an object, or a patch, in the form of its JSON.
type change func(object map[string]any) error

// sent changes the body of the request.
func sent(change change) exchange {
	return func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		content, err := changed(r.Body, r.Header, change)
		if err != nil {
			return nil, err
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
		return next.RoundTrip(r)
	}
}

// answered changes the body of the answer, unless it is a failure.
func answered(change change) exchange {
	return func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err != nil || response.StatusCode >= http.StatusBadRequest {
			return response, err
		}
		content, err := changed(response.Body, response.Header, change)
		if err != nil {
			return nil, err
		}
		response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
		return response, nil
	}
}

// unsent answers 200 OK with the body of the request, and does not pass it on.
func unsent(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
	header := http.Header{"Content-Type": {r.Header.Get("Content-Type")}}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: r.Body, ContentLength: r.ContentLength, Request: r,
	}, nil
}

// givesUpAfter passes requests on until that number of them to one path, in a row,
// have been answered with a conflict. Later ones get the same answer and are not
// passed on.
func givesUpAfter(conflicts int) exchange {
	var mu sync.Mutex
	met := map[string]int{} // by path
	return func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		mu.Lock()
		done := met[r.URL.Path] >= conflicts
		mu.Unlock()
		if done {
			return conflict(r)
		}
		response, err := next.RoundTrip(r)
		mu.Lock()
		defer mu.Unlock()
		if err == nil && response.StatusCode == http.StatusConflict {
			met[r.URL.Path]++
		} else {
			delete(met, r.URL.Path)
		}
		return response, err
	}
}

// conflict answers 409 Conflict.
func conflict(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
	}
	body, err := json.Marshal(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Code: http.StatusConflict, Reason: metav1.StatusReasonConflict, Message: "as before",
	})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: "409 Conflict", StatusCode: http.StatusConflict, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {runtime.ContentTypeJSON}}, Body: io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)), Request: r,
	}, nil
}

// changed reads a body to its end and returns it changed, as JSON.
func changed(body io.ReadCloser, header http.Header, change change) ([]byte, error) {
	content, err := io.ReadAll(body)
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	object := map[string]any{}
	if json.Unmarshal(content, &object) != nil { // it is protobuf
		decoded, _, err := scheme.Codecs.UniversalDeserializer().Decode(content, nil, nil)
		if err != nil {
			return nil, err
		}
		if object, err = runtime.DefaultUnstructuredConverter.ToUnstructured(decoded); err != nil {
			return nil, err
		}
		header.Set("Content-Type", runtime.ContentTypeJSON)
	}
	if err := change(object); err != nil {
		return nil, err
	}
	if content, err = json.Marshal(object); err != nil {
		return nil, err
	}
	header.Set("Content-Length", strconv.Itoa(len(content)))
	return content, nil
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
