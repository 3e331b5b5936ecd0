package runtime

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/exec"

	"github.com/podchain/podchain/conformance/crash"
)

// webPort is where the specification's images listen.
const webPort = 8080

// ExecSync implements Runtime. There are the commands that the images have:
// true, false, ready, healthy and sleep.
func (s *Simulated) ExecSync(ctx context.Context, id string, cmd []string, timeout time.Duration) (stdout, stderr []byte, err error) {
	s.mu.Lock()
	c, err := s.container(id)
	if err == nil && c.state != runtimeapi.ContainerState_CONTAINER_RUNNING {
		err = status.Errorf(codes.FailedPrecondition, "container %q is in state %s", id, c.state)
	}
	if err != nil {
		s.mu.Unlock()
		return nil, nil, err
	}
	part, ran := c.part, time.Since(c.startedAt)
	s.mu.Unlock()

	if len(cmd) == 0 {
		return nil, nil, status.Error(codes.InvalidArgument, "no command")
	}
	succeeds := part.anything
	switch path.Base(cmd[0]) {
	case "true":
		succeeds = true
	case "false":
		succeeds = false
	case "ready":
		succeeds = part.isReady(ran)
	case "healthy":
		succeeds = part.isHealthy(ran)
	case "sleep":
		return nil, nil, sleep(ctx, cmd[1:], timeout, c.ended)
	default:
		if !succeeds {
			return nil, nil, status.Errorf(codes.Unknown, "failed to exec in container: exec: %q: executable file not found in $PATH", cmd[0])
		}
	}
	if !succeeds {
		return nil, nil, exec.CodeExitError{Err: fmt.Errorf("command %q exited with 1", strings.Join(cmd, " ")), Code: 1}
	}
	return nil, nil, nil
}

// sleep ends early with the container, with the caller and at the timeout.
func sleep(ctx context.Context, args []string, timeout time.Duration, ended <-chan struct{}) error {
	if len(args) != 1 {
		return exec.CodeExitError{Err: fmt.Errorf("sleep: want one argument, got %q", args), Code: 1}
	}
	seconds, err := strconv.ParseFloat(args[0], 64)
	if err != nil {
		return exec.CodeExitError{Err: fmt.Errorf("sleep: %w", err), Code: 1}
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	timer := time.NewTimer(time.Duration(seconds * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ended:
		return exec.CodeExitError{Err: fmt.Errorf("sleep: killed with its container"), Code: killed}
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// Dial connects to a Pod's address. It is the network of the node: what the
// probes of the kubelet go through. A connection is refused where nothing
// listens; of several containers in a sandbox the first that runs has the port.
func (s *Simulated) Dial(_ context.Context, network, address string) (net.Conn, error) {
	refused := func(err error) error { return &net.OpError{Op: "dial", Net: network, Err: err} }
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, refused(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.listener(target)
	if c == nil {
		return nil, refused(fmt.Errorf("%s: %w", address, syscall.ECONNREFUSED))
	}
	client, server := net.Pipe()
	ran := time.Since(c.startedAt)
	crash.Go(func() { c.serve(server, ran) })
	return client, nil
}

// listener finds the container that listens there, in the Pod of that address
// or, for every other address, in the Pods that use the node's network.
func (s *Simulated) listener(target netip.AddrPort) *container {
	listens := func(c *container) bool {
		return c.state == runtimeapi.ContainerState_CONTAINER_RUNNING && (target.Port() == webPort || c.part.anything)
	}
	first := func(box *sandbox) *container {
		for _, c := range box.containers {
			if listens(c) {
				return c
			}
		}
		return nil
	}
	if box := s.addresses[target.Addr()]; box != nil {
		return first(box)
	}
	for _, box := range s.sandboxes {
		if box.ready && box.network == runtimeapi.NamespaceMode_NODE {
			if c := first(box); c != nil {
				return c
			}
		}
	}
	return nil
}

// serve answers the one request of a connection, or sees it closed.
func (c *container) serve(conn net.Conn, ran time.Duration) {
	defer conn.Close()
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return // closed without a request: a TCP probe
	}
	code := http.StatusOK
	switch {
	case c.part.anything, request.URL.Path == "/":
	case request.URL.Path == "/ready":
		if !c.part.isReady(ran) {
			code = http.StatusServiceUnavailable
		}
	case request.URL.Path == "/healthz":
		if !c.part.isHealthy(ran) {
			code = http.StatusInternalServerError
		}
	default:
		code = http.StatusNotFound
	}
	response := http.Response{
		StatusCode: code, ProtoMajor: 1, ProtoMinor: 1, Request: request, Body: http.NoBody, Close: true,
	}
	// A prober that has gone away does not want the answer.
	_ = response.Write(conn)
}
