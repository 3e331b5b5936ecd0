package scheduler

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	eventsclient "k8s.io/client-go/kubernetes/typed/events/v1"

	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference/controller"
	"github.com/podchain/podchain/reference/eventname"
)

const (
	// pendingEvents is how many events may wait to be written. They are
	// advisory (EVENT-04): more than that are dropped rather than waited for.
	pendingEvents = 10000
	eventWriters  = 4
)

// event is something to tell about a Pod.
type event struct {
	regarding, related         *v1.Pod
	kind, reason, action, note string
}

// recorder writes Events of events.k8s.io (SCHED-06) in the background. It is
// client-go's broadcaster without what this scheduler does not need: no Event is
// repeated here, so there are no series to keep; and it can be waited for.
type recorder struct {
	client  eventsclient.EventsV1Interface
	pending chan *eventsv1.Event
}

func newRecorder(client eventsclient.EventsV1Interface) *recorder {
	return &recorder{client: client, pending: make(chan *eventsv1.Event, pendingEvents)}
}

// record never waits and never fails.
func (r *recorder) record(e event) {
	now := time.Now()
	out := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Name:      eventname.New(e.regarding.Name),
			Namespace: e.regarding.Namespace,
		},
		EventTime:           metav1.NewMicroTime(now),
		ReportingController: Name,
		ReportingInstance:   Name,
		Type:                e.kind, Reason: e.reason, Action: e.action, Note: truncate(e.note),
		Regarding: referenceTo(e.regarding),
	}
	if e.related != nil {
		related := referenceTo(e.related)
		out.Related = &related
	}
	select {
	case r.pending <- out:
	default:
	}
}

// run writes events until ctx ends.
func (r *recorder) run(ctx context.Context) {
	var writers crash.Group
	for range eventWriters {
		writers.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case e := <-r.pending:
					err := controller.TryEvent(ctx, func() error {
						_, err := r.client.Events(e.Namespace).Create(ctx, e, metav1.CreateOptions{})
						return err
					})
					if err != nil && ctx.Err() == nil {
						utilruntime.HandleErrorWithContext(ctx, err, "Event not written", "reason", e.Reason)
					}
				}
			}
		})
	}
	writers.Wait()
}

func referenceTo(pod *v1.Pod) v1.ObjectReference {
	return v1.ObjectReference{
		APIVersion: "v1", Kind: "Pod",
		Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
	}
}

// truncate keeps a note within what the API takes.
func truncate(note string) string {
	const most = 1024
	if len(note) <= most {
		return note
	}
	const ellipsis = " ..."
	return note[:most-len(ellipsis)] + ellipsis
}
