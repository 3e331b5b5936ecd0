package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	goruntime "runtime"
	"strings"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/conformance/printable"
	"github.com/podchain/podchain/reference/kubelet"
	"github.com/podchain/podchain/reference/runtime/cri"
)

// kubeletOptions are the flags of run that are about a kubelet with a container
// runtime.
type kubeletOptions struct {
	endpoint, root, cgroup, register string
}

func (o *kubeletOptions) add(flags *pflag.FlagSet) {
	flags.StringVar(&o.endpoint, "runtime-endpoint", "", "Run containers with the runtime at this CRI `endpoint`, such as unix:///run/containerd/containerd.sock (default: simulate them)")
	flags.StringVar(&o.root, "root-dir", "/var/lib/kubelet", "Keep the volumes of Pods in this `directory`, with --runtime-endpoint")
	flags.StringVar(&o.cgroup, "cgroup-root", "", "Create the cgroups of Pods in this control `group` (default: the runtime's)")
	flags.StringVar(&o.register, "register", "", "Register with the labels, taints, capacity and allocatable of the Node in this `file`")
}

// run runs the kubelet of this machine, and calls running when it is about to.
func (o kubeletOptions) run(ctx context.Context, config *rest.Config, node string, running func() error) (err error) {
	runtime, err := cri.NewClient(o.endpoint)
	if err != nil {
		return fmt.Errorf("--runtime-endpoint: %w", err)
	}
	defer func() { err = errors.Join(err, runtime.Close()) }()
	options := kubelet.Options{NodeName: node, Runtime: runtime, Root: o.root, CgroupRoot: o.cgroup, Capacity: capacity()}
	if options.Address, err = address(); err != nil {
		return err
	}
	if o.register != "" {
		var wanted corev1.Node
		text, err := os.ReadFile(o.register)
		if err != nil {
			return fmt.Errorf("--register: %w", printable.File(err))
		}
		if err := yaml.UnmarshalStrict(text, &wanted); err != nil {
			return fmt.Errorf("--register %s: %w", o.register, printable.YAML(err))
		}
		options.Labels, options.Taints, options.Allocatable = wanted.Labels, wanted.Spec.Taints, wanted.Status.Allocatable
		for name, quantity := range wanted.Status.Capacity {
			options.Capacity[name] = quantity
		}
	}
	if err := running(); err != nil {
		return err
	}
	return crash.Run(ctx, func(ctx context.Context) error { return kubelet.Run(ctx, config, options) })
}

// capacity is what this machine has, as far as it is easily told.
func capacity() corev1.ResourceList {
	has := corev1.ResourceList{corev1.ResourceCPU: *resource.NewQuantity(int64(goruntime.NumCPU()), resource.DecimalSI)}
	text, err := os.ReadFile("/proc/meminfo")
	var kibibytes int64
	if _, scanErr := fmt.Sscanf(string(text), "MemTotal: %d kB", &kibibytes); err == nil && scanErr == nil {
		has[corev1.ResourceMemory] = *resource.NewQuantity(kibibytes<<10, resource.BinarySI)
	}
	return has
}

// address is that of the first network interface that others reach.
func address() (string, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return "", err
	}
	var names []string
	for _, i := range interfaces {
		names = append(names, i.Name)
		addresses, err := i.Addrs()
		if err != nil {
			return "", err
		}
		for _, address := range addresses {
			if network, ok := address.(*net.IPNet); ok && network.IP.To4() != nil && !network.IP.IsLoopback() {
				return network.IP.String(), nil
			}
		}
	}
	return "", fmt.Errorf("none of the network interfaces %s has an address that others reach the node at", strings.Join(names, ", "))
}
