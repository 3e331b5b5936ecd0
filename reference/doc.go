// Package reference is the reference implementation of the chain as one
// cluster: the API server on a store, every controller, the scheduler and nodes
// whose kubelets drive simulated container runtimes. Each link is a package of
// its own below this one and reaches the others over the Kubernetes API only;
// this package opens the connections, starts the links and stops them.
//
// Unless it is given another store than memory, a cluster lives in the process.
// It opens no socket and no file, starts in milliseconds, and reads time through
// package time only, so a Go test can have a whole cluster of its own, in real
// time or in a testing/synctest bubble:
//
//	cluster := reference.StartForTest(t, reference.Options{})
//	client, err := kubernetes.NewForConfig(cluster.Config())
//
// A client that writes what no link acts on, such as an Ingress, is warned of it: package
// served has the table. Options.Shared says that other programs work on the cluster too.
package reference
