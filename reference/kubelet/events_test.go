package kubelet

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
)

var errBroken = errors.New("broken pipe")

// forgetful stores Events, and loses its next answers.
type forgetful struct {
	coreclient.CoreV1Interface
	coreclient.EventInterface
	events  []*corev1.Event
	lost    int
	refused int // requests that are not carried out, either
}

func (f *forgetful) Events(string) coreclient.EventInterface { return f }

func (f *forgetful) find(name string) int {
	return slices.IndexFunc(f.events, func(e *corev1.Event) bool { return e.Name == name })
}

func (f *forgetful) CreateWithEventNamespaceWithContext(_ context.Context, event *corev1.Event) (*corev1.Event, error) {
	events := corev1.Resource("events")
	switch {
	case f.refused > 0:
		f.refused--
		return nil, errBroken
	case f.find(event.Name) >= 0:
		return nil, apierrors.NewAlreadyExists(events, event.Name)
	}
	f.events = append(f.events, event)
	if f.lost > 0 {
		f.lost--
		return nil, errBroken
	}
	return event, nil
}

func (f *forgetful) PatchWithEventNamespaceWithContext(_ context.Context, event *corev1.Event, data []byte) (*corev1.Event, error) {
	at := f.find(event.Name)
	if at < 0 {
		return nil, apierrors.NewNotFound(corev1.Resource("events"), event.Name)
	}
	return f.events[at], json.Unmarshal(data, f.events[at])
}

// An Event is written once, however many attempts that takes and whatever has come of
// them; what is said again is counted in it.
func TestEventIsWrittenOnce(t *testing.T) {
	for name, server := range map[string]*forgetful{
		"at once":        {},
		"a lost request": {refused: 1},
		"a lost answer":  {lost: 1},
		"both":           {refused: 2, lost: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r := newRecorder(ctx, server, "node-1")
				pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "1"}}
				for range 2 {
					r.Event(pod, corev1.EventTypeNormal, eventStarted, "it has started")
					time.Sleep(time.Minute)
				}
				r.Event(pod, corev1.EventTypeNormal, eventKilling, "it ends")
				time.Sleep(time.Minute)
				r.close()
				require.Len(t, server.events, 2)
				assert.EqualValues(t, 2, server.events[0].Count)
				assert.EqualValues(t, 1, server.events[1].Count)
				assert.Less(t, server.events[0].Name, server.events[1].Name)
			})
		})
	}
}
