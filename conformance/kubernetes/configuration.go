package kubernetes

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/conformance/kubernetes/internal/machine"
	"github.com/podchain/podchain/reference/runtime"
)

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
			{Address: n.apiProxy.address, Socket: n.path("api.sock")},
			{Address: c.images.address, Socket: c.imagesSocket()},
		},
		// Where programs keep things that no flag moves elsewhere.
		Private: []string{"/run", "/var/lib", "/var/log"},
		Programs: map[string]machine.Program{
			containerdProgram: {Args: []string{"containerd", "--config", n.path("containerd.toml")}},
			kubeletProgram:    {Args: c.kubeletCommand(n, object, address)},
		},
	}
	if c.api != nil {
		// There is no proxy of Services: the node itself has the address of this one.
		description.Relays = append(description.Relays, machine.Relay{Address: serviceAddress + ":443", Socket: c.apiSocket()})
	}
	config, err := yaml.Marshal(c.kubeletConfiguration(n, object, size))
	if err != nil {
		return description, err
	}
	network, err := json.Marshal(networkConfiguration(n, pods))
	if err != nil {
		return description, err
	}
	registration, err := yaml.Marshal(registration(object))
	if err != nil {
		return description, err
	}
	for file, content := range map[string]string{
		"kubelet.yaml":          string(config),
		"node.yaml":             string(registration),
		"cni/podchain.conflist": string(network),
		"containerd.toml":       c.containerdConfiguration(n),
	} {
		if err := os.WriteFile(n.path(file), []byte(content), 0o600); err != nil {
			return description, err
		}
	}
	return description, nil
}

// kubeletCommand returns the command line of the node's kubelet.
func (c *Cluster) kubeletCommand(n *node, object *corev1.Node, address netip.Addr) []string {
	if c.kubelet != "" {
		return []string{c.kubelet, "run", "kubelet", "--node=" + n.name, "--kubeconfig=" + n.apiProxy.kubeconfig,
			"--runtime-endpoint=unix://" + n.path("cri.sock"), "--register=" + n.path("node.yaml"),
			"--root-dir=" + n.path("kubelet"), "--cgroup-root=" + cgroup(n.directory),
		}
	}
	return []string{c.programs["kubelet"],
		"--config=" + n.path("kubelet.yaml"), "--kubeconfig=" + n.apiProxy.kubeconfig,
		"--root-dir=" + n.path("kubelet"), "--cert-dir=" + n.path("pki"),
		"--hostname-override=" + n.name, "--node-ip=" + address.String(),
		"--node-labels=" + joinLabels(object.Labels),
	}
}

// registration is the node that the reference's kubelet registers.
func registration(object *corev1.Node) *corev1.Node {
	wanted := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: object.Name, Labels: object.Labels}}
	wanted.Spec.Taints = object.Spec.Taints
	wanted.Status.Allocatable = object.Status.Allocatable
	wanted.Status.Capacity = corev1.ResourceList{corev1.ResourcePods: *resource.NewQuantity(defaultPods, resource.DecimalSI)}
	maps.Copy(wanted.Status.Capacity, object.Status.Capacity)
	return wanted
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
func (c *Cluster) kubeletConfiguration(n *node, object *corev1.Node, size size) map[string]any {
	never := map[string]string{}
	for _, signal := range []string{"memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree"} {
		never[signal] = "0%"
	}
	return map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"address": "127.0.0.1", "healthzPort": 0,
		"tlsCertFile": c.serving.CertificateFile, "tlsPrivateKeyFile": c.serving.KeyFile,
		"authentication":           map[string]any{"anonymous": map[string]any{"enabled": true}, "webhook": map[string]any{"enabled": false}},
		"authorization":            map[string]any{"mode": "AlwaysAllow"},
		"containerRuntimeEndpoint": "unix://" + n.path("cri.sock"),
		"podLogsDir":               n.path("pods"),
		"failCgroupV1":             false, "cgroupDriver": "cgroupfs", "cgroupsPerQOS": false, "enforceNodeAllocatable": []string{},
		"cgroupRoot": cgroup(n.directory),
		"failSwapOn": false, "resolvConf": "", "makeIPTablesUtilChains": false,
		"enableControllerAttachDetach": false,                 // there is no such controller
		"clusterDNS":                   []string{"10.0.0.10"}, // no DNS server runs, and no container asks it
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
