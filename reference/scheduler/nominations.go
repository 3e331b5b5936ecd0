package scheduler

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/podchain/podchain/reference/scheduler/cluster"
)

// nominations are the Pods for which room is being made, and where. The room is
// theirs before Pods that are less important.
type nominations struct {
	mu     sync.Mutex
	byPod  map[types.UID]*nomination
	onNode map[string]int
}

type nomination struct {
	pod     *cluster.Pod
	node    string
	victims map[types.UID]struct{}
}

func (n *nominations) set(pod *cluster.Pod, node string, victims []*cluster.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.remove(pod.UID)
	if n.byPod == nil {
		n.byPod, n.onNode = map[types.UID]*nomination{}, map[string]int{}
	}
	nomination := &nomination{pod: pod, node: node, victims: map[types.UID]struct{}{}}
	for _, victim := range victims {
		nomination.victims[victim.UID] = struct{}{}
	}
	n.byPod[pod.UID] = nomination
	n.onNode[node]++
}

// adopt takes over what status.nominatedNodeName says, from before a restart.
func (n *nominations) adopt(pod *cluster.Pod) {
	if pod.Status.NominatedNodeName == "" || n.node(pod.UID) != "" {
		return
	}
	n.set(pod, pod.Status.NominatedNodeName, nil)
}

// drop takes a nomination back and reports whether there was one.
func (n *nominations) drop(uid types.UID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.remove(uid)
}

func (n *nominations) remove(uid types.UID) bool {
	nomination, ok := n.byPod[uid]
	if !ok {
		return false
	}
	delete(n.byPod, uid)
	if n.onNode[nomination.node]--; n.onNode[nomination.node] == 0 {
		delete(n.onNode, nomination.node)
	}
	return true
}

// of returns the node where room is being made for the Pod.
func (n *nominations) of(pod *cluster.Pod) string { return n.node(pod.UID) }

func (n *nominations) node(uid types.UID) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if nomination, ok := n.byPod[uid]; ok {
		return nomination.node
	}
	return ""
}

// victim tells whether the second Pod has to go for the first.
func (n *nominations) victim(uid, other types.UID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	nomination, ok := n.byPod[uid]
	if !ok {
		return false
	}
	_, ok = nomination.victims[other]
	return ok
}

// ahead returns the Pods that are to get room on the node before this one.
func (n *nominations) ahead(node string, pod *cluster.Pod) []*cluster.Pod {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.onNode[node] == 0 {
		return nil
	}
	var pods []*cluster.Pod
	for uid, nomination := range n.byPod {
		if nomination.node == node && uid != pod.UID && nomination.pod.Priority() >= pod.Priority() {
			pods = append(pods, nomination.pod)
		}
	}
	return pods
}

// dropBelow takes back the nominations on the node that are less important.
func (n *nominations) dropBelow(node string, pod *cluster.Pod) []types.UID {
	n.mu.Lock()
	defer n.mu.Unlock()
	var dropped []types.UID
	for uid, nomination := range n.byPod {
		if nomination.node == node && nomination.pod.Priority() < pod.Priority() {
			n.remove(uid)
			dropped = append(dropped, uid)
		}
	}
	return dropped
}
