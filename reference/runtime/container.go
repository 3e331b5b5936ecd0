package runtime

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// container is one container, and how far its behavior has got.
type container struct {
	id          string
	box         *sandbox
	metadata    *runtimeapi.ContainerMetadata
	image       *runtimeapi.ImageSpec
	imageRef    string
	labels      map[string]string
	annotations map[string]string
	behavior    *behavior

	state                            runtimeapi.ContainerState
	createdAt, startedAt, finishedAt time.Time
	exitCode                         int32
	reason                           string
	// next is what the container does by itself: end.
	next *time.Timer
	// ended is closed when the container has ended.
	ended chan struct{}
}

// killed is the exit code of a process that KILL ended.
const killed = 128 + 9

// CreateContainer implements Runtime.
func (s *Simulated) CreateContainer(_ context.Context, sandboxID string, config *runtimeapi.ContainerConfig, _ *runtimeapi.PodSandboxConfig) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	box := s.sandboxes[sandboxID]
	switch {
	case box == nil:
		return "", status.Errorf(codes.NotFound, "sandbox %q not found", sandboxID)
	case !box.ready:
		return "", status.Errorf(codes.FailedPrecondition, "sandbox %q is not ready", sandboxID)
	}
	image := s.localImage(config.GetImage())
	if image == nil {
		return "", status.Errorf(codes.NotFound, "image %q not found", config.GetImage().GetImage())
	}
	for _, other := range box.containers {
		if other.metadata.GetName() == config.GetMetadata().GetName() && other.metadata.GetAttempt() == config.GetMetadata().GetAttempt() {
			return "", status.Errorf(codes.AlreadyExists, "container %q with attempt %d is there already, as %q", other.metadata.GetName(), other.metadata.GetAttempt(), other.id)
		}
	}
	c := &container{
		id: s.id(), box: box, metadata: config.GetMetadata(),
		image:    &runtimeapi.ImageSpec{Image: config.GetImage().GetUserSpecifiedImage()},
		imageRef: image.id,
		labels:   config.GetLabels(), annotations: config.GetAnnotations(),
		behavior: image.behavior, state: runtimeapi.ContainerState_CONTAINER_CREATED, createdAt: time.Now(),
		ended: make(chan struct{}),
	}
	if c.behavior.anything {
		c.behavior = behaviorOf(config)
	}
	if c.image.Image == "" {
		c.image.Image = config.GetImage().GetImage()
	}
	s.containers[c.id] = c
	box.containers = append(box.containers, c)
	s.emit(box, c.id, runtimeapi.ContainerEventType_CONTAINER_CREATED_EVENT)
	return c.id, nil
}

// localImage finds an image on the node by reference or by id.
func (s *Simulated) localImage(spec *runtimeapi.ImageSpec) *image {
	if reference, err := ParseReference(spec.GetUserSpecifiedImage()); err == nil {
		if found := s.images[reference.String()]; found != nil {
			return found
		}
	}
	if reference, err := ParseReference(spec.GetImage()); err == nil {
		if found := s.images[reference.String()]; found != nil {
			return found
		}
	}
	for _, image := range s.images {
		if image.id == spec.GetImage() {
			return image
		}
	}
	return nil
}

// StartContainer implements Runtime.
func (s *Simulated) StartContainer(ctx context.Context, id string) error {
	if err := pause(ctx, s.options.StartTime); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.container(id)
	if err != nil {
		return err
	}
	if c.state != runtimeapi.ContainerState_CONTAINER_CREATED {
		return status.Errorf(codes.FailedPrecondition, "container %q is in state %s", id, c.state)
	}
	c.state, c.startedAt = runtimeapi.ContainerState_CONTAINER_RUNNING, time.Now()
	s.emit(c.box, c.id, runtimeapi.ContainerEventType_CONTAINER_STARTED_EVENT)

	name := c.metadata.GetName()
	switch {
	case c.box.failures[name] < c.behavior.fails:
		if c.box.failures == nil {
			c.box.failures = map[string]int{}
		}
		c.box.failures[name]++
		s.endAfter(c, 0, 1)
	case c.behavior.exits:
		s.endAfter(c, c.behavior.exit, c.behavior.exitCode)
	}
	return nil
}

// endAfter has the container end by itself.
func (s *Simulated) endAfter(c *container, d time.Duration, code int32) {
	if c.next != nil {
		c.next.Stop()
	}
	c.next = s.options.Domain.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.end(c, code)
	})
}

// end ends the container, unless it is not running.
func (s *Simulated) end(c *container, code int32) {
	if c.state == runtimeapi.ContainerState_CONTAINER_EXITED {
		return
	}
	if c.next != nil {
		c.next.Stop()
		c.next = nil
	}
	c.state, c.finishedAt, c.exitCode, c.reason = runtimeapi.ContainerState_CONTAINER_EXITED, time.Now(), code, "Completed"
	if code != 0 {
		c.reason = "Error"
	}
	close(c.ended)
	s.emit(c.box, c.id, runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT)
}

// StopContainer implements Runtime.
func (s *Simulated) StopContainer(ctx context.Context, id string, timeout int64) error {
	s.mu.Lock()
	c, err := s.container(id)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	if timeout > 0 {
		s.terminate(c)
	} else {
		s.end(c, killed)
	}
	s.mu.Unlock()

	timer := time.NewTimer(time.Duration(timeout) * time.Second)
	defer timer.Stop()
	select {
	case <-c.ended:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-timer.C:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.end(c, killed)
		return nil
	}
}

// terminate sends TERM. A container ends at once or after a while; another TERM
// changes nothing.
func (s *Simulated) terminate(c *container) {
	switch {
	case c.state != runtimeapi.ContainerState_CONTAINER_RUNNING:
		s.end(c, killed)
	case c.behavior.term == 0:
		s.end(c, 0)
	case c.behavior.term != forever && !c.behavior.exits && c.next == nil:
		s.endAfter(c, c.behavior.term, 0)
	}
}

// RemoveContainer implements Runtime.
func (s *Simulated) RemoveContainer(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.containers[id]
	if c == nil {
		return nil // CRI: removing is idempotent
	}
	s.end(c, killed)
	delete(s.containers, id)
	c.box.containers = slices.DeleteFunc(c.box.containers, func(other *container) bool { return other == c })
	s.emit(c.box, id, runtimeapi.ContainerEventType_CONTAINER_DELETED_EVENT)
	return nil
}

// ListContainers implements Runtime.
func (s *Simulated) ListContainers(_ context.Context, filter *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*runtimeapi.Container
	list := func(c *container) {
		if filter.GetId() != "" && filter.GetId() != c.id ||
			filter.GetPodSandboxId() != "" && filter.GetPodSandboxId() != c.box.id ||
			filter.GetState() != nil && filter.GetState().GetState() != c.state ||
			!matches(filter.GetLabelSelector(), c.labels) {
			return
		}
		found = append(found, &runtimeapi.Container{
			Id: c.id, PodSandboxId: c.box.id, Metadata: c.metadata, Image: c.image, ImageRef: c.imageRef, ImageId: c.imageRef,
			State: c.state, CreatedAt: c.createdAt.UnixNano(), Labels: c.labels, Annotations: c.annotations,
		})
	}
	if uid := filter.GetLabelSelector()[PodUIDLabel]; uid != "" {
		for _, box := range s.pods[uid] {
			for _, c := range box.containers {
				list(c)
			}
		}
		return found, nil
	}
	for _, c := range s.containers {
		list(c)
	}
	return found, nil
}

// ContainerStatus implements Runtime.
func (s *Simulated) ContainerStatus(_ context.Context, id string, _ bool) (*runtimeapi.ContainerStatusResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.container(id)
	if err != nil {
		return nil, err
	}
	return &runtimeapi.ContainerStatusResponse{Status: c.status()}, nil
}

func (s *Simulated) container(id string) (*container, error) {
	if c := s.containers[id]; c != nil {
		return c, nil
	}
	return nil, status.Errorf(codes.NotFound, "container %q not found", id)
}

func (c *container) status() *runtimeapi.ContainerStatus {
	return &runtimeapi.ContainerStatus{
		Id: c.id, Metadata: c.metadata, State: c.state,
		CreatedAt: nano(c.createdAt), StartedAt: nano(c.startedAt), FinishedAt: nano(c.finishedAt),
		ExitCode: c.exitCode, Reason: c.reason,
		Image: c.image, ImageRef: c.imageRef, ImageId: c.imageRef,
		Labels: c.labels, Annotations: c.annotations,
	}
}

func nano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
