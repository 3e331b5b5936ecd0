// Package kubelet is the link between the API server and a container runtime:
// it registers a node, watches the Pods that are bound to it, has the runtime run
// them, and reports their status.
//
// Everything is driven by events: a watch event, an event of the runtime, the result
// of a probe or a timer. A Pod whose state does not change costs no goroutine and no
// call.
package kubelet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference/link"
	"github.com/podchain/podchain/reference/runtime"
)

// Options of one kubelet.
type Options struct {
	// NodeName is the name of the node. Required.
	NodeName string
	// Labels and Taints that the node registers with, besides its own labels.
	Labels map[string]string
	Taints []corev1.Taint
	// Capacity of the node. Default for what it lacks: cpu 4, memory 16Gi, pods 110,
	// ephemeral-storage 100Gi, no huge pages.
	Capacity corev1.ResourceList
	// Allocatable is what of the capacity Pods may have. Default: all of it.
	Allocatable corev1.ResourceList
	// Address is the node's InternalIP. Default: one made from its name.
	Address string
	// Version is the version of Kubernetes it reports. Default: v1.37.2.
	Version string
	// Runtime to run Pods with. It outlives the kubelet. Default: a simulated one.
	Runtime runtime.Runtime
	// Root is the folder for what containers see of the Pods' volumes. Empty: the
	// runtime is a simulated one, whose containers see nothing.
	Root string
	// CgroupRoot is the control group that those of the Pods are made in. Default:
	// the runtime's.
	CgroupRoot string
	// Dial reaches the Pods' addresses, for probes. Default: the runtime's own
	// Dial if it has one, else the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// dialer is a runtime whose Pods are in a network of its own.
type dialer interface {
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

func (o Options) withDefaults() (Options, error) {
	if o.NodeName == "" {
		return o, errors.New("kubelet: a node needs a name")
	}
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:                     resource.MustParse("4"),
		corev1.ResourceMemory:                  resource.MustParse("16Gi"),
		corev1.ResourcePods:                    resource.MustParse("110"),
		corev1.ResourceEphemeralStorage:        resource.MustParse("100Gi"),
		corev1.ResourceHugePagesPrefix + "1Gi": resource.MustParse("0"),
		corev1.ResourceHugePagesPrefix + "2Mi": resource.MustParse("0"),
	}
	for name, quantity := range o.Capacity {
		capacity[name] = quantity
	}
	allocatable := capacity.DeepCopy()
	for name, quantity := range o.Allocatable {
		allocatable[name] = quantity
	}
	o.Capacity, o.Allocatable = capacity, allocatable
	if o.Address == "" {
		sum := fnv.New32a()
		sum.Write([]byte(o.NodeName))
		n := sum.Sum32()
		o.Address = netip.AddrFrom4([4]byte{172, 16 + byte(n>>16)&15, byte(n >> 8), byte(n)}).String()
	}
	o.Version = cmp.Or(o.Version, "v1.37.2")
	if o.Runtime == nil {
		o.Runtime = runtime.NewSimulated(runtime.Options{})
	}
	if o.Dial == nil {
		if d, ok := o.Runtime.(dialer); ok {
			o.Dial = d.Dial
		} else {
			o.Dial = new(net.Dialer).DialContext
		}
	}
	return o, nil
}

// kubelet is one running kubelet.
type kubelet struct {
	Options
	ctx     context.Context
	tasks   tasks
	clients *clients.Clients
	runtime *runtimeapi.VersionResponse
	events  *link.Recorder
	probes  *http.Client
	node    node
	// reporting holds the turns of the reports that are being written.
	reporting chan struct{}

	mu       sync.Mutex
	workers  map[types.UID]*worker
	accepted map[types.UID]reservation
}

// Run runs the kubelet of one node until ctx is done, and returns when nothing
// of it is left but the Pods in its runtime.
func Run(ctx context.Context, config *rest.Config, options Options) error {
	options, err := options.withDefaults()
	if err != nil {
		return err
	}
	l, err := link.New("kubelet", config)
	if err != nil {
		return fmt.Errorf("kubelet %s: %w", options.NodeName, err)
	}
	version, err := options.Runtime.Version(ctx, "")
	if err != nil {
		return fmt.Errorf("kubelet %s: container runtime: %w", options.NodeName, err)
	}

	ctx, cancel := context.WithCancel(klog.NewContext(ctx, klog.FromContext(ctx).WithValues("node", options.NodeName)))
	k := &kubelet{
		Options: options,
		ctx:     ctx,
		clients: l.Clients,
		events: link.NewRecorder(l.Clients, corev1.EventSource{Component: l.Name, Host: options.NodeName},
			link.RecorderOptions{Remembered: remembered}),
		runtime:   version,
		reporting: make(chan struct{}, reportsAtOnce),
		probes:    newProbeClient(options.Dial),
		workers:   map[types.UID]*worker{},
		accepted:  map[types.UID]reservation{},
	}
	k.tasks.domain = crash.From(ctx)
	defer k.tasks.close()
	defer cancel()

	k.tasks.Go(func() { k.events.Run(ctx) })

	if !k.register() {
		return nil // asked to stop before the API server answered
	}
	k.tasks.Go(k.keepNode)
	node := k.watchNode(l)
	k.tasks.Go(func() { node.RunWithContext(ctx) })

	// Events are kept before anything is read, so that nothing is missed.
	if !k.watchRuntime() {
		return nil
	}
	pods := k.watchPods(l)
	k.tasks.Go(func() { pods.RunWithContext(ctx) })
	if l.Synced(ctx) {
		if err := k.adoptOrphans(); err != nil {
			klog.FromContext(ctx).Error(err, "Pods that no longer exist are left in the runtime")
		}
	}
	<-ctx.Done()
	return nil
}

// watchPods watches the Pods bound to this node, and no others (KUBELET-01).
func (k *kubelet) watchPods(l *link.Link) link.Cache[*corev1.Pod] {
	pods := link.Watch(l, k.clients.Pods(metav1.NamespaceAll), link.Where(fields.OneTermEqualSelector("spec.nodeName", k.NodeName)))
	link.Handle(l, pods, link.On[*corev1.Pod]{
		Add:    k.podSeen,
		Update: func(_, pod *corev1.Pod) { k.podSeen(pod) },
		Delete: func(pod *corev1.Pod) { k.worker(pod.UID, pod).remove(pod) },
	})
	return pods
}

func (k *kubelet) podSeen(pod *corev1.Pod) {
	k.worker(pod.UID, pod).update(pod)
}

// worker returns the worker of the Pod with that uid: a Pod created again under
// the same name is another Pod (KUBELET-38).
func (k *kubelet) worker(uid types.UID, pod *corev1.Pod) *worker {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.workers[uid]
	if w == nil {
		w = newWorker(k, pod)
		k.workers[uid] = w
	}
	return w
}

func (k *kubelet) forget(uid types.UID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.workers, uid)
	delete(k.accepted, uid)
}

// watchRuntime has the workers look when something has ended in the runtime. It
// returns once events are being kept, or false when the kubelet is to stop.
func (k *kubelet) watchRuntime() bool {
	established := make(chan struct{})
	var once sync.Once
	events := make(chan *runtimeapi.ContainerEventResponse)
	k.tasks.Go(func() {
		for {
			err := k.Runtime.GetContainerEvents(k.ctx, events, func(runtimeapi.RuntimeService_GetContainerEventsClient) {
				once.Do(func() { close(established) })
			})
			if k.ctx.Err() != nil {
				return
			}
			if status.Code(err) == codes.Unimplemented {
				k.relist()
				return
			}
			klog.FromContext(k.ctx).Error(err, "the stream of container events ended")
			if !pause(k.ctx, time.Second) {
				return
			}
			k.pokeAll() // whatever was missed
		}
	})
	k.tasks.Go(func() {
		for {
			select {
			case <-k.ctx.Done():
				return
			case event := <-events:
				k.runtimeEvent(event)
			}
		}
	})
	select {
	case <-established:
		return true
	case <-k.ctx.Done():
		return false
	}
}

// runtimeEvent passes on what a container did by itself: to create and to start
// one is the worker's own doing.
func (k *kubelet) runtimeEvent(event *runtimeapi.ContainerEventResponse) {
	if event.ContainerEventType != runtimeapi.ContainerEventType_CONTAINER_STOPPED_EVENT {
		return
	}
	k.pokePod(types.UID(event.GetPodSandboxStatus().GetMetadata().GetUid()))
}

func (k *kubelet) pokePod(uid types.UID) {
	k.mu.Lock()
	w := k.workers[uid]
	k.mu.Unlock()
	if w != nil {
		w.poke()
	}
}

func (k *kubelet) pokeAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, w := range k.workers {
		w.poke()
	}
}

// adoptOrphans finds the Pods that are in the runtime and not, or no longer, in
// the API: they are stopped and removed (KUBELET-41).
func (k *kubelet) adoptOrphans() error {
	sandboxes, err := k.Runtime.ListPodSandbox(k.ctx, nil)
	if err != nil {
		return err
	}
	for _, sandbox := range sandboxes {
		metadata := sandbox.GetMetadata()
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			UID: types.UID(metadata.GetUid()), Name: metadata.GetName(), Namespace: metadata.GetNamespace(),
		}}
		k.mu.Lock()
		_, known := k.workers[pod.UID]
		k.mu.Unlock()
		if !known {
			k.worker(pod.UID, pod).remove(pod)
		}
	}
	return nil
}
