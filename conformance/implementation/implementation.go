// Package implementation is what an implementation of Kubernetes, or of one
// link of it, plugs into: start it, get a rest.Config, stop it. Everything
// else is optional: a richer implementation offers more of the interfaces
// below, the suite discovers them, and a requirement that needs one which is
// not offered is not applicable.
package implementation

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
)

// Description is chain.Description: an adapter that names no link needs no package but
// this one.
type Description = chain.Description

// Link is chain.Link, for the same reason.
type Link = chain.Link

// Implementation is a way to get a cluster.
type Implementation interface {
	// Describe says what is being checked. It is called after the first Start.
	Describe() chain.Description
	// Start brings a cluster up and returns once its API server answers. The
	// context bounds the start only. What Start left behind when it failed is
	// the implementation's to remove.
	Start(ctx context.Context) (Cluster, error)
}

// Cluster is one running cluster.
type Cluster interface {
	// Config reaches the API server as an administrator. The caller may copy
	// and change it.
	Config() *rest.Config
	// Stop ends everything that Start and the optional interfaces started, and
	// returns when it has ended.
	Stop(ctx context.Context) error
}

// Virtual is offered by an implementation that runs within a testing/synctest
// bubble: all its clusters read time through package time, none has a
// goroutine outside of its bubble. The suite then gives each scenario a bubble
// and a cluster of its own.
type Virtual interface {
	Implementation
	// Virtual calls run in a new bubble and returns when run has returned and
	// all goroutines of the bubble have ended.
	Virtual(t *testing.T, run func(t *testing.T))
}

// Persistent is offered by a cluster that keeps running after Stop, since the suite did
// not start it: what a run creates there has to be marked as the run's, and removed at
// the end.
type Persistent interface {
	// Persists says so by being there.
	Persists()
}

// Links is offered by a cluster whose links start and stop one by one
// (capability "links").
type Links interface {
	// StopLink returns when the link has ended and no write of it is under way.
	StopLink(ctx context.Context, link chain.Link) error
	// StartLink starts a stopped link again; it acts on what it then finds.
	StartLink(ctx context.Context, link chain.Link) error
}

// Replicas is offered by a cluster that can run a link twice, where one of the
// two leads and the other waits (capability "replicas").
type Replicas interface {
	// StartReplica has the link run as two processes of which one is elected, and
	// returns when one leads.
	StartReplica(ctx context.Context, link chain.Link) error
	// KillLeader ends the process of the link that leads, without a chance to let
	// go of its Lease, and returns when no write of it is under way.
	KillLeader(ctx context.Context, link chain.Link) error
	// StopReplicas leaves the link with one process.
	StopReplicas(ctx context.Context, link chain.Link) error
}

// Nodes is offered by a cluster that grows and shrinks by nodes which take and
// run Pods (capability "nodes").
type Nodes interface {
	// AddNode brings up a node with the name, labels, taints and (where set, and
	// with the capability "sizes") status.capacity and status.allocatable of
	// the given object, and returns
	// when it is Ready. ErrNotReady is in the chain of the error if all that it
	// lacks is a kubelet that makes it so.
	AddNode(ctx context.Context, node *corev1.Node) error
	// RemoveNode ends the node's kubelet and deletes its Node object.
	RemoveNode(ctx context.Context, name string) error
}

// ErrNotReady says that a node is there and its kubelet does not do its part.
var ErrNotReady = errors.New("the node does not become ready")

// Kubelets is offered by a cluster whose kubelets stop and start one by one
// (capability "kubelets"): that is how a node fails, and how it comes back.
type Kubelets interface {
	// StopKubelet ends the kubelet of the node with that name, as a crash would;
	// the containers there run on. It returns when no write of it is under way, and
	// does nothing if the kubelet is stopped.
	StopKubelet(ctx context.Context, node string) error
	// StartKubelet starts a stopped kubelet again; it acts on what it then finds.
	StartKubelet(ctx context.Context, node string) error
}

// Runtime is offered by a cluster that lets the suite see the calls which its
// kubelets make on their container runtime (capability "cri").
type Runtime interface {
	// Calls returns all calls so far, in the order in which they were made.
	Calls(ctx context.Context) ([]Call, error)
}

// Call is one CRI call of a kubelet, finished or not.
type Call struct {
	// Node whose kubelet called.
	Node string `json:"node"`
	// Time when it did.
	Time time.Time `json:"time"`
	// Method of the CRI, such as "RunPodSandbox" or "PullImage".
	Method string `json:"method"`
	// PodUID, PodName and PodNamespace as the kubelet labelled the sandbox that
	// the call is about; empty for calls about images.
	PodUID       string `json:"podUID,omitempty"`
	PodName      string `json:"podName,omitempty"`
	PodNamespace string `json:"podNamespace,omitempty"`
	// Container name; empty for calls about sandboxes and images.
	Container string `json:"container,omitempty"`
	// Image reference; empty for calls that name none.
	Image string `json:"image,omitempty"`
	// Sandbox is the id of the sandbox the call created or was about.
	Sandbox string `json:"sandbox,omitempty"`
	// Timeout of a StopContainer; in JSON, nanoseconds.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Labels of the sandbox or container created.
	Labels map[string]string `json:"labels,omitempty"`
	// Command, Args, WorkingDir and Env of a container created.
	Command    []string          `json:"command,omitempty"`
	Args       []string          `json:"args,omitempty"`
	WorkingDir string            `json:"workingDir,omitempty"`
	Env        map[string]string `json:"env,omitempty"`
	// Error that the runtime answered; empty for success.
	Error string `json:"error,omitempty"`
}

// ImageNames is offered by a cluster that serves the specification's images under
// names of its own.
type ImageNames interface {
	// ImageName returns the reference under which a Pod asks for the image of
	// the table in fixtures, given as "web:1": that name, with the same prefix
	// for all, such as a registry's host. One that the registry lacks may
	// have a scope in front, "scope/unpublished:1": where scenarios share a cluster,
	// each has its own.
	ImageName(short string) string
}

// Images is offered by one that also lets the suite say which of them exist
// (capability "images").
type Images interface {
	ImageNames
	// Publish makes an image that the registry lacked available from now on,
	// with a scope in front in that scope only.
	Publish(ctx context.Context, short string) error
}

// Settler is offered by a cluster that knows when it is at rest: no link has
// anything left to do but what a timer or a request from outside will give it.
type Settler interface {
	// Settle returns when the cluster is at rest.
	Settle(ctx context.Context) error
}

// Compactor is offered by a cluster whose store can be made to forget the past
// (capability "compaction").
type Compactor interface {
	// Compact forgets every version before the present ones: a watch from an
	// older version ends as expired.
	Compact(ctx context.Context) error
}

// CrashReporter is offered by a cluster that runs links which may end without having
// been stopped.
type CrashReporter interface {
	// Crashed returns the first link in the order of the chain that has, and how
	// it ended; a nil error if none has.
	Crashed() (chain.Link, error)
}
