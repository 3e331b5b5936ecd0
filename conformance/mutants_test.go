package conformance_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/conformance/story"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/reference"
)

// A mutant is one wrong behaviour of one link, put in its way to the API server.
type mutant struct {
	link implementation.Link
	// method and the end of the path of the requests that it changes.
	method, path string
	change       func(body map[string]any)
	// selected is a requirement that notices it.
	selected string
	says     string
}

// TestMutantsAreBlamed: what a link has written wrongly is noticed, and the link
// is named, also where the requirement is about the whole chain.
func TestMutantsAreBlamed(t *testing.T) {
	set := func(value any, fields ...string) func(map[string]any) {
		return func(body map[string]any) { _ = unstructured.SetNestedField(body, value, fields...) }
	}
	for name, m := range map[string]mutant{
		"the ReplicaSet controller places its Pods itself": {
			implementation.ReplicaSetController, http.MethodPost, "/pods", set("node-1", "spec", "nodeName"), "CHAIN-03", "spec.nodeName"},
		"the ReplicaSet controller forgets the owner": {
			implementation.ReplicaSetController, http.MethodPost, "/pods", func(body map[string]any) {
				unstructured.RemoveNestedField(body, "metadata", "ownerReferences")
			}, "CHAIN-02", "without saying whose it is"},
		"the Deployment controller does not own its ReplicaSet": {
			implementation.DeploymentController, http.MethodPost, "/replicasets", func(body map[string]any) {
				unstructured.RemoveNestedField(body, "metadata", "ownerReferences")
			}, "CHAIN-02", "without saying whose it is"},
		"the scheduler binds to a node of its own choice": {
			implementation.Scheduler, http.MethodPost, "/binding", set("node-1", "target", "name"), "SCHED-08", ""},
		"the kubelet reports ready before anything runs": {
			implementation.Kubelet, http.MethodPatch, "/status", func(body map[string]any) {
				if _, first, _ := unstructured.NestedString(body, "status", "startTime"); first {
					_ = unstructured.SetNestedSlice(body, []any{map[string]any{"type": "Ready", "status": "True"}}, "status", "conditions")
				}
			}, "CHAIN-03", "it has written MODIFIED Pod"},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := conformance.Run(t.Context(), conformance.Options{
				Specification: only(t, m.selected), Testing: t,
				Implementation: reference.New(reference.Options{Tap: m.install}),
			})
			require.NoError(t, err)
			failures := 0
			for _, example := range result.Requirements[0].Scenarios {
				if example.Outcome.Outcome == events.Passed {
					continue
				}
				failures++
				assert.Equal(t, events.Failed, example.Outcome.Outcome, example.Location)
				assert.Equal(t, m.link, example.Outcome.Evidence.Blamed, story.Tell(example))
				assert.Contains(t, example.Outcome.Reason, m.says)
			}
			assert.Positive(t, failures, "nobody has noticed")
		})
	}
}

func only(t *testing.T, id string) *specification.Specification {
	t.Helper()
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	one, err := whole.Select([]string{id})
	require.NoError(t, err)
	return one
}

// install puts the mutant before what next stands for.
func (m mutant) install(link implementation.Link, next http.RoundTripper) http.RoundTripper {
	if link != m.link {
		return next
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method != m.method || !strings.HasSuffix(r.URL.Path, m.path) || strings.Contains(r.URL.Path, "/nodes/") {
			return next.RoundTrip(r)
		}
		content, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body := map[string]any{}
		if json.Unmarshal(content, &body) != nil { // it is protobuf
			object, _, err := scheme.Codecs.UniversalDeserializer().Decode(content, nil, nil)
			if err != nil {
				return nil, err
			}
			if body, err = runtime.DefaultUnstructuredConverter.ToUnstructured(object); err != nil {
				return nil, err
			}
			r.Header.Set("Content-Type", runtime.ContentTypeJSON)
		}
		m.change(body)
		if content, err = json.Marshal(body); err != nil {
			return nil, err
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
		r.Header.Set("Content-Length", strconv.Itoa(len(content)))
		return next.RoundTrip(r)
	})
}
