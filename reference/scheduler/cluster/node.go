package cluster

import (
	"maps"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Node is a node and what its Pods take of it.
type Node struct {
	*v1.Node
	Allocatable Resources
	// Requested is the sum of its Pods' requests, Ranked the same for ranking.
	Requested, Ranked Resources
	Pods              map[types.UID]*Pod
	// Classes counts the Pods by class, Terms only those that have terms.
	Classes, Terms map[*Class]Count
	// Ports in use; Pods that were not assigned by this scheduler may use one more
	// than once.
	Ports map[Port]int
	// Images that are present, and their sizes.
	Images map[string]int64
}

func newNode() *Node {
	return &Node{
		Pods:    map[types.UID]*Pod{},
		Classes: map[*Class]Count{},
		Terms:   map[*Class]Count{},
		Ports:   map[Port]int{},
	}
}

func (n *Node) set(node *v1.Node) {
	n.Node = node
	n.Allocatable = ResourcesOf(node.Status.Allocatable)
	n.Images = map[string]int64{}
	for _, image := range node.Status.Images {
		for _, name := range image.Names {
			n.Images[ImageName(name)] = image.SizeBytes
		}
	}
}

// ImageName is the name with the tag that goes without saying.
func ImageName(name string) string {
	if strings.LastIndexByte(name, ':') <= strings.LastIndexByte(name, '/') {
		return name + ":latest"
	}
	return name
}

// Add puts a Pod on the node.
func (n *Node) Add(pod *Pod) {
	n.Pods[pod.UID] = pod
	n.count(pod, 1)
}

// Remove takes it off again.
func (n *Node) Remove(pod *Pod) {
	delete(n.Pods, pod.UID)
	n.count(pod, -1)
}

// HasAny tells whether a Pod of one of these classes is on the node.
func (n *Node) HasAny(classes []*Class) bool {
	for _, class := range classes {
		if _, ok := n.Classes[class]; ok {
			return true
		}
	}
	return false
}

// Staying counts the node's Pods of these classes that are not on their way out.
func (n *Node) Staying(classes []*Class) int {
	pods := 0
	for _, class := range classes {
		count := n.Classes[class]
		pods += count.All - count.Leaving
	}
	return pods
}

func (n *Node) count(pod *Pod, times int) {
	n.Requested.plus(pod.Request, int64(times))
	n.Ranked.plus(pod.Ranked, int64(times))
	for _, port := range pod.Ports {
		if n.Ports[port] += times; n.Ports[port] == 0 {
			delete(n.Ports, port)
		}
	}
	tally(n.Classes, pod, times)
	if pod.Class.HasTerms() {
		tally(n.Terms, pod, times)
	}
}

func tally(classes map[*Class]Count, pod *Pod, times int) {
	count := classes[pod.Class]
	count.All += times
	if pod.DeletionTimestamp != nil {
		count.Leaving += times
	}
	if count.All == 0 {
		delete(classes, pod.Class)
		return
	}
	classes[pod.Class] = count
}

// Clone returns a copy to try things on: Pods can be added and removed.
func (n *Node) Clone() *Node {
	c := *n
	c.Requested, c.Ranked = n.Requested.clone(), n.Ranked.clone()
	c.Pods = maps.Clone(n.Pods)
	c.Classes, c.Terms = maps.Clone(n.Classes), maps.Clone(n.Terms)
	c.Ports = maps.Clone(n.Ports)
	return &c
}
