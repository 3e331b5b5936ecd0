package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/kubeconfig"
	"github.com/podchain/podchain/reference"
)

func newRunCommand() *cobra.Command {
	var file, node string
	var options kubeletOptions
	command := &cobra.Command{
		Use:   "run LINK",
		Short: "Run one link of the reference in another cluster",
		Long: `Run one link of the reference in the cluster of a kubeconfig file: a controller,
the scheduler, or the kubelet of one node. No other program may run in the place
of the same link there. It runs until it is interrupted, and logs to stderr.

The containers of a node are simulated, unless --runtime-endpoint names a
container runtime to run them with. Run that kubelet on the node itself, where
it reaches the Pods.`,
		Example: `  podchain run scheduler --kubeconfig ~/.kube/config
  podchain run kubelet --node node-1 --kubeconfig ~/.kube/config
  podchain run kubelet --node $(hostname) --kubeconfig FILE \
    --runtime-endpoint unix:///run/containerd/containerd.sock
  podchain verify --link \
    scheduler='podchain run scheduler --kubeconfig={kubeconfig}'`,
		Args: arguments("LINK", 1, 1),
		RunE: func(command *cobra.Command, arguments []string) error {
			return runLink(command.Context(), command.OutOrStdout(), arguments[0], file, node, options)
		},
	}
	flags := command.Flags()
	flags.StringVar(&file, "kubeconfig", "", "Connect to the cluster of this kubeconfig `file` (required)")
	flags.StringVar(&node, "node", "", "Run the kubelet of the node with this `name`")
	options.add(flags)
	return command
}

func runLink(ctx context.Context, out io.Writer, name, file, node string, options kubeletOptions) error {
	link := chain.Link(name)
	switch err := reference.CheckRun(link); {
	case err != nil:
		return err
	case link.PerNode() && node == "":
		return fmt.Errorf("--node is required: the node of the %s", link)
	case !link.PerNode() && node != "":
		return fmt.Errorf("--node goes with kubelet: the %s has no node", link)
	case !link.PerNode() && options.endpoint != "":
		return fmt.Errorf("--runtime-endpoint goes with kubelet: the %s runs no containers", link)
	case file == "":
		return errors.New("--kubeconfig is required: the cluster to run in")
	}
	loaded, err := kubeconfig.Load(file)
	if err != nil {
		return err
	}
	config, err := clientcmd.NewDefaultClientConfig(*loaded, nil).ClientConfig()
	if err != nil {
		return fmt.Errorf("kubeconfig %s: %w", file, err)
	}
	// The log is all that the user sees of a link that runs by itself.
	klog.ClearLogger()
	klog.SetOutput(os.Stderr)
	running := func() error {
		_, err := fmt.Fprintf(out, "running: %s, %s\n", link, config.Host)
		return err
	}
	if options.endpoint != "" {
		return options.run(ctx, config, node, running)
	}
	if err := running(); err != nil {
		return err
	}
	return reference.Run(ctx, link, config, node)
}
