package runtime

import (
	"context"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// subscriber keeps the events that its reader has not taken yet.
type subscriber struct {
	events []*runtimeapi.ContainerEventResponse
	wake   chan struct{}
}

// GetContainerEvents implements Runtime: the kubelet is notified of events and never
// has to poll.
func (s *Simulated) GetContainerEvents(ctx context.Context, events chan *runtimeapi.ContainerEventResponse, established func(runtimeapi.RuntimeService_GetContainerEventsClient)) error {
	me := &subscriber{wake: make(chan struct{}, 1)}
	s.mu.Lock()
	s.subscribers[me] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subscribers, me)
	}()
	if established != nil {
		established(nil)
	}
	for {
		s.mu.Lock()
		batch := me.events
		me.events = nil
		s.mu.Unlock()
		for _, event := range batch {
			select {
			case events <- event:
			case <-ctx.Done():
				return nil
			}
		}
		select {
		case <-me.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// emit tells the subscribers; the caller holds the lock. The id is that of a
// container or, for what happens to the sandbox itself, the sandbox.
func (s *Simulated) emit(box *sandbox, id string, kind runtimeapi.ContainerEventType) {
	if len(s.subscribers) == 0 {
		return
	}
	event := &runtimeapi.ContainerEventResponse{
		ContainerId: id, ContainerEventType: kind, CreatedAt: time.Now().UnixNano(), PodSandboxStatus: box.status(),
	}
	for _, c := range box.containers {
		event.ContainersStatuses = append(event.ContainersStatuses, c.status())
	}
	for subscriber := range s.subscribers {
		subscriber.events = append(subscriber.events, event)
		select {
		case subscriber.wake <- struct{}{}:
		default:
		}
	}
}
