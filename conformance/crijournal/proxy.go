package crijournal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/podchain/podchain/conformance/implementation/crash"
)

// Proxy stands between a kubelet and its container runtime. It passes on every
// call as it is, methods that it does not know included, and records in a journal
// those that it can read.
type Proxy struct {
	server  *grpc.Server
	runtime *grpc.ClientConn
	journal *Journal
	node    string
}

// maxMessage is the largest message, as kubelets have it: a list of all
// containers is long.
const maxMessage = 16 << 20

// NewProxy returns a proxy to the CRI endpoint of a node, given as
// "unix:///run/….sock".
func (j *Journal) NewProxy(node, endpoint string) (*Proxy, error) {
	connection, err := grpc.NewClient(endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(
		grpc.ForceCodec(frames{}), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)))
	if err != nil {
		return nil, fmt.Errorf("CRI endpoint %q: %w", endpoint, err)
	}
	p := &Proxy{runtime: connection, journal: j, node: node}
	p.server = grpc.NewServer(
		grpc.ForceServerCodec(frames{}), grpc.UnknownServiceHandler(p.pass),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))
	return p, nil
}

// Serve takes calls from the listener until Stop.
func (p *Proxy) Serve(listener net.Listener) error { return p.server.Serve(listener) }

// Stop ends the calls under way and the connection to the runtime.
func (p *Proxy) Stop() error {
	p.server.Stop()
	return p.runtime.Close()
}

// pass passes on one call. Every method is handled as if it streamed in both
// directions, which leaves the messages and their order as they are.
func (p *Proxy) pass(_ any, caller grpc.ServerStream) error {
	method, ok := grpc.MethodFromServerStream(caller)
	if !ok {
		return status.Error(codes.Internal, "a call without a method")
	}
	ctx, cancel := context.WithCancel(caller.Context())
	defer cancel()
	if incoming, ok := metadata.FromIncomingContext(ctx); ok {
		ctx = metadata.NewOutgoingContext(ctx, incoming.Copy())
	}
	callee, err := p.runtime.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method)
	if err != nil {
		return err
	}
	call := &observed{kind: messages[path.Base(method)], proxy: p}
	crash.Go(func() {
		// An error of one side reaches the other through what is received below.
		if err := call.requests(caller, callee); err != nil {
			cancel()
		}
	})
	err = call.responses(callee, caller)
	caller.SetTrailer(callee.Trailer())
	return err
}

// kind are the messages of a method that is recorded.
type kind struct{ request, response func() proto.Message }

func of[Request, Response any, Q interface {
	*Request
	proto.Message
}, S interface {
	*Response
	proto.Message
}]() kind {
	return kind{func() proto.Message { return Q(new(Request)) }, func() proto.Message { return S(new(Response)) }}
}

// messages are those of the methods whose calls are about one Pod or image; the
// others only list and watch.
var messages = map[string]kind{
	"RunPodSandbox":    of[runtimeapi.RunPodSandboxRequest, runtimeapi.RunPodSandboxResponse](),
	"PodSandboxStatus": of[runtimeapi.PodSandboxStatusRequest, runtimeapi.PodSandboxStatusResponse](),
	"StopPodSandbox":   of[runtimeapi.StopPodSandboxRequest, runtimeapi.StopPodSandboxResponse](),
	"RemovePodSandbox": of[runtimeapi.RemovePodSandboxRequest, runtimeapi.RemovePodSandboxResponse](),
	"CreateContainer":  of[runtimeapi.CreateContainerRequest, runtimeapi.CreateContainerResponse](),
	"StartContainer":   of[runtimeapi.StartContainerRequest, runtimeapi.StartContainerResponse](),
	"StopContainer":    of[runtimeapi.StopContainerRequest, runtimeapi.StopContainerResponse](),
	"RemoveContainer":  of[runtimeapi.RemoveContainerRequest, runtimeapi.RemoveContainerResponse](),
	"ExecSync":         of[runtimeapi.ExecSyncRequest, runtimeapi.ExecSyncResponse](),
	"ImageStatus":      of[runtimeapi.ImageStatusRequest, runtimeapi.ImageStatusResponse](),
	"PullImage":        of[runtimeapi.PullImageRequest, runtimeapi.PullImageResponse](),
}

// observed is a call on its way through.
type observed struct {
	kind  kind
	proxy *Proxy

	mu   sync.Mutex
	done func(any, error) // nil before the request is known, and after the end
}

// begin records the request.
func (o *observed) begin(message frame) error {
	if o.kind.request == nil {
		return nil
	}
	request := o.kind.request()
	if err := proto.Unmarshal(message, request); err != nil {
		return fmt.Errorf("the call cannot be read: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = o.proxy.journal.Record(o.proxy.node, request)
	return nil
}

// end records, once, the answer or the error.
func (o *observed) end(message frame, err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done == nil {
		return nil
	}
	done := o.done
	o.done = nil
	if err != nil {
		done(nil, err)
		return nil
	}
	response := o.kind.response()
	if err := proto.Unmarshal(message, response); err != nil {
		err = fmt.Errorf("the answer cannot be read: %w", err)
		done(nil, err)
		return err
	}
	done(response, nil)
	return nil
}

// requests passes on what the caller sends.
func (o *observed) requests(caller grpc.ServerStream, callee grpc.ClientStream) error {
	for {
		var message frame
		switch err := caller.RecvMsg(&message); {
		case errors.Is(err, io.EOF):
			return callee.CloseSend()
		case err != nil:
			return err
		}
		if err := o.begin(message); err != nil {
			return err
		}
		if err := callee.SendMsg(&message); err != nil {
			return err
		}
	}
}

// responses passes on what the runtime answers, headers and error included.
func (o *observed) responses(callee grpc.ClientStream, caller grpc.ServerStream) error {
	for first := true; ; first = false {
		var message frame
		err := callee.RecvMsg(&message)
		if first {
			if header, headerErr := callee.Header(); headerErr == nil && len(header) > 0 {
				if err := caller.SendHeader(header); err != nil {
					return err
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		// The journal has it before the caller can act on it.
		if unreadable := o.end(message, err); unreadable != nil && err == nil {
			err = unreadable
		}
		if err != nil {
			return err
		}
		if err := caller.SendMsg(&message); err != nil {
			return err
		}
	}
}

// frame is a message as it is on the wire.
type frame []byte

// frames is the codec that leaves messages as they are.
type frames struct{}

// Marshal implements encoding.Codec.
func (frames) Marshal(v any) ([]byte, error) {
	message, ok := v.(*frame)
	if !ok {
		return nil, fmt.Errorf("expected a frame, got %T", v)
	}
	return *message, nil
}

// Unmarshal implements encoding.Codec.
func (frames) Unmarshal(data []byte, v any) error {
	message, ok := v.(*frame)
	if !ok {
		return fmt.Errorf("expected a frame, got %T", v)
	}
	*message = append((*message)[:0], data...)
	return nil
}

// Name implements encoding.Codec: the messages are those of the codec "proto".
func (frames) Name() string { return "proto" }
