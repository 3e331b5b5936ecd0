package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// stream reads the events of a watch, and when each arrived. client-go's own
// reader tells the events only.
type stream struct {
	body    *clocked
	decoder *json.Decoder
}

// clocked knows when it was last read from with success.
type clocked struct {
	io.ReadCloser
	last time.Time
}

// Read implements io.Reader.
func (c *clocked) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if n > 0 {
		c.last = time.Now()
	}
	return n, err
}

func newStream(body io.ReadCloser) *stream {
	clock := &clocked{ReadCloser: body}
	return &stream{body: clock, decoder: json.NewDecoder(clock)}
}

func (s *stream) close() { _ = s.body.Close() } // nothing is lost by it

// event is what a watch delivers.
type event struct {
	Type   watch.EventType
	Object *unstructured.Unstructured
}

// next waits for an event and returns when it had been read. It returns nil where
// the stream ends, as it may at any time, and an error for what the server ends
// it with.
func (s *stream) next() (*event, time.Time, error) {
	var frame struct {
		Type   watch.EventType `json:"type"`
		Object json.RawMessage `json:"object"`
	}
	if err := s.decoder.Decode(&frame); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, time.Time{}, fmt.Errorf("what the watch delivers cannot be read: %w", err)
		}
		return nil, time.Time{}, nil // it ended, or broke off
	}
	received := s.body.last
	if frame.Type == watch.Error {
		status := metav1.Status{}
		if err := json.Unmarshal(frame.Object, &status); err != nil {
			return nil, received, fmt.Errorf("the watch delivers an ERROR that is no Status: %s", frame.Object)
		}
		return nil, received, apierrors.FromObject(&status)
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(frame.Object); err != nil {
		return nil, received, fmt.Errorf("what the watch delivers is no object: %w", err)
	}
	return &event{frame.Type, object}, received, nil
}

// unversioned makes a configuration for requests to any path.
func unversioned(config *rest.Config) *rest.Config {
	config.GroupVersion = &schema.GroupVersion{}
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	return config
}
