package steps

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/permission"
)

// answer is what the API server said to one request.
type answer struct {
	request  string // "POST /apis/…", for messages
	code     int
	reason   string // of the Status of a failure; the code's text otherwise
	warnings []string
	header   http.Header
	body     map[string]any
	raw      string // what could not be read as an object
}

func (a answer) String() string {
	text := fmt.Sprintf("%s: %d %s", a.request, a.code, a.reason)
	if message, _ := a.body["message"].(string); message != "" && a.code >= 400 {
		text += " (" + message + ")"
	}
	return text
}

// identity returns resourceVersion and uid of an object.
func identity(object map[string]any) (version, uid string) {
	whole := unstructured.Unstructured{Object: object}
	return whole.GetResourceVersion(), string(whole.GetUID())
}

// request is what a sentence sends.
type request struct {
	method, path string
	query        url.Values
	contentType  string
	accept       string
	body         any // encoded as JSON; []byte goes as it is
	header       http.Header
}

// The media types of patches, by the names that features use (API-UPDATE-05).
var patchTypes = map[string]string{
	"unknown patch":         "application/unknown-patch+json",
	"JSON patch":            "application/json-patch+json",
	"merge patch":           "application/merge-patch+json",
	"strategic merge patch": "application/strategic-merge-patch+json",
	"apply":                 "application/apply-patch+yaml",
}

// path returns the URL path of a kind's collection or, with a name, an object
// or one of its subresources.
func (w *World) path(kindName, name, subresource string) (string, error) {
	kind, err := kindOf(kindName)
	if err != nil {
		return "", CouldNotRun{err}
	}
	parts := []string{"/apis", kind.Group, kind.Version}
	if kind.Group == "" {
		parts = []string{"/api", kind.Version}
	}
	switch {
	case kind.ClusterScoped:
	case kindName == "Lease":
		parts = append(parts, "namespaces", nodeLeases)
	default:
		parts = append(parts, "namespaces", w.Namespace)
	}
	parts = append(parts, kind.Resource)
	for _, part := range []string{name, subresource} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/"), nil
}

// ErrNoAnswer is in the chain of an error about a request that got no answer.
var ErrNoAnswer = errors.New("the api-server did not answer")

// send sends a request and reads the answer, whatever it is, and returns when the
// record holds what it has written. The error is for an API server that did not
// answer.
func (w *World) send(ctx context.Context, request request) (answer, error) {
	got, err := w.exchange(ctx, request)
	if err != nil {
		return got, err
	}
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	return got, w.awaitWrite(ctx, request, got)
}

// exchange sends a request and reads the answer, whatever it is.
func (w *World) exchange(ctx context.Context, request request) (answer, error) {
	var body io.Reader
	switch content := request.body.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(content)
	default:
		encoded, err := json.Marshal(content)
		if err != nil {
			return answer{}, CouldNotRun{err}
		}
		body = bytes.NewReader(encoded)
	}
	target, err := w.target(request)
	if err == nil {
		err = w.isolated(request)
	}
	if err != nil {
		return answer{}, CouldNotRun{err}
	}
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	sent, err := http.NewRequestWithContext(ctx, request.method, target, body)
	if err != nil {
		return answer{}, CouldNotRun{err}
	}
	for name, values := range request.header {
		sent.Header[name] = values
	}
	sent.Header.Set("Accept", cmp.Or(request.accept, "application/json"))
	if body != nil {
		sent.Header.Set("Content-Type", cmp.Or(request.contentType, "application/json"))
	}
	response, err := w.http.Do(sent)
	if err != nil {
		return answer{}, fmt.Errorf("%w %s %s: %w", ErrNoAnswer, request.method, request.path, err)
	}
	defer response.Body.Close()
	got, err := read(request, response)
	if err != nil {
		return got, err
	}
	if message, _ := got.body["message"].(string); got.code == http.StatusForbidden && permission.IsRefusal(message) {
		return got, CouldNotRun{fmt.Errorf("%w: %s; %s", permission.ErrDenied, message, permission.HowToGet)}
	}
	return got, nil
}

// awaitWrite waits until the record holds what a request has written: "before"
// and "since" are then what they are for the client.
func (w *World) awaitWrite(ctx context.Context, request request, got answer) error {
	if got.code >= 300 || request.method == "GET" || request.query.Has("dryRun") {
		return nil
	}
	written := unstructured.Unstructured{Object: got.body}
	if uid, _, _ := unstructured.NestedString(got.body, "details", "uid"); request.method == "DELETE" && uid != "" {
		return w.await(ctx, "the watchers to be notified of "+got.request, func(record history.Record) error {
			return w.notDeleted(record, types.UID(uid))
		})
	}
	kind := chain.KindOf(written.GetKind())
	if !kind.Watched || written.GetResourceVersion() == "" || (written.GetNamespace() != w.Namespace && !kind.ClusterScoped) ||
		(written.GetKind() == "Namespace" && written.GetName() != w.Namespace) {
		return nil
	}
	return w.await(ctx, "the watchers to be notified of "+got.request, func(record history.Record) error {
		for _, version := range record.ByUID(written.GetUID()) {
			if version.Type == watch.Deleted || version.Object.GetResourceVersion() == written.GetResourceVersion() {
				return nil
			}
		}
		return fmt.Errorf("they were not, of resourceVersion %s", written.GetResourceVersion())
	})
}

func (w *World) target(request request) (string, error) {
	base, err := url.Parse(w.config.Host)
	if err != nil {
		return "", err
	}
	if base.Scheme == "" {
		base, err = url.Parse("https://" + w.config.Host)
	}
	if err != nil {
		return "", err
	}
	relative, err := url.Parse(request.path)
	if err != nil {
		return "", err
	}
	target := base.JoinPath(relative.Path)
	query := relative.Query()
	for name, values := range request.query {
		query[name] = values
	}
	target.RawQuery = query.Encode()
	return target.String(), nil
}

func read(request request, response *http.Response) (answer, error) {
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, fmt.Errorf("%w: it broke off its answer to %s %s: %w", ErrNoAnswer, request.method, request.path, err)
	}
	result := answer{
		request: request.method + " " + request.path,
		code:    response.StatusCode,
		reason:  strings.ReplaceAll(http.StatusText(response.StatusCode), " ", ""),
		header:  response.Header,
		raw:     string(content),
	}
	for _, warning := range response.Header.Values("Warning") {
		// 299 - "text"
		if _, text, found := strings.Cut(warning, `"`); found {
			warning = strings.TrimSuffix(text, `"`)
		}
		result.warnings = append(result.warnings, warning)
	}
	if yaml.Unmarshal(content, &result.body) != nil {
		result.body = nil
	}
	if result.body["kind"] == "Status" {
		if reason, _ := result.body["reason"].(string); reason != "" {
			result.reason = reason
		}
	}
	return result, nil
}

// notDeleted returns an error until the record has the end of an object. One
// that was never seen is not recorded at all.
func (w *World) notDeleted(record history.Record, uid types.UID) error {
	versions := record.ByUID(uid)
	if len(versions) == 0 || versions[len(versions)-1].Type == watch.Deleted {
		return nil
	}
	return errors.New("they were not")
}

// demand sends a request that has to succeed for the scenario to continue.
func (w *World) demand(ctx context.Context, request request) (answer, error) {
	got, err := w.send(ctx, request)
	if err == nil && got.code >= 300 {
		err = fmt.Errorf("the api-server refused it: %s", got)
	}
	return got, err
}

// fill replaces what a feature cannot know.
func (w *World) fill(text string) string { return strings.ReplaceAll(text, "{namespace}", w.Namespace) }
