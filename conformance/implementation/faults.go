package implementation

import (
	"context"
	"fmt"
	"time"

	"github.com/podchain/podchain/conformance/chain"
)

// Faults is offered by a cluster whose links reach the API server through taps
// (capability "faults"): what stands between a link and the API server sees every
// write of the link, and misbehaves on purpose.
type Faults interface {
	// Inject has the requests of a link that the fault is about meet it, beginning
	// with the next one.
	Inject(ctx context.Context, link chain.Link, fault Fault) error
	// AwaitTriggered returns when every fault in force of the namespace, with "" of those that name
	// none, has been met by as many requests as it says, or by one if it says none.
	AwaitTriggered(ctx context.Context, namespace string) error
	// Heal ends all faults of the namespace; with "" those that name none. Delayed
	// requests are sent: it returns when they have been answered.
	Heal(ctx context.Context, namespace string) error
	// Writes returns what the links have written, and among it every other request
	// that met a fault, in the order in which the answers passed the taps: that of one
	// link is the API server's, that between two links may differ from it.
	Writes(ctx context.Context) ([]Write, error)
}

// WatchObserver is offered by a cluster whose taps also follow the watches of its links: it
// knows when which of them was notified of what.
type WatchObserver interface {
	// Notices returns what watches have delivered to links, in order of arrival, except
	// Leases and Events. It may have dropped old ones.
	Notices(ctx context.Context) ([]Notice, error)
}

// Notice is the arrival of a version of an object at a link that watches it.
type Notice struct {
	// Link that was notified, any of its processes.
	Link chain.Link `json:"link"`
	// Resource, Namespace and Name as in RBAC, and the ResourceVersion that arrived.
	Resource        string `json:"resource"`
	Namespace       string `json:"namespace,omitempty"`
	Name            string `json:"name"`
	ResourceVersion string `json:"resourceVersion"`
	// Time when the link had read it to its end.
	Time time.Time `json:"time"`
}

// Fault is one way in which what is between a link and the API server
// misbehaves, and the requests that meet it.
type Fault struct {
	// Verb, Resource and Subresource of the requests, as in RBAC: "create",
	// "pods", "binding". An empty Verb or Resource stands for any; an empty
	// Subresource for none.
	Verb        string `json:"verb,omitempty"`
	Resource    string `json:"resource,omitempty"`
	Subresource string `json:"subresource,omitempty"`
	// Namespace of the requests. Empty: any, those across namespaces included.
	Namespace string `json:"namespace,omitempty"`
	// Times is how many requests meet the fault; 0: all, until it is healed.
	Times int `json:"times,omitempty"`
	// Effect is what happens to them.
	Effect Effect `json:"effect"`
	// Code of an Answer: 409, 410, 429 or 500.
	Code int `json:"code,omitempty"`
	// Delay of a Delay; in JSON, nanoseconds.
	Delay time.Duration `json:"delay,omitempty"`
}

// Effect is what a fault does to a request.
type Effect string

// The effects.
const (
	// LoseReply passes the request on, and cuts the connection instead of
	// passing the answer back.
	LoseReply Effect = "lose reply"
	// Answer answers with a Status of Fault.Code; the API server sees nothing.
	Answer Effect = "answer"
	// Delay passes the request on after Fault.Delay.
	Delay Effect = "delay"
	// Cut breaks the connection: that of a watch in the middle, those that are open
	// included, without a proper end of the stream; that of any other request before
	// it is passed on.
	Cut Effect = "cut"
)

// Check returns an error for a fault that cannot be.
func (f Fault) Check() error {
	switch f.Effect {
	case LoseReply, Cut:
	case Answer:
		if f.Code < 400 || f.Code > 599 {
			return fmt.Errorf("fault %q needs the code of a failure, not %d", f.Effect, f.Code)
		}
	case Delay:
		if f.Delay <= 0 {
			return fmt.Errorf("fault %q needs a time", f.Effect)
		}
	default:
		return fmt.Errorf("unknown fault %q: there are %q", f.Effect, []Effect{LoseReply, Answer, Delay, Cut})
	}
	if f.Times < 0 {
		return fmt.Errorf("fault %q: a number of times is not negative", f.Effect)
	}
	return nil
}

// Write is one request of a link that changed something, or tried to, or that
// met a fault.
type Write struct {
	// Link that wrote.
	Link chain.Link `json:"link"`
	// Verb, Resource, Subresource, Namespace and Name as in RBAC. The name of what
	// is created is the one in the answer.
	Verb        string `json:"verb"`
	Resource    string `json:"resource"`
	Subresource string `json:"subresource,omitempty"`
	Namespace   string `json:"namespace,omitempty"`
	Name        string `json:"name,omitempty"`
	// Code that the API server answered; 0 if it did not.
	Code int `json:"code"`
	// ResourceVersion of the object in the answer; empty without an object.
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// Fault that the request met, as its effect; empty for none.
	Fault Effect `json:"fault,omitempty"`
	// Time of the answer.
	Time time.Time `json:"time"`
}

// Succeeded tells whether the API server has done what the write asked for: it has not
// refused it, and not been kept from seeing it.
func (w Write) Succeeded() bool { return w.Code < 300 && w.Fault != Cut }
