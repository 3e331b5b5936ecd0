package kubernetes

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/children"
	"github.com/podchain/podchain/conformance/crijournal"
	"github.com/podchain/podchain/conformance/kubernetes/internal/machine"
	"github.com/podchain/podchain/reference/runtime/cri"
)

// node is a machine of the cluster: containerd and a kubelet, in namespaces of
// their own.
type node struct {
	name      string
	directory string
	logs      string
	book      *logbook
	printed   map[string]*children.Log // by its programs
	pipes     []*children.Pipe
	apiProxy  *proxy // of its kubelet
	relays    relays
	machine   *process
	criProxy  *crijournal.Proxy

	mu      sync.Mutex // one command at a time
	input   io.WriteCloser
	answers *bufio.Reader
}

// The programs of a node.
const (
	containerdProgram = machine.Containerd
	kubeletProgram    = machine.Kubelet
)

const (
	machineTimeout    = 20 * time.Second
	containerdTimeout = 30 * time.Second
)

// newNode makes the machine and starts containerd, but no kubelet. What it
// returns is to be stopped also when there is an error.
func (c *Cluster) newNode(ctx context.Context, object *corev1.Node, number int) (*node, error) {
	n := &node{
		name:      object.Name,
		directory: filepath.Join(c.directory, "nodes", fmt.Sprint(number)), // short: sockets have short names
		logs:      filepath.Join(c.logs, "nodes", object.Name),
		book:      &c.book,
		printed:   map[string]*children.Log{},
	}
	for _, directory := range []string{n.logs, n.directory, n.path("cni"), n.path("kubelet"), n.path("pods")} {
		if err := os.MkdirAll(directory, 0o755); err != nil {
			return n, err
		}
	}
	var err error
	if n.apiProxy, err = c.open(chain.Kubelet, n.path("kubeconfig"), "system:node:"+n.name, "system:nodes"); err != nil {
		return n, err
	}
	if err := n.relays.carry(n.path("api.sock"), n.apiProxy.address); err != nil {
		return n, err
	}
	description, err := c.describe(n, object, number)
	if err != nil {
		return n, err
	}
	text, err := json.Marshal(description)
	if err != nil {
		return n, err
	}
	if err := os.WriteFile(n.path("machine.json"), text, 0o600); err != nil {
		return n, err
	}
	if err := makeCgroups(n.directory); err != nil {
		return n, err
	}
	if err := n.makeMachine(ctx, c.programs["machine"]); err != nil {
		return n, fmt.Errorf("node %s: %w", n.name, err)
	}
	if err := n.command(machine.Start, containerdProgram); err != nil {
		return n, err
	}
	socket := n.path("containerd.sock")
	runtimeClient, err := cri.NewClient("unix://" + socket)
	if err != nil {
		return n, err
	}
	defer discard(runtimeClient)
	if err := retryFor(ctx, containerdTimeout, n.machine.ended, func(ctx context.Context) error {
		_, err := runtimeClient.Version(ctx, "")
		return err
	}); err != nil {
		return n, fmt.Errorf("node %s: waited %s for containerd: %w; %s", n.name, containerdTimeout, err, n.printed[containerdProgram].Last())
	}
	if n.criProxy, err = c.journal.NewProxy(n.name, "unix://"+socket); err != nil {
		return n, err
	}
	listener, err := net.Listen("unix", n.path("cri.sock"))
	if err != nil {
		return n, err
	}
	go func() { _ = n.criProxy.Serve(listener) }() // until it is stopped
	return n, nil
}

func retryFor(ctx context.Context, timeout time.Duration, stop <-chan struct{}, attempt func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return retry(ctx, stop, attempt)
}

func (n *node) path(name string) string { return filepath.Join(n.directory, name) }

// log returns the log of a program of the node.
func (n *node) log(program string) (*children.Log, error) {
	return n.book.open(filepath.Join(n.logs, program+".log"), program+" of "+n.name)
}

// outputs opens what the machine hands on to its programs, in their order.
func (n *node) outputs() (files []*os.File, err error) {
	for _, program := range machine.Outputs {
		if n.printed[program], err = n.log(program); err != nil {
			return files, err
		}
		pipe, err := n.printed[program].Pipe()
		if err != nil {
			return files, err
		}
		n.pipes, files = append(n.pipes, pipe), append(files, pipe.Writer)
	}
	return files, nil
}

// makeMachine starts the first process of the node's namespaces.
func (n *node) makeMachine(ctx context.Context, program string) error {
	command := exec.Command(program, n.path("machine.json"))
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
	}
	var err error
	if n.input, err = command.StdinPipe(); err != nil {
		return err
	}
	// Not StdoutPipe, which Wait closes under the reader's feet.
	output, inner, err := os.Pipe()
	if err != nil {
		return err
	}
	command.Stdout = inner
	n.answers = bufio.NewReader(output)
	log, err := n.log("machine")
	if err == nil {
		command.ExtraFiles, err = n.outputs()
	}
	if err == nil {
		n.machine, err = spawn("machine of "+n.name, log, command)
	}
	discard(inner)
	for _, file := range command.ExtraFiles {
		discard(file)
	}
	if err != nil {
		discard(output)
		return err
	}
	go func() {
		<-n.machine.ended
		discard(output)
	}()
	ctx, cancel := context.WithTimeout(ctx, machineTimeout)
	defer cancel()
	made := make(chan error, 1)
	go func() { made <- n.answer() }()
	select {
	case err := <-made:
		return err
	case <-ctx.Done():
		return fmt.Errorf("waited %s for the machine to be made; %s", machineTimeout, n.machine.log.Last())
	}
}

// answer reads the answer to a command.
func (n *node) answer() error {
	line, err := n.answers.ReadString('\n')
	if err != nil {
		return fmt.Errorf("node %s: its machine does not answer: %w; %s", n.name, err, n.machine.log.Last())
	}
	line = strings.TrimSpace(line)
	if line == machine.OK {
		return nil
	}
	return fmt.Errorf("node %s: %s", n.name, strings.TrimPrefix(line, machine.Failed+" "))
}

func (n *node) command(verb, program string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, err := fmt.Fprintln(n.input, verb, program); err != nil {
		return fmt.Errorf("node %s: %w", n.name, err)
	}
	return n.answer()
}

func (n *node) startKubelet() error { return n.command(machine.Start, kubeletProgram) }
func (n *node) stopKubelet() error  { return n.command(machine.Stop, kubeletProgram) }

// stop ends the node with all that runs on it.
func (n *node) stop() error {
	var errs []error
	if n.machine != nil {
		errs = append(errs, n.machine.kill())
	}
	for _, pipe := range n.pipes {
		pipe.Drain()
		pipe.Close()
	}
	if n.criProxy != nil {
		errs = append(errs, n.criProxy.Stop())
	}
	n.relays.close()
	if n.apiProxy != nil {
		errs = append(errs, n.apiProxy.Close())
	}
	errs = append(errs, removeCgroups(n.directory))
	// Mounts have gone with their namespace; what is left are files.
	return errors.Join(append(errs, os.RemoveAll(n.directory))...)
}
