// Package machine is what the harness and the first process of a node say to
// each other: a description in a file, then commands and answers, a line each,
// over the standard input and output.
package machine

// Description says what the node is made of.
type Description struct {
	// Name is the node's host name.
	Name string
	// Address is that of the node, with the length of its prefix.
	Address string
	// Cores and MemoryBytes are the size that the kubelet finds; 0 for the size
	// of the real machine.
	Cores       int
	MemoryBytes int64
	// Relays bring what listens outside to an address inside.
	Relays []Relay
	// Programs by name: a command is about one of them.
	Programs map[string]Program
	// Private are folders that the node has for itself, empty at first.
	Private []string
}

// Relay carries connections to an address inside on to a unix socket.
type Relay struct{ Address, Socket string }

// Program is something that runs on the node.
type Program struct {
	Args []string
	// Environment is added to that of the harness.
	Environment []string
}

// The programs of a node.
const (
	Containerd = "containerd"
	Kubelet    = "kubelet"
)

// Outputs are the programs whose output goes to files that are open in the machine: from
// FirstOutput on, in this order.
var Outputs = []string{Containerd, Kubelet}

// FirstOutput is the descriptor behind those of input, output and errors.
const FirstOutput = 3

// The verbs of commands; each is followed by the name of a program.
const (
	Start = "start"
	Stop  = "stop"
)

// Answers to commands. OK may come unasked once, when the node is made; Failed
// is followed by what is wrong.
const (
	OK     = "ok"
	Failed = "failed"
)
