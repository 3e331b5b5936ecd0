package kubelet

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes/scheme"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"

	"github.com/podchain/podchain/reference/eventname"
)

// The reasons of the kubelet's events (KUBELET-26).
const (
	eventPulling             = "Pulling"
	eventPulled              = "Pulled"
	eventCreated             = "Created"
	eventStarted             = "Started"
	eventKilling             = "Killing"
	eventBackOff             = "BackOff"
	eventFailed              = "Failed"
	eventUnhealthy           = "Unhealthy"
	eventInspectFailed       = "InspectFailed"
	eventNeverPull           = "ErrImageNeverPull"
	eventSandboxChanged      = "SandboxChanged"
	eventFailedMount         = "FailedMount"
	eventFailedCreateSandbox = "FailedCreatePodSandBox"
	eventFailedKillPod       = "FailedKillPod"
	eventFailedPostStart     = "FailedPostStartHook"
	eventFailedPreStop       = "FailedPreStopHook"
	eventDeadlineExceeded    = "DeadlineExceeded"
	eventStarting            = "Starting"
)

// recorder writes Events about Pods, containers and the node, in the background:
// nothing waits for an Event (EVENT-04).
type recorder struct {
	record.EventRecorder
	broadcaster record.EventBroadcaster
	sink        *sink
}

func newRecorder(ctx context.Context, core coreclient.CoreV1Interface, node string) *recorder {
	r := &recorder{
		// The correlator remembers Events to count repetitions: few Pods of a
		// node repeat themselves at a time.
		broadcaster: record.NewBroadcaster(record.WithContext(ctx), record.WithCorrelatorOptions(record.CorrelatorOptions{LRUCacheSize: 512})),
		sink:        &sink{ctx: ctx, core: core},
	}
	r.broadcaster.StartRecordingToSink(r.sink)
	r.EventRecorder = r.broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet", Host: node})
	return r
}

// close returns when no Event is being written any more.
func (r *recorder) close() {
	r.broadcaster.Shutdown()
	r.sink.close()
}

// sink keeps the broadcaster, which does not say when it is done, from writing
// after the kubelet has ended.
type sink struct {
	ctx    context.Context
	core   coreclient.CoreV1Interface
	mu     sync.RWMutex
	closed bool

	// named is the Event that was created last, and name is its name. The broadcaster
	// creates one after the other, and hands in the same one until it is written.
	named *corev1.Event
	name  string
}

func (s *sink) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// Create gives the Event a name of its own: the broadcaster's is made of the
// time, and in virtual time many Events share one instant. It keeps that name when it is
// tried again: the attempt before may have written it, and only its answer was lost.
func (s *sink) Create(event *corev1.Event) (*corev1.Event, error) {
	again := s.named == event
	if !again {
		s.named, s.name = event, eventname.New(event.InvolvedObject.Name)
	}
	event = event.DeepCopy()
	event.Name = s.name
	written, err := s.write(event, func(events coreclient.EventInterface) (*corev1.Event, error) {
		return events.CreateWithEventNamespaceWithContext(s.ctx, event)
	})
	if again && apierrors.IsAlreadyExists(err) {
		return event, nil // it exists: repetitions are counted in it
	}
	return written, err
}

func (s *sink) Update(event *corev1.Event) (*corev1.Event, error) {
	return s.write(event, func(events coreclient.EventInterface) (*corev1.Event, error) {
		return events.UpdateWithEventNamespaceWithContext(s.ctx, event)
	})
}

func (s *sink) Patch(event *corev1.Event, data []byte) (*corev1.Event, error) {
	return s.write(event, func(events coreclient.EventInterface) (*corev1.Event, error) {
		return events.PatchWithEventNamespaceWithContext(s.ctx, event, data)
	})
}

func (s *sink) write(event *corev1.Event, write func(coreclient.EventInterface) (*corev1.Event, error)) (*corev1.Event, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return event, nil
	}
	written, err := write(s.core.Events(""))
	if s.ctx.Err() != nil {
		return event, nil // the kubelet ends: this is not to be tried again
	}
	return written, err
}

// containerReference is what an Event about a container is about.
func containerReference(pod *corev1.Pod, name string) *corev1.ObjectReference {
	reference := podReference(pod)
	list := "containers"
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name == name {
			list = "initContainers"
		}
	}
	reference.FieldPath = "spec." + list + "{" + name + "}"
	return reference
}

func podReference(pod *corev1.Pod) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		Kind: "Pod", APIVersion: "v1", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
	}
}
