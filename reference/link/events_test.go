package link_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/reference/controller/controllertest"
	"github.com/podchain/podchain/reference/link"
)

var errBroken = errors.New("broken pipe")

// An Event is written once, however many attempts that takes and whatever became of
// them; what is said again is counted in it.
func TestEventIsWrittenOnce(t *testing.T) {
	for name, server := range map[string]struct{ lostRequests, lostAnswers int32 }{
		"at once":        {},
		"a lost request": {lostRequests: 1},
		"a lost answer":  {lostAnswers: 1},
		"both":           {lostRequests: 2, lostAnswers: 1},
	} {
		t.Run(name, func(t *testing.T) {
			controllertest.InBubble(t, func(w *controllertest.World) {
				pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "1"}}
				node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1", UID: "2"}}
				record(w, server.lostRequests, server.lostAnswers, func(l *link.Link) {
					for range 2 {
						l.Events.Event(pod, corev1.EventTypeNormal, "Started", "it has started")
						time.Sleep(time.Minute)
					}
					l.Events.Event(pod, corev1.EventTypeNormal, "Killing", "it ends")
					l.Events.EventV1(pod, node, corev1.EventTypeNormal, "Scheduled", "Binding", strings.Repeat("é", 1000))
					time.Sleep(time.Minute)
				})
				stored, err := w.Events("default").List(w.Context(), metav1.ListOptions{})
				require.NoError(t, err)
				require.Len(t, stored.Items, 3)
				assert.EqualValues(t, 2, stored.Items[0].Count)
				assert.Equal(t, "tester", stored.Items[0].Source.Component)
				assert.EqualValues(t, 1, stored.Items[1].Count)
				assert.Equal(t, "node-1", stored.Items[2].Related.Name)
				assert.Equal(t, strings.Repeat("é", 510)+" ...", stored.Items[2].Message)
				assert.Less(t, stored.Items[0].Name, stored.Items[1].Name)
			})
		})
	}
}

// record runs a link with a connection that loses the next requests and answers that are
// about an Event that is created.
func record(w *controllertest.World, requests, answers int32, events func(*link.Link)) {
	var lostRequests, lostAnswers atomic.Int32
	lostRequests.Store(requests)
	lostAnswers.Store(answers)
	stop := w.Start(func(ctx context.Context, config *rest.Config) error {
		l, err := link.New("tester", config)
		if err != nil {
			return err
		}
		return l.Run(ctx, func(context.Context) { events(l) })
	}, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if r.Method == http.MethodPost && lostRequests.Add(-1) >= 0 {
			return nil, errBroken
		}
		response, err := next.RoundTrip(r)
		if r.Method == http.MethodPost && lostAnswers.Add(-1) >= 0 {
			response.Body.Close()
			return nil, errBroken
		}
		return response, err
	})
	time.Sleep(5 * time.Minute)
	stop()
}
