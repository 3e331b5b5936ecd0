package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/podchain/podchain/conformance/implementation/crash"
)

// Options of a simulated runtime. A zero duration means its default.
type Options struct {
	// Registry to pull from, shared by all nodes. Default: one of its own, with
	// the table of images.
	Registry *Registry
	// Subnet of the Pods on this node. Default: Subnet(0).
	Subnet netip.Prefix
	// PullTime is how long a pull takes. Default: 50 ms.
	PullTime time.Duration
	// StartTime is how long it takes to make a sandbox, and to start a
	// container. Default: 5 ms.
	StartTime time.Duration
	// Domain that the timers of its containers belong to, which may end them. Default:
	// none.
	Domain *crash.Domain
}

// Subnet returns the n-th of 4096 subnets for the Pods of a node, each large
// enough for 4000 of them.
func Subnet(n int) netip.Prefix {
	n %= 1 << 12
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n >> 4), byte(n << 4), 0}), 20)
}

// Simulated is a container runtime without containers: what CRI shows of them
// is real, what runs in them is a row of the table of images. It outlives the
// kubelets that drive it, as a runtime does (KUBELET-40), and holds no
// goroutine of its own: whatever a container does by itself is a timer.
type Simulated struct {
	options Options

	mu          sync.Mutex
	serial      int
	lastAddress netip.Addr
	addresses   map[netip.Addr]*sandbox
	sandboxes   map[string]*sandbox
	containers  map[string]*container
	pods        map[string][]*sandbox // by Pod uid
	images      map[string]*image     // by reference without digest
	subscribers map[*subscriber]struct{}
}

var _ Runtime = (*Simulated)(nil)

type image struct {
	id       string
	behavior *behavior
}

// NewSimulated returns a runtime without images and sandboxes.
func NewSimulated(options Options) *Simulated {
	if options.Registry == nil {
		options.Registry = NewRegistry(RegistryOptions{})
	}
	if !options.Subnet.IsValid() {
		options.Subnet = Subnet(0)
	}
	if options.PullTime == 0 {
		options.PullTime = 50 * time.Millisecond
	}
	if options.StartTime == 0 {
		options.StartTime = 5 * time.Millisecond
	}
	return &Simulated{
		options:     options,
		lastAddress: options.Subnet.Masked().Addr().Next(), // the gateway
		addresses:   map[netip.Addr]*sandbox{},
		sandboxes:   map[string]*sandbox{},
		containers:  map[string]*container{},
		pods:        map[string][]*sandbox{},
		images:      map[string]*image{},
		subscribers: map[*subscriber]struct{}{},
	}
}

// Version implements Runtime.
func (s *Simulated) Version(context.Context, string) (*runtimeapi.VersionResponse, error) {
	return &runtimeapi.VersionResponse{
		Version:           "0.1.0",
		RuntimeName:       "simulated",
		RuntimeVersion:    "1.0.0",
		RuntimeApiVersion: "v1",
	}, nil
}

// ImageStatus implements Runtime.
func (s *Simulated) ImageStatus(_ context.Context, spec *runtimeapi.ImageSpec, _ bool) (*runtimeapi.ImageStatusResponse, error) {
	reference, err := ParseReference(spec.GetImage())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.images[reference.String()]
	if found == nil {
		return &runtimeapi.ImageStatusResponse{}, nil
	}
	return &runtimeapi.ImageStatusResponse{Image: &runtimeapi.Image{
		Id: found.id, RepoTags: []string{reference.String()}, RepoDigests: []string{found.id}, Size: 1 << 20,
	}}, nil
}

// PullImage implements Runtime.
func (s *Simulated) PullImage(ctx context.Context, spec *runtimeapi.ImageSpec, _ *runtimeapi.AuthConfig, _ *runtimeapi.PodSandboxConfig) (string, error) {
	reference, err := ParseReference(spec.GetImage())
	if err != nil {
		return "", status.Error(codes.InvalidArgument, err.Error())
	}
	if err := pause(ctx, s.options.PullTime); err != nil {
		return "", err
	}
	found, err := s.options.Registry.find(reference)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	pulled := s.images[reference.String()]
	if pulled == nil {
		sum := sha256.Sum256([]byte(reference.Short()))
		pulled = &image{id: reference.Repository + "@sha256:" + hex.EncodeToString(sum[:]), behavior: found}
		s.images[reference.String()] = pulled
	}
	return pulled.id, nil
}

// id returns a new identifier of the length that runtimes use. The subnet makes
// it differ from those of other nodes.
func (s *Simulated) id() string {
	s.serial++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", s.options.Subnet, s.serial))
	return hex.EncodeToString(sum[:])
}

// pause waits for the duration, or returns the error of the context.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-timer.C:
		return nil
	}
}

func matches(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}
