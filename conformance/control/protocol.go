// Package control carries what a cluster offers beyond the API of Kubernetes,
// such as to stop a link or to add a node, between the process that runs the
// cluster and the suite: HTTP and JSON on a unix socket that only its owner can
// open. An implementation that is not written in Go, or runs elsewhere on the
// machine, offers its capabilities by answering these requests:
//
//	GET    /v1                       what is offered: Offer
//	POST   /v1/links/LINK/stop       implementation.Links.StopLink
//	POST   /v1/links/LINK/start      implementation.Links.StartLink
//	POST   /v1/nodes                 implementation.Nodes.AddNode; the body is the Node
//	DELETE /v1/nodes/NAME            implementation.Nodes.RemoveNode
//	POST   /v1/nodes/NAME/kubelet/stop   implementation.Kubelets.StopKubelet
//	POST   /v1/nodes/NAME/kubelet/start  implementation.Kubelets.StartKubelet
//	GET    /v1/calls                 implementation.Runtime.Calls: Calls
//	POST   /v1/images                implementation.Images.Publish; the body is an Image
//	POST   /v1/compaction            implementation.Compactor.Compact
//	POST   /v1/links/LINK/faults     implementation.Faults.Inject; the body is an implementation.Fault
//	GET    /v1/faults/triggered?namespace=NS  implementation.Faults.AwaitTriggered
//	DELETE /v1/faults?namespace=NS   implementation.Faults.Heal
//	GET    /v1/writes                implementation.Faults.Writes: Writes
//	GET    /v1/notices               implementation.WatchObserver.Notices: Notices
//	GET    /v1/store                 implementation.Store.StoreAccess: implementation.StoreAccess
//	POST   /v1/store/stop            implementation.Outage.StopStore
//	POST   /v1/store/start           implementation.Outage.StartStore
//	POST   /v1/links/LINK/replicas   implementation.Replicas.StartReplica
//	POST   /v1/links/LINK/kill-leader  implementation.Replicas.KillLeader
//	DELETE /v1/links/LINK/replicas   implementation.Replicas.StopReplicas
//
// An answer other than 200 has a Fault as its body.
package control

import (
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

// Offer says what the cluster is and what it offers.
type Offer struct {
	Implementation chain.Description `json:"implementation"`
	// Capabilities by name (implementation.Capabilities).
	Capabilities []string `json:"capabilities"`
	// Notices says that GET /v1/notices is served: no requirement needs them, but they
	// show the reader of a run when which link was notified of what.
	Notices bool `json:"notices,omitempty"`
	// ImagePrefix stands in front of the name of every image of the fixtures.
	ImagePrefix string `json:"imagePrefix,omitempty"`
}

// Calls are those of the kubelets on their container runtimes, in order.
type Calls struct {
	Calls []implementation.Call `json:"calls"`
}

// Writes is the answer to GET /v1/writes.
type Writes struct {
	Writes []implementation.Write `json:"writes"`
}

// Notices is the answer to GET /v1/notices.
type Notices struct {
	Notices []implementation.Notice `json:"notices"`
}

// Image names an image of the fixtures, such as "unpublished:1", with or without a
// scope in front.
type Image struct {
	Name string `json:"name"`
}

// Fault says why something was not done.
type Fault struct {
	Error string `json:"error"`
	// NotReady says that a node was added and that nothing but a kubelet that
	// makes it ready is missing (implementation.ErrNotReady).
	NotReady bool `json:"notReady,omitempty"`
}
