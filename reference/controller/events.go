package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/tools/reference"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/podchain/podchain/reference/eventname"
)

const (
	eventBacklog      = 1000
	eventAttempts     = 12
	eventRetryAfter   = 10 * time.Second
	eventRetryJitters = 5 * time.Second
)

// Recorder writes Events (EVENT-01..03) in the background. They are advisory
// (EVENT-04): a full backlog or a refusal loses one, and no link waits for it.
//
// It differs from client-go's broadcaster in two points that matter here: Run
// returns when its work has ended, and names differ even at one instant of a
// virtual clock (eventname).
type Recorder struct {
	component  string
	client     typedcorev1.EventsGetter
	correlator *record.EventCorrelator
	backlog    chan *corev1.Event
}

var _ record.EventRecorder = (*Recorder)(nil)

// NewRecorder makes a recorder for the named component; Run writes what it records.
func NewRecorder(component string, client typedcorev1.EventsGetter) *Recorder {
	return &Recorder{
		component:  component,
		client:     client,
		correlator: record.NewEventCorrelator(clock.RealClock{}),
		backlog:    make(chan *corev1.Event, eventBacklog),
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
	namespace := about.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	now := metav1.Now()
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Name:        eventname.New(about.Name),
			Namespace:   namespace,
			Annotations: maps.Clone(annotations),
		},
		InvolvedObject:      *about,
		Type:                eventType,
		Reason:              reason,
		Message:             fmt.Sprintf(format, args...),
		Source:              corev1.EventSource{Component: r.component},
		ReportingController: r.component,
		FirstTimestamp:      now,
		LastTimestamp:       now,
		Count:               1,
	}
	select {
	case r.backlog <- event:
	default:
		klog.Background().V(2).Info("Event is lost, the backlog is full", "reason", reason, "about", about.Name)
	}
}

// Run writes recorded Events until ctx is done; what is not written then is lost.
func (r *Recorder) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-r.backlog:
			r.write(ctx, event)
		}
	}
}

// write stores one Event, or adds it to an earlier one that says the same.
func (r *Recorder) write(ctx context.Context, event *corev1.Event) {
	log := klog.FromContext(ctx)
	result, err := r.correlator.EventCorrelate(event)
	if err != nil {
		log.Error(err, "Event cannot be correlated", "event", event.Name)
	}
	if result == nil || result.Skip {
		return
	}
	err = TryEvent(ctx, func() error {
		stored, err := r.store(ctx, result)
		if err == nil {
			r.correlator.UpdateState(stored)
		}
		return err
	})
	if err != nil {
		log.V(2).Info("Event is lost", "event", event.Name, "reason", err)
	}
}

// TryEvent has an Event written, and tries again as client-go's recorders do where the
// API server does not answer. What it has answered it will answer again.
func TryEvent(ctx context.Context, write func() error) error {
	for attempt := 1; ; attempt++ {
		err := write()
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

func (r *Recorder) store(ctx context.Context, result *record.EventCorrelateResult) (*corev1.Event, error) {
	events := r.client.Events(result.Event.Namespace)
	if result.Event.Count > 1 {
		stored, err := events.Patch(ctx, result.Event.Name, types.StrategicMergePatchType, result.Patch, metav1.PatchOptions{})
		// The earlier Event may have expired: this one takes its place.
		if !apierrors.IsNotFound(err) {
			return stored, err
		}
	}
	result.Event.ResourceVersion = ""
	return events.Create(ctx, result.Event, metav1.CreateOptions{})
}
