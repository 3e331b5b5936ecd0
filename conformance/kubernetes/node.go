package kubernetes

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/conformance/kubernetes/internal/machine"
	"github.com/podchain/podchain/reference/runtime"
	"github.com/podchain/podchain/reference/runtime/cri"
)

// node is a machine of the cluster: containerd and a kubelet, in namespaces of
// their own.
type node struct {
	name      string
	directory string
	logs      string
	machine   *process
	proxy     *cri.Proxy

	mu      sync.Mutex // one command at a time
	input   io.WriteCloser
	answers *bufio.Reader
}

// The programs of a node.
const (
	containerdProgram = "containerd"
	kubeletProgram    = "kubelet"
)

const (
	machinePatience    = 20 * time.Second
	containerdPatience = 30 * time.Second
)

// newNode makes the machine and starts containerd, but no kubelet. What it
// returns is to be stopped also when there is an error.
func (c *Cluster) newNode(ctx context.Context, object *corev1.Node, number int) (*node, error) {
	n := &node{
		name:      object.Name,
		directory: filepath.Join(c.directory, "nodes", fmt.Sprint(number)), // short: sockets have short names
		logs:      filepath.Join(c.logs, "nodes", object.Name),
	}
	for _, directory := range []string{n.logs, n.directory, n.path("cni"), n.path("kubelet"), n.path("pods")} {
		if err := os.MkdirAll(directory, 0o755); err != nil {
			return n, err
		}
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
	if err := retryFor(ctx, containerdPatience, n.machine.ended, func(ctx context.Context) error {
		_, err := runtimeClient.Version(ctx, "")
		return err
	}); err != nil {
		return n, fmt.Errorf("node %s: waited %s for containerd: %w; %s", n.name, containerdPatience, err, tail(n.log(containerdProgram)))
	}
	n.proxy, err = cri.NewProxy("unix://"+socket, func(request any) func(any, error) {
		return c.journal.Record(n.name, request)
	})
	if err != nil {
		return n, err
	}
	listener, err := net.Listen("unix", n.path("cri.sock"))
	if err != nil {
		return n, err
	}
	go func() { _ = n.proxy.Serve(listener) }() // until it is stopped
	return n, nil
}

func retryFor(ctx context.Context, patience time.Duration, stop <-chan struct{}, attempt func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return retry(ctx, stop, attempt)
}

func (n *node) path(name string) string   { return filepath.Join(n.directory, name) }
func (n *node) log(program string) string { return filepath.Join(n.logs, program+".log") }

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
	n.machine, err = spawn("machine of "+n.name, filepath.Join(n.logs, "machine.log"), command)
	discard(inner)
	if err != nil {
		discard(output)
		return err
	}
	go func() {
		<-n.machine.ended
		discard(output)
	}()
	ctx, cancel := context.WithTimeout(ctx, machinePatience)
	defer cancel()
	made := make(chan error, 1)
	go func() { made <- n.answer() }()
	select {
	case err := <-made:
		return err
	case <-ctx.Done():
		return fmt.Errorf("waited %s for the machine to be made; %s", machinePatience, tail(n.machine.log))
	}
}

// answer reads the answer to a command.
func (n *node) answer() error {
	line, err := n.answers.ReadString('\n')
	if err != nil {
		return fmt.Errorf("node %s: its machine does not answer: %w; %s", n.name, err, tail(n.machine.log))
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
	if n.proxy != nil {
		errs = append(errs, n.proxy.Stop())
	}
	errs = append(errs, removeCgroups(n.directory))
	// Mounts have gone with their namespace; what is left are files.
	return errors.Join(append(errs, os.RemoveAll(n.directory))...)
}

// describe says what the node is made of, and writes the files that its
// programs read.
func (c *Cluster) describe(n *node, object *corev1.Node, number int) (machine.Description, error) {
	size, err := sizeOf(object)
	if err != nil {
		return machine.Description{}, fmt.Errorf("node %s: %w", n.name, err)
	}
	pods := runtime.Subnet(number)
	address := netip.AddrFrom4([4]byte{198, 18, byte(number >> 8), byte(number)})
	description := machine.Description{
		Name: n.name, Address: address.String() + "/15",
		Cores: size.cores, MemoryBytes: size.memory,
		Relays: []machine.Relay{
			{Address: c.api.address, Socket: c.relaySocket("api")},
			{Address: c.images.address, Socket: c.relaySocket("images")},
		},
		// Where programs keep things that no flag moves elsewhere.
		Private: []string{"/run", "/var/lib", "/var/log"},
		Programs: map[string]machine.Program{
			containerdProgram: {Args: []string{"containerd", "--config", n.path("containerd.toml")}, Log: n.log(containerdProgram)},
			kubeletProgram: {Log: n.log(kubeletProgram), Args: []string{c.programs["kubelet"],
				"--config=" + n.path("kubelet.yaml"), "--kubeconfig=" + n.path("kubeconfig"),
				"--root-dir=" + n.path("kubelet"), "--cert-dir=" + n.path("pki"),
				"--hostname-override=" + n.name, "--node-ip=" + address.String(),
				"--node-labels=" + joinLabels(object.Labels),
			}},
		},
	}
	id, err := c.api.ca.issue("node-"+n.name, "system:node:"+n.name, "system:nodes")
	if err != nil {
		return description, err
	}
	if err := writeKubeconfig(n.path("kubeconfig"), c.api.config.Host, c.api.ca.pem, id); err != nil {
		return description, err
	}
	config, err := yaml.Marshal(kubeletConfiguration(n, object, size))
	if err != nil {
		return description, err
	}
	network, err := json.Marshal(networkConfiguration(n, pods))
	if err != nil {
		return description, err
	}
	for file, content := range map[string]string{
		"kubelet.yaml":          string(config),
		"cni/podchain.conflist": string(network),
		"containerd.toml":       c.containerdConfiguration(n),
	} {
		if err := os.WriteFile(n.path(file), []byte(content), 0o600); err != nil {
			return description, err
		}
	}
	return description, nil
}

func joinLabels(labels map[string]string) string {
	var pairs []string
	for key, value := range labels {
		pairs = append(pairs, key+"="+value)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}

// kubeletConfiguration returns the kubelet's configuration: what a kubelet needs
// to live beside others on one machine, and to write every Event.
func kubeletConfiguration(n *node, object *corev1.Node, size size) map[string]any {
	never := map[string]string{}
	for _, signal := range []string{"memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree"} {
		never[signal] = "0%"
	}
	return map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"address": "127.0.0.1", "healthzPort": 0,
		"authentication":           map[string]any{"anonymous": map[string]any{"enabled": true}, "webhook": map[string]any{"enabled": false}},
		"authorization":            map[string]any{"mode": "AlwaysAllow"},
		"containerRuntimeEndpoint": "unix://" + n.path("cri.sock"),
		"podLogsDir":               n.path("pods"),
		"failCgroupV1":             false, "cgroupDriver": "cgroupfs", "cgroupsPerQOS": false, "enforceNodeAllocatable": []string{},
		"cgroupRoot": cgroup(n.directory),
		"failSwapOn": false, "resolvConf": "", "makeIPTablesUtilChains": false,
		"enableControllerAttachDetach": false,                 // there is no such controller
		"clusterDNS":                   []string{"10.0.0.10"}, // nobody is there, nobody asks
		"registerWithTaints":           object.Spec.Taints,
		"systemReserved":               size.reserved, "maxPods": size.pods,
		// The disk is the machine's, however full it is.
		"evictionHard": never, "imageGCHighThresholdPercent": 100,
		"eventRecordQPS": 0, "registryPullQPS": 0, "serializeImagePulls": false,
		"kubeAPIQPS": 200, "kubeAPIBurst": 400,
	}
}

// networkConfiguration gives every Pod an address of the node's subnet. Pods are
// reached from the node; further they need not.
func networkConfiguration(n *node, pods netip.Prefix) map[string]any {
	return map[string]any{
		"cniVersion": "0.4.0", "name": "podchain",
		"plugins": []any{map[string]any{
			"type": "bridge", "bridge": "pods0", "isGateway": true, "isDefaultGateway": true, "ipMasq": false,
			"ipam": map[string]any{
				"type": "host-local", "dataDir": n.path("ipam"),
				"ranges": []any{[]any{map[string]any{"subnet": pods.String()}}},
			},
		}},
	}
}

// snapshotter is the way to put layers over each other in a folder: one that is
// itself a layer over another cannot have more.
func snapshotter(directory string) string {
	var stat unix.Statfs_t
	if err := unix.Statfs(directory, &stat); err == nil && stat.Type == unix.OVERLAYFS_SUPER_MAGIC {
		return "native"
	}
	return "overlayfs"
}

func (c *Cluster) containerdConfiguration(n *node) string {
	return fmt.Sprintf(`version = 2
root = %[1]q
state = %[2]q
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = %[3]q
[ttrpc]
  address = %[4]q
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %[5]q
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  # A machine may lack the right to make what runs on it harder to kill.
  restrict_oom_score_adj = true
  enable_selinux = false
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = %[6]q
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = %[7]q
    conf_dir = %[8]q
`, n.path("containerd"), n.path("state"), n.path("containerd.sock"), n.path("containerd.sock.ttrpc"),
		c.images.address+"/"+sandboxImage, snapshotter(n.directory), c.plugins, n.path("cni"))
}
