package cluster

import (
	"slices"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// Cache holds the nodes and the Pods that are on them, or assumed to be.
type Cache struct {
	mu sync.Mutex
	// nodes by name. A node that Pods were seen on before itself has no
	// v1.Node yet and is not among the listed.
	nodes           map[string]*Node
	listed          []*Node
	pods            map[types.UID]*Pod
	classes         map[string]map[string]*Class // by namespace and key
	imageNodes      map[string]int
	namespaceLabels func(string) labels.Set
}

// View is the cluster as one decision sees it. It is valid only within
// [Cache.Look].
type View struct {
	Nodes []*Node
	// ImageNodes counts the nodes that have an image.
	ImageNodes map[string]int
	// NamespaceLabels returns the labels of a namespace.
	NamespaceLabels func(string) labels.Set

	classes map[string]map[string]*Class
	// guests are classes of Pods that are only tried.
	guests []*Class
}

// Classes returns the classes that are wanted of the Pods in a namespace, or in
// any if it is "".
func (v View) Classes(namespace string, wanted func(*Class) bool) []*Class {
	var classes []*Class
	add := func(class *Class) {
		if wanted(class) {
			classes = append(classes, class)
		}
	}
	for name, all := range v.classes {
		if namespace == "" || name == namespace {
			for _, class := range all {
				add(class)
			}
		}
	}
	for _, class := range v.guests {
		if namespace == "" || class.Namespace == namespace {
			add(class)
		}
	}
	return classes
}

// With returns the view with another version of one node.
func (v View) With(node *Node) View {
	v.Nodes = slices.Clone(v.Nodes)
	for i, n := range v.Nodes {
		if n.Name == node.Name {
			v.Nodes[i] = node
		}
	}
	v.guests = slices.Clone(v.guests)
	for class := range node.Classes {
		if class.pods == 0 {
			v.guests = append(v.guests, class)
		}
	}
	return v
}

// NewCache returns an empty cache. namespaceLabels looks a namespace up.
func NewCache(namespaceLabels func(string) labels.Set) *Cache {
	return &Cache{
		nodes:           map[string]*Node{},
		pods:            map[types.UID]*Pod{},
		classes:         map[string]map[string]*Class{},
		imageNodes:      map[string]int{},
		namespaceLabels: namespaceLabels,
	}
}

// Look calls f with the cluster as it is. Nothing changes meanwhile, except
// through the Assume that f is given.
func (c *Cache) Look(f func(view View, assume func(*Pod, string) bool)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(View{Nodes: c.listed, ImageNodes: c.imageNodes, NamespaceLabels: c.namespaceLabels, classes: c.classes}, c.assume)
}

// SetNode adds a node or takes over its new version.
func (c *Cache) SetNode(node *v1.Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.node(node.Name)
	if n.Node == nil {
		c.listed = append(c.listed, n)
	}
	c.countImages(n, -1)
	n.set(node)
	c.countImages(n, 1)
}

// RemoveNode forgets a node; Pods on it stay accounted for until they go too.
func (c *Cache) RemoveNode(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.nodes[name]
	if !ok || n.Node == nil {
		return
	}
	c.countImages(n, -1)
	n.Node, n.Images = nil, nil
	c.listed = slices.DeleteFunc(c.listed, func(other *Node) bool { return other == n })
	c.dropIfEmpty(name)
}

func (c *Cache) countImages(n *Node, times int) {
	for image := range n.Images {
		if c.imageNodes[image] += times; c.imageNodes[image] == 0 {
			delete(c.imageNodes, image)
		}
	}
}

// SetPod takes over a Pod that has a node. What was assumed of it is replaced.
func (c *Cache) SetPod(pod *v1.Pod) error {
	p, err := NewPod(pod)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(pod.UID)
	c.place(p, pod.Spec.NodeName)
	return nil
}

// RemovePod forgets a Pod and reports whether it was there.
func (c *Cache) RemovePod(uid types.UID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.remove(uid)
}

// Forget takes back an assumption. If the Pod has been seen on a node since, it
// is no longer an assumption and stays.
func (c *Cache) Forget(uid types.UID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	pod, ok := c.pods[uid]
	return ok && pod.assumed && c.remove(uid)
}

// Has tells whether the Pod is on a node or assumed to be.
func (c *Cache) Has(uid types.UID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.pods[uid]
	return ok
}

// assume books the Pod on the node. It returns false for a Pod that has a node
// already: another scheduler was faster, or the watch has not confirmed its last
// booking yet.
func (c *Cache) assume(pod *Pod, node string) bool {
	if _, ok := c.pods[pod.UID]; ok {
		return false
	}
	assumed := *pod
	assumed.assumed = true
	c.place(&assumed, node)
	return true
}

func (c *Cache) place(pod *Pod, node string) {
	classes, ok := c.classes[pod.Namespace]
	if !ok {
		classes = map[string]*Class{}
		c.classes[pod.Namespace] = classes
	}
	if class, ok := classes[pod.Class.key]; ok {
		pod.Class = class
	} else {
		// The class of a Pod that is only tried stays its own.
		class := *pod.Class
		pod.Class = &class
		classes[class.key] = &class
	}
	pod.Class.pods++
	pod.node = node
	c.pods[pod.UID] = pod
	c.node(node).Add(pod)
}

func (c *Cache) remove(uid types.UID) bool {
	pod, ok := c.pods[uid]
	if !ok {
		return false
	}
	delete(c.pods, uid)
	c.nodes[pod.node].Remove(pod)
	c.dropIfEmpty(pod.node)
	if pod.Class.pods--; pod.Class.pods == 0 {
		classes := c.classes[pod.Namespace]
		if delete(classes, pod.Class.key); len(classes) == 0 {
			delete(c.classes, pod.Namespace)
		}
	}
	return true
}

func (c *Cache) node(name string) *Node {
	n, ok := c.nodes[name]
	if !ok {
		n = newNode()
		c.nodes[name] = n
	}
	return n
}

func (c *Cache) dropIfEmpty(name string) {
	if n := c.nodes[name]; n != nil && n.Node == nil && len(n.Pods) == 0 {
		delete(c.nodes, name)
	}
}
