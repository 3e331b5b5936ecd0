package link

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/tools/reference"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/reference/eventname"
)

const (
	eventBacklog      = 1000
	eventAttempts     = 12
	eventRetryAfter   = 10 * time.Second
	eventRetryJitters = 5 * time.Second
	// mostNote is how long the API lets a message in events.k8s.io be.
	mostNote = 1024
)

// Recorder writes Events (EVENT-01..03) in the background. They are advisory
// (EVENT-04): a full backlog or a refusal loses one, and nothing waits for it.
//
// It differs from client-go's broadcaster in two points that matter here: Run
// returns when its work has ended, and names differ even at one instant of a
// virtual clock (eventname).
type Recorder struct {
	source     corev1.EventSource
	clients    *clients.Clients
	correlator *record.EventCorrelator
	// backlog are Events that are to be written. Each is written by its own attempts:
	// again says that one before may have succeeded, and only its answer was lost.
	backlog chan func(ctx context.Context, again bool) error
}

var _ record.EventRecorder = (*Recorder)(nil)

// RecorderOptions are the limits of a recorder.
type RecorderOptions struct {
	// Backlog is how many Events may wait to be written. Default: 1000.
	Backlog int
	// Remembered is for how many objects repetitions are counted. Default: client-go's.
	Remembered int
}

// NewRecorder makes a recorder for a component; Run writes what it records.
func NewRecorder(clients *clients.Clients, source corev1.EventSource, options RecorderOptions) *Recorder {
	return &Recorder{
		source:  source,
		clients: clients,
		correlator: record.NewEventCorrelatorWithOptions(record.CorrelatorOptions{
			LRUCacheSize: options.Remembered, Clock: clock.RealClock{},
		}),
		backlog: make(chan func(context.Context, bool) error, cmp.Or(options.Backlog, eventBacklog)),
	}
}

// Event records an Event on the object.
func (r *Recorder) Event(object runtime.Object, eventType, reason, message string) {
	r.AnnotatedEventf(object, nil, eventType, reason, "%s", message)
}

// Eventf is Event with a format.
func (r *Recorder) Eventf(object runtime.Object, eventType, reason, format string, args ...any) {
	r.AnnotatedEventf(object, nil, eventType, reason, format, args...)
}

// AnnotatedEventf is Eventf with annotations for the Event.
func (r *Recorder) AnnotatedEventf(object runtime.Object, annotations map[string]string, eventType, reason, format string, args ...any) {
	about, err := reference.GetReference(scheme.Scheme, object)
	if err != nil {
		klog.Background().Error(err, "Event about an unknown object", "reason", reason)
		return
	}
	now := metav1.Now()
	event := &corev1.Event{
		ObjectMeta:          eventMeta(about),
		InvolvedObject:      *about,
		Type:                eventType,
		Reason:              reason,
		Message:             fmt.Sprintf(format, args...),
		Source:              r.source,
		ReportingController: r.source.Component,
		ReportingInstance:   r.source.Host,
		FirstTimestamp:      now,
		LastTimestamp:       now,
		Count:               1,
	}
	event.Annotations = maps.Clone(annotations)
	var correlated *record.EventCorrelateResult
	r.enqueue(reason, func(ctx context.Context, again bool) (err error) {
		if !again {
			if correlated, err = r.correlator.EventCorrelate(event); err != nil {
				klog.FromContext(ctx).Error(err, "Event cannot be correlated", "event", event.Name)
			}
		}
		if correlated.Skip {
			return nil
		}
		stored, err := r.store(ctx, correlated, again)
		if err == nil {
			r.correlator.UpdateState(stored)
		}
		return err
	})
}

// EventV1 records an Event in events.k8s.io/v1, which has the action and the related
// object. No such Event is repeated, so there are no series to keep.
func (r *Recorder) EventV1(regarding, related runtime.Object, eventType, reason, action, note string) {
	about, err := reference.GetReference(scheme.Scheme, regarding)
	if err != nil {
		klog.Background().Error(err, "Event about an unknown object", "reason", reason)
		return
	}
	event := &eventsv1.Event{
		ObjectMeta:          eventMeta(about),
		EventTime:           metav1.NowMicro(),
		ReportingController: r.source.Component,
		ReportingInstance:   r.source.Component,
		Type:                eventType,
		Reason:              reason,
		Action:              action,
		Note:                truncate(note),
		Regarding:           *about,
	}
	if related != nil {
		if event.Related, err = reference.GetReference(scheme.Scheme, related); err != nil {
			klog.Background().Error(err, "Event related to an unknown object", "reason", reason)
		}
	}
	r.enqueue(reason, func(ctx context.Context, again bool) error {
		_, err := r.clients.EventsV1(event.Namespace).Create(ctx, event, metav1.CreateOptions{})
		if again && apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
}

func eventMeta(about *corev1.ObjectReference) metav1.ObjectMeta {
	namespace := about.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return metav1.ObjectMeta{Name: eventname.New(about.Name), Namespace: namespace}
}

// truncate keeps a note within what the API takes, and characters whole.
func truncate(note string) string {
	const ellipsis = " ..."
	if len(note) <= mostNote {
		return note
	}
	return strings.ToValidUTF8(note[:mostNote-len(ellipsis)], "") + ellipsis
}

func (r *Recorder) enqueue(reason string, write func(context.Context, bool) error) {
	select {
	case r.backlog <- write:
	default:
		klog.Background().V(2).Info("Event is lost, the backlog is full", "reason", reason)
	}
}

// Run writes recorded Events, one after the other, until ctx is done; what is not written
// then is lost. It may run several times at once for a link that repeats no Event: then
// their order does not matter.
func (r *Recorder) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case write := <-r.backlog:
			if err := try(ctx, write); err != nil {
				klog.FromContext(ctx).V(2).Info("Event is lost", "reason", err)
			}
		}
	}
}

// try has an Event written, and tries again as client-go's recorders do where the
// API server does not answer. What it has answered it will answer again.
func try(ctx context.Context, write func(context.Context, bool) error) error {
	for attempt := 1; ; attempt++ {
		err := write(ctx, attempt > 1)
		if status := apierrors.APIStatus(nil); err == nil || errors.As(err, &status) || attempt == eventAttempts {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(eventRetryAfter + rand.N(eventRetryJitters)):
		}
	}
}

// store creates an Event, or adds to an earlier one that says the same.
func (r *Recorder) store(ctx context.Context, result *record.EventCorrelateResult, again bool) (*corev1.Event, error) {
	events := r.clients.Events(result.Event.Namespace)
	if result.Event.Count > 1 {
		stored, err := events.Patch(ctx, result.Event.Name, types.StrategicMergePatchType, result.Patch, metav1.PatchOptions{})
		// The earlier Event may have expired: this one takes its place.
		if !apierrors.IsNotFound(err) {
			return stored, err
		}
	}
	result.Event.ResourceVersion = ""
	stored, err := events.Create(ctx, result.Event, metav1.CreateOptions{})
	if again && apierrors.IsAlreadyExists(err) {
		return result.Event, nil
	}
	return stored, err
}
