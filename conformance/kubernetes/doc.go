// Package kubernetes is the implementation that all others are measured by:
// real Kubernetes, built from its own source, on this machine. It brings up etcd,
// the API server, a controller manager for each controller, the scheduler, and
// nodes that are a kubelet and containerd in namespaces of their own, with all
// that the suite can make use of: links that start and stop one by one, nodes
// that come and go, the images of the fixtures, the calls on the container
// runtimes, and a store that forgets.
//
// What belongs to a node lives in a mount, process and network namespace of its
// own: when the first process of these is killed, the kernel ends every other,
// unmounts every mount and removes every interface. Nothing of a node is left on
// the machine that was not there before, however the harness ended.
//
// It needs Linux, root, Go, containerd, runc and the CNI plugins.
package kubernetes
