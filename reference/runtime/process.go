package runtime

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/exec"

	"github.com/podchain/podchain/conformance/implementation/crash"
)

// webPort is where the specification's images listen.
const webPort = 8080

// ExecSync implements Runtime. There are the commands that the images of the table
// have: true, false, ready, healthy and sleep. In every other container there are all
// commands: they end as their words say, and with success where those do not.
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
	behaves, ran := c.behavior, time.Since(c.startedAt)
	s.mu.Unlock()

	if len(cmd) == 0 {
		return nil, nil, status.Error(codes.InvalidArgument, "no command")
	}
	if end, known := endOf(cmd); known && behaves.anything {
		return nil, nil, finish(ctx, cmd, end, timeout, c.ended)
	}
	succeeds := behaves.anything
	switch path.Base(cmd[0]) {
	case "true":
		succeeds = true
	case "false":
		succeeds = false
	case "ready":
		succeeds = behaves.isReady(ran)
	case "healthy":
		succeeds = behaves.isHealthy(ran)
	case "sleep":
		seconds, err := strconv.ParseFloat(strings.Join(cmd[1:], " "), 64)
		if err != nil {
			return nil, nil, exec.CodeExitError{Err: fmt.Errorf("sleep: want a number of seconds, got %q", cmd[1:]), Code: 1}
		}
		return nil, nil, finish(ctx, cmd, end{after: time.Duration(seconds * float64(time.Second))}, timeout, c.ended)
	default:
		if !succeeds {
			return nil, nil, status.Errorf(codes.Unknown, "failed to exec in container: exec: %q: executable file not found in $PATH", cmd[0])
		}
	}
	if !succeeds {
		return nil, nil, exitError(cmd, 1)
	}
	return nil, nil, nil
}

func exitError(cmd []string, code int32) error {
	if code == 0 {
		return nil
	}
	return exec.CodeExitError{Err: fmt.Errorf("command %q exited with %d", strings.Join(cmd, " "), code), Code: int(code)}
}

// finish waits for the end of a command. It ends early with the container, with the
// caller and at the timeout.
func finish(ctx context.Context, cmd []string, end end, timeout time.Duration, ended <-chan struct{}) error {
	if end.after == 0 {
		return exitError(cmd, end.code)
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var done <-chan time.Time // never, for what runs forever
	if end.after != forever {
		timer := time.NewTimer(end.after)
		defer timer.Stop()
		done = timer.C
	}
	select {
	case <-done:
		return exitError(cmd, end.code)
	case <-ended:
		return exec.CodeExitError{Err: fmt.Errorf("command %q was killed with its container", strings.Join(cmd, " ")), Code: killed}
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// Dial connects to a Pod's address. It is the network of the node: what the
// probes of the kubelet go through. A connection is refused where nothing
// listens; of several containers in a sandbox the first that runs has the port.
func (s *Simulated) Dial(_ context.Context, network, address string) (net.Conn, error) {
	target, err := resolve(address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.listener(target)
	if c == nil {
		return nil, &net.OpError{
			Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(target), Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
		}
	}
	client, server := net.Pipe()
	serve, ran := c.serve, time.Since(c.startedAt)
	if c.behavior.anything {
		serve = func(conn net.Conn, _ time.Duration) { answerAnything(conn) }
	}
	crash.Go(func() { serve(server, ran) })
	return client, nil
}

// resolve reads an address. Of names the network of the nodes knows only that of the
// node itself.
func resolve(address string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return netip.AddrPort{}, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return netip.ParseAddrPort(net.JoinHostPort(host, port))
}

// listener finds the container that listens there, in the Pod of that address
// or, for every other address, in the Pods that use the node's network.
func (s *Simulated) listener(target netip.AddrPort) *container {
	listens := func(c *container) bool {
		return c.state == runtimeapi.ContainerState_CONTAINER_RUNNING && (target.Port() == webPort || c.behavior.anything)
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

// serve is the server of an image of the table: it answers the one request of a
// connection, or sees it closed.
func (c *container) serve(conn net.Conn, ran time.Duration) {
	defer conn.Close()
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return // closed without a request: a TCP probe
	}
	code := http.StatusOK
	switch {
	case request.URL.Path == "/":
	case request.URL.Path == "/ready":
		if !c.behavior.isReady(ran) {
			code = http.StatusServiceUnavailable
		}
	case request.URL.Path == "/healthz":
		if !c.behavior.isHealthy(ran) {
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
