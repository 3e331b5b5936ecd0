package kubelet

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// checkHealth asks a container for its health as the gRPC health checking protocol
// has it. The message tells of a failure, in the words of Kubernetes; an error says
// nothing about the container.
func (k *kubelet) checkHealth(ctx context.Context, action *corev1.GRPCAction, address string, timeout time.Duration) (message string, err error) {
	address = net.JoinHostPort(address, strconv.Itoa(int(action.Port)))
	conn, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithUserAgent("kube-probe/"+k.Version),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return k.Dial(ctx, "tcp", address) }),
	)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }() // the answer is what counts
	conn.Connect()
	for state := conn.GetState(); state != connectivity.Ready; state = conn.GetState() {
		if !conn.WaitForStateChange(ctx, state) {
			return fmt.Sprintf("timeout: failed to connect service %q within %v: %v", address, timeout, ctx.Err()), nil
		}
	}
	response, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{Service: ptr.Deref(action.Service, "")})
	switch status.Code(err) {
	case codes.OK:
	case codes.Unimplemented:
		return fmt.Sprintf("error: this server does not implement the grpc health protocol (grpc.health.v1.Health): %s", status.Convert(err).Message()), nil
	case codes.DeadlineExceeded:
		return fmt.Sprintf("timeout: health rpc did not complete within %v", timeout), nil
	default:
		return fmt.Sprintf("error: health rpc probe failed: %v", err), nil
	}
	if response.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return fmt.Sprintf("service unhealthy (responded with %q)", response.GetStatus()), nil
	}
	return "", nil
}
