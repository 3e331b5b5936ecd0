package trace

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/objects"
)

// traced is the kind that the chain begins with.
var traced = chain.KindOf(chain.Steps[0].Kind)

// pods are the kind that it ends with.
var pods = chain.KindOf("Pod")

// isShown says that a step is one of the trace: others show in measurements only.
func isShown(step chain.Step) bool { return step.Notified || step.Verb != "" }

// moment is one step as it was taken for the first time.
type moment struct {
	at time.Time
	// writer of the step, and its write as verb and path of the resource.
	writer, write string
}

// chainState is what the record has shown so far of one Deployment.
type chainState struct {
	deployment *unstructured.Unstructured // its last version
	gone       bool                       // it was deleted
	began      time.Time                  // of the POST
	moments    []moment                   // by the step
	skipped    []bool                     // not to be taken

	// sets are the last versions of what stands between it and its Pods.
	sets map[types.UID]*unstructured.Unstructured
	pods map[types.UID]*pod
	// order is that in which the Pods appeared.
	order []*pod
	// orphans are objects whose owner has not been seen: two watches have no common
	// order.
	orphans map[types.UID][]history.Version

	// own are the versions of this chain's objects, without those of others, and
	// of the Nodes.
	own *history.History
	// nodesUnknown says that this client may not see Nodes.
	nodesUnknown bool

	// forward is when the chain last took a step; changed when anything of it
	// was last written; troubled since when something stands in its way.
	forward, changed, troubled time.Time
}

// pod is one Pod and when it took its steps.
type pod struct {
	object *unstructured.Unstructured
	taken  []time.Time // by the step
	gone   bool
	// unplaced and waiting are what its status complains of.
	unplaced, waiting []trouble
}

func newChain(deployment *unstructured.Unstructured, began, answered time.Time) *chainState {
	c := &chainState{
		deployment: deployment, began: began, own: history.New(),
		forward: answered, changed: answered,
		moments: make([]moment, len(chain.Steps)), skipped: make([]bool, len(chain.Steps)),
		sets: map[types.UID]*unstructured.Unstructured{}, pods: map[types.UID]*pod{},
		orphans: map[types.UID][]history.Version{},
	}
	c.moments[0] = moment{answered, "podchain", write(chain.Steps[0], deployment)}
	for i, step := range chain.Steps {
		// Where no Pod is asked for, nothing is counted either, but by the Deployment itself.
		noPod := c.wanted() == 0 && (step.Kind == pods.Name || step.Number == 0 && step.Kind != traced.Name)
		c.skipped[i] = noPod || !isShown(step)
	}
	return c
}

// write is what a step writes, as verb and path of the resource.
func write(step chain.Step, object *unstructured.Unstructured) string {
	text := step.Verb + " " + chain.KindOf(step.Kind).Resource + "/" + object.GetName()
	if step.Subresource != "" {
		text += "/" + step.Subresource
	}
	if step.Note != "" {
		text += " (" + step.Note + ")"
	}
	return text
}

// wanted is how many Pods the Deployment asks for.
func (c *chainState) wanted() int64 { return objects.Int(c.deployment, "spec", "replicas") }

// available says whether the Deployment's status reports all its Pods, of its
// present template and no others, as available.
func (c *chainState) available() bool {
	return !c.gone && chain.Steps[len(chain.Steps)-1].Taken(c.deployment, c.wanted())
}

// told says whether every step is known. The news of an effect may overtake
// those of its cause.
func (c *chainState) told() bool {
	for step, moment := range c.moments {
		if !c.skipped[step] && moment.at.IsZero() {
			return false
		}
	}
	ready := int64(0)
	for _, pod := range c.order {
		if times := pod.times(); !pod.gone && !times[len(times)-1].IsZero() {
			ready++
		}
	}
	return ready >= c.wanted()
}

// observe takes in the next version of the record, whosever it is.
func (c *chainState) observe(version history.Version) {
	object := version.Object
	owner := objects.Controller(object)
	switch kind := object.GetKind(); {
	case !slices.ContainsFunc(chain.Family(traced.Name), func(member chain.Kind) bool { return member.Name == kind }):
		c.own.Record(version.Type, object) // a Node
		return
	case object.GetUID() == c.deployment.GetUID():
		c.deployment, c.gone = object, version.Type == watch.Deleted
	case kind == traced.Name:
		return
	case owner != c.deployment.GetUID() && c.sets[owner] == nil:
		c.orphans[owner] = append(c.orphans[owner], version)
		return
	}
	c.own.Record(version.Type, object)
	c.changed = version.At
	if object.GetKind() == pods.Name {
		c.observePod(version)
		return
	}
	for i, step := range chain.Steps[1:] {
		if step.Kind == object.GetKind() && (step.Taken == nil || step.Taken(object, c.wanted())) {
			c.reach(i+1, version)
		}
	}
	if object.GetUID() != c.deployment.GetUID() {
		c.sets[object.GetUID()] = object
		waiting := c.orphans[object.GetUID()]
		delete(c.orphans, object.GetUID())
		for _, version := range waiting {
			c.observe(version)
		}
	}
}

// observePod notes the steps of a Pod, each once.
func (c *chainState) observePod(version history.Version) {
	object := version.Object
	p := c.pods[object.GetUID()]
	created := p == nil
	if created {
		p = &pod{taken: make([]time.Time, len(chain.Steps))}
		c.pods[object.GetUID()] = p
		c.order = append(c.order, p)
	}
	p.object, p.gone = object, version.Type == watch.Deleted
	p.unplaced, p.waiting = unplaced(object), waiting(object)
	for i, step := range chain.Steps {
		if step.Kind != pods.Name || !isShown(step) || !p.taken[i].IsZero() || step.Taken != nil && !step.Taken(object, c.wanted()) {
			continue
		}
		p.taken[i], c.forward = version.At, version.At
		if created && !step.Notified && step.Taken != nil {
			// What has made the Pod has taken the step with it.
			c.skipped[i-1], c.skipped[i] = true, true
		}
	}
	for i := range chain.Steps {
		if p.taken[i].Equal(version.At) {
			c.reach(i, version)
		}
	}
}

// reach notes a step that is taken for the first time. Where its link is notified, the
// API server has sent the news that it waits for: the trace watches as the link does.
func (c *chainState) reach(at int, version history.Version) {
	if !c.moments[at].at.IsZero() || c.skipped[at] {
		return
	}
	step, who := chain.Steps[at], ""
	if step.By != nil {
		who = step.By(version.Object)
	}
	switch {
	case step.Notified && who == "":
		who = string(step.Link)
		fallthrough
	case step.Notified:
		c.moments[at] = moment{version.At, string(chain.APIServer), "notify " + who}
	case who == "":
		who = c.writer(version, step.Link)
		fallthrough
	default:
		c.moments[at] = moment{version.At, who, write(step, version.Object)}
	}
	c.forward = version.At
}

// writer returns who wrote the version: the link whose part it is, unless the
// object's managed fields name another. One program may hold several links, and
// write by its own name.
func (c *chainState) writer(version history.Version, link chain.Link) string {
	manager, _, _ := strings.Cut(diagnosis.Writer(c.own.Now(), history.Version{
		Seq: c.own.Now().Len(), Type: version.Type, Object: version.Object}), " (")
	if manager == link.Contract().Program || manager == diagnosis.UnknownWriter {
		return string(link)
	}
	return manager
}
