// Package assembly puts a cluster together from links of different origin: those
// of a base, such as the reference, and programs that take the place of some of
// them. A program reaches the API server like any client, by a kubeconfig file;
// what it asks goes through a tap of its own (package tap).
//
//	assembly.go   the implementation, and the cluster that it starts
//	origin.go     where links come from
//	command.go    the command line of a program, with its placeholders
//	process.go    a program that runs
package assembly
