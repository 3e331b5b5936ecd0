package runtime

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// sandbox is what the containers of a Pod share.
type sandbox struct {
	id          string
	metadata    *runtimeapi.PodSandboxMetadata
	labels      map[string]string
	annotations map[string]string
	network     runtimeapi.NamespaceMode
	address     netip.Addr // invalid in the node's network
	createdAt   time.Time
	ready       bool
	containers  []*container
	// failures counts how often each container has failed.
	failures map[string]int
}

// RunPodSandbox implements Runtime.
func (s *Simulated) RunPodSandbox(ctx context.Context, config *runtimeapi.PodSandboxConfig, _ string) (string, error) {
	if err := pause(ctx, s.options.StartTime); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	box := &sandbox{
		id:          s.id(),
		metadata:    config.GetMetadata(),
		labels:      config.GetLabels(),
		annotations: config.GetAnnotations(),
		network:     config.GetLinux().GetSecurityContext().GetNamespaceOptions().GetNetwork(),
		createdAt:   time.Now(),
		ready:       true,
	}
	if box.network != runtimeapi.NamespaceMode_NODE {
		address, err := s.freeAddress()
		if err != nil {
			return "", err
		}
		box.address = address
		s.addresses[address] = box
	}
	s.sandboxes[box.id] = box
	uid := box.metadata.GetUid()
	s.pods[uid] = append(s.pods[uid], box)
	return box.id, nil
}

// freeAddress goes round the subnet, so that an address is not soon used again.
func (s *Simulated) freeAddress() (netip.Addr, error) {
	for next, first := s.lastAddress.Next(), s.lastAddress; next != first; next = next.Next() {
		if !s.options.Subnet.Contains(next) {
			next = s.options.Subnet.Masked().Addr().Next()
			continue
		}
		if s.addresses[next] == nil {
			s.lastAddress = next
			return next, nil
		}
	}
	return netip.Addr{}, status.Errorf(codes.ResourceExhausted, "no free address in %s", s.options.Subnet)
}

// StopPodSandbox implements Runtime.
func (s *Simulated) StopPodSandbox(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	box := s.sandboxes[id]
	if box == nil {
		return nil // CRI: stopping is idempotent
	}
	for _, c := range box.containers {
		s.end(c, killed)
	}
	if !box.ready {
		return nil
	}
	box.ready = false
	delete(s.addresses, box.address)
	box.address = netip.Addr{}
	s.emit(box, box.id, runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT)
	return nil
}

// RemovePodSandbox implements Runtime.
func (s *Simulated) RemovePodSandbox(ctx context.Context, id string) error {
	if err := s.StopPodSandbox(ctx, id); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	box := s.sandboxes[id]
	if box == nil {
		return nil
	}
	for _, c := range box.containers {
		delete(s.containers, c.id)
	}
	delete(s.sandboxes, id)
	uid := box.metadata.GetUid()
	s.pods[uid] = slices.DeleteFunc(s.pods[uid], func(other *sandbox) bool { return other == box })
	if len(s.pods[uid]) == 0 {
		delete(s.pods, uid)
	}
	s.emit(box, box.id, runtimeapi.ContainerEventType_CONTAINER_DELETED_EVENT)
	return nil
}

// PodSandboxStatus implements Runtime.
func (s *Simulated) PodSandboxStatus(_ context.Context, id string, _ bool) (*runtimeapi.PodSandboxStatusResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	box := s.sandboxes[id]
	if box == nil {
		return nil, status.Errorf(codes.NotFound, "sandbox %q not found", id)
	}
	return &runtimeapi.PodSandboxStatusResponse{Status: box.status()}, nil
}

// ListPodSandbox implements Runtime.
func (s *Simulated) ListPodSandbox(_ context.Context, filter *runtimeapi.PodSandboxFilter) ([]*runtimeapi.PodSandbox, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*runtimeapi.PodSandbox
	list := func(box *sandbox) {
		if filter.GetId() != "" && filter.GetId() != box.id ||
			filter.GetState() != nil && filter.GetState().GetState() != box.state() ||
			!matches(filter.GetLabelSelector(), box.labels) {
			return
		}
		found = append(found, &runtimeapi.PodSandbox{
			Id: box.id, Metadata: box.metadata, State: box.state(), CreatedAt: box.createdAt.UnixNano(),
			Labels: box.labels, Annotations: box.annotations,
		})
	}
	if uid := filter.GetLabelSelector()[PodUIDLabel]; uid != "" {
		for _, box := range s.pods[uid] {
			list(box)
		}
		return found, nil
	}
	for _, box := range s.sandboxes {
		list(box)
	}
	return found, nil
}

func (b *sandbox) state() runtimeapi.PodSandboxState {
	if b.ready {
		return runtimeapi.PodSandboxState_SANDBOX_READY
	}
	return runtimeapi.PodSandboxState_SANDBOX_NOTREADY
}

func (b *sandbox) status() *runtimeapi.PodSandboxStatus {
	network := &runtimeapi.PodSandboxNetworkStatus{}
	if b.address.IsValid() {
		network.Ip = b.address.String()
	}
	return &runtimeapi.PodSandboxStatus{
		Id: b.id, Metadata: b.metadata, State: b.state(), CreatedAt: b.createdAt.UnixNano(),
		Network: network, Labels: b.labels, Annotations: b.annotations,
		Linux: &runtimeapi.LinuxPodSandboxStatus{Namespaces: &runtimeapi.Namespace{Options: &runtimeapi.NamespaceOption{Network: b.network}}},
	}
}
