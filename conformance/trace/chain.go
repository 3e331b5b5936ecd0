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

// The steps of the chain, by the numbers that the specification gives them, and
// the way back, on which each controller counts what the link after it reported.
const (
	posted = iota + 1
	deploymentNotified
	replicaSetCreated
	replicaSetNotified
	podCreated
	podNotified
	podBound
	kubeletNotified
	podStarted
	podReady
	replicaSetCounts
	deploymentCounts
	steps
)

// lastNumbered is the last step that has a number.
const lastNumbered = podReady

// moment is one step as it was taken for the first time.
type moment struct {
	at time.Time
	// writer of the step, and its write as verb and path of the resource.
	writer, write string
}

// chain is what the record has shown so far of one Deployment.
type chainState struct {
	deployment *unstructured.Unstructured // its last version
	gone       bool                       // it was deleted
	began      time.Time                  // of the POST
	moments    [steps]moment
	skipped    [steps]bool // not to be taken

	sets map[types.UID]*unstructured.Unstructured
	pods map[types.UID]*pod
	// order is that in which the Pods appeared.
	order []*pod
	// orphans are Pods whose ReplicaSet has not been seen: two watches have no
	// common order.
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
	object                         *unstructured.Unstructured
	created, bound, started, ready time.Time
	gone                           bool
	// unplaced and waiting are what its status complains of.
	unplaced, waiting []trouble
}

func newChain(deployment *unstructured.Unstructured, began, answered time.Time) *chainState {
	c := &chainState{
		deployment: deployment, began: began, own: history.New(),
		forward: answered, changed: answered,
		sets: map[types.UID]*unstructured.Unstructured{}, pods: map[types.UID]*pod{},
		orphans: map[types.UID][]history.Version{},
	}
	c.moments[posted] = moment{answered, "podchain", "create deployments/" + deployment.GetName()}
	if c.wanted() == 0 {
		for step := podCreated; step <= replicaSetCounts; step++ {
			c.skipped[step] = true
		}
	}
	return c
}

// wanted is how many Pods the Deployment asks for.
func (c *chainState) wanted() int64 { return objects.Int(c.deployment, "spec", "replicas") }

// available says whether the Deployment's status reports all its Pods, of its
// present template and no others, as available.
func (c *chainState) available() bool {
	status := func(counter string) int64 { return objects.Int(c.deployment, "status", counter) }
	return !c.gone && status("observedGeneration") >= c.deployment.GetGeneration() &&
		status("updatedReplicas") == c.wanted() && status("availableReplicas") == c.wanted() && status("replicas") == c.wanted()
}

// told says whether every step is known. The news of an effect may overtake
// those of its cause.
func (c *chainState) told() bool {
	for step := posted; step < steps; step++ {
		if !c.skipped[step] && c.moments[step].at.IsZero() {
			return false
		}
	}
	ready := int64(0)
	for _, pod := range c.order {
		if !pod.gone && !pod.ready.IsZero() {
			ready++
		}
	}
	return ready >= c.wanted()
}

// observe takes in the next version of the record, whosever it is.
func (c *chainState) observe(version history.Version) {
	object := version.Object
	switch object.GetKind() {
	case "Node":
		c.own.Record(version.Type, object)
	case "Deployment":
		if object.GetUID() == c.deployment.GetUID() {
			c.keep(version)
			c.observeDeployment(version)
		}
	case "ReplicaSet":
		if objects.Controller(object) == c.deployment.GetUID() {
			c.keep(version)
			c.observeReplicaSet(version)
		}
	case "Pod":
		owner := objects.Controller(object)
		if c.sets[owner] == nil {
			c.orphans[owner] = append(c.orphans[owner], version)
			return
		}
		c.keep(version)
		c.observePod(version)
	}
}

func (c *chainState) keep(version history.Version) {
	c.own.Record(version.Type, version.Object)
	c.changed = version.At
}

// reach notes a step that a link takes for the first time.
func (c *chainState) reach(step int, version history.Version, link chain.Link, write string) {
	if c.moments[step].at.IsZero() {
		c.note(step, version.At, c.writer(version, link), write)
	}
}

// notify notes that the API server sent the news which a link waits for: the
// trace watches as that link does.
func (c *chainState) notify(step int, at time.Time, link string) {
	c.note(step, at, string(chain.APIServer), "notify "+link)
}

func (c *chainState) note(step int, at time.Time, writer, write string) {
	if c.moments[step].at.IsZero() {
		c.moments[step] = moment{at, writer, write}
		c.forward = at
	}
}

func (c *chainState) observeDeployment(version history.Version) {
	c.deployment, c.gone = version.Object, version.Type == watch.Deleted
	c.notify(deploymentNotified, version.At, string(chain.DeploymentController))
	if c.available() {
		c.reach(deploymentCounts, version, chain.DeploymentController,
			"update deployments/"+c.deployment.GetName()+"/status")
	}
}

func (c *chainState) observeReplicaSet(version history.Version) {
	set := version.Object
	_, known := c.sets[set.GetUID()]
	c.sets[set.GetUID()] = set
	c.reach(replicaSetCreated, version, chain.DeploymentController,
		"create replicasets/"+set.GetName())
	c.notify(replicaSetNotified, version.At, string(chain.ReplicaSetController))
	if wanted := c.wanted(); wanted > 0 && objects.Int(set, "status", "availableReplicas") == wanted {
		c.reach(replicaSetCounts, version, chain.ReplicaSetController,
			"update replicasets/"+set.GetName()+"/status")
	}
	if !known {
		waiting := c.orphans[set.GetUID()]
		delete(c.orphans, set.GetUID())
		for _, version := range waiting {
			c.observe(version)
		}
	}
}

func (c *chainState) observePod(version history.Version) {
	object := version.Object
	path := "pods/" + object.GetName()
	p := c.pods[object.GetUID()]
	if p == nil {
		p = &pod{}
		c.pods[object.GetUID()] = p
		c.order = append(c.order, p)
	}
	p.object, p.gone = object, version.Type == watch.Deleted
	p.unplaced, p.waiting = unplaced(object), waiting(object)
	// passes notes a step of this Pod, and tells whether it has just taken it.
	passes := func(at *time.Time, condition bool) bool {
		if !condition || !at.IsZero() {
			return false
		}
		*at = version.At
		c.forward = version.At
		return true
	}
	node := objects.Text(object, "spec", "nodeName")
	if passes(&p.created, true) {
		c.reach(podCreated, version, chain.ReplicaSetController, "create "+path)
		if node != "" { // its template names the node
			c.skipped[podNotified], c.skipped[podBound] = true, true
		} else {
			c.notify(podNotified, version.At, schedulerOf(object))
		}
	}
	if passes(&p.bound, node != "") {
		// A binding leaves no trace in the managed fields.
		c.note(podBound, version.At, schedulerOf(object), "create "+path+"/binding")
		c.notify(kubeletNotified, version.At, "kubelet of "+node)
	}
	if passes(&p.started, allStarted(object)) {
		c.reach(podStarted, version, chain.Kubelet, "update "+path+"/status (running)")
	}
	if passes(&p.ready, objects.Condition(object, "Ready") == "True") {
		c.reach(podReady, version, chain.Kubelet, "update "+path+"/status (ready)")
	}
}

func schedulerOf(object *unstructured.Unstructured) string {
	if name := objects.Text(object, "spec", "schedulerName"); name != "" && name != "default-scheduler" {
		return name
	}
	return string(chain.Scheduler)
}

// programs are the field managers under which links write when they are not
// known by their own names: one program may hold several.
var programs = map[string][]chain.Link{
	"kube-controller-manager": {chain.DeploymentController, chain.ReplicaSetController},
	"kube-scheduler":          {chain.Scheduler},
	"unknown":                 chain.AllLinks,
}

// writer returns the writer of the version: the given link, unless the managed fields of
// the object name another client.
func (c *chainState) writer(version history.Version, link chain.Link) string {
	manager, _, _ := strings.Cut(diagnosis.Writer(c.own.Now(), history.Version{
		Seq: c.own.Now().Len(), Type: version.Type, Object: version.Object}), " (")
	if slices.Contains(programs[manager], link) {
		return string(link)
	}
	return manager
}

func allStarted(object *unstructured.Unstructured) bool {
	statuses, _, _ := unstructured.NestedSlice(object.Object, "status", "containerStatuses")
	containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "containers")
	for _, entry := range statuses {
		status, _ := entry.(map[string]any)
		if _, running, _ := unstructured.NestedMap(status, "state", "running"); !running {
			return false
		}
	}
	return len(statuses) > 0 && len(statuses) == len(containers)
}
