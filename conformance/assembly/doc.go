// Package assembly puts a cluster together from links of different origin: the
// reference, real Kubernetes, programs that take the place of some links. All of
// them reach the API server like any client; what they ask goes through a tap of
// each link's own (package tap).
//
//	assembly.go   the implementation, and the cluster that it starts
//	offers.go     what the cluster offers: what its members do
//	origin.go     where links come from
//	program.go    a program as an origin of a link
//	api.go        a program that is the API server
//	node.go       a program that is the kubelet, once for each node
//	command.go    the command line of a program, with its placeholders
//	process.go    a program that runs
package assembly
