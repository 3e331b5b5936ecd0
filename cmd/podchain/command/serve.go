package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/podchain/podchain/conformance/control"
	"github.com/podchain/podchain/conformance/hooks"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/kubeconfig"
	"github.com/podchain/podchain/reference"
)

// serveOptions are the flags of serve.
type serveOptions struct {
	kubeconfig string
	control    string
	nodes      int
	port       uint16
	store      storeOptions
}

// What a served cluster has is enough for what people apply: replicas that each want a
// node of their own mostly come in threes.
const servedNodes = 3

var servedCapacity = corev1.ResourceList{
	corev1.ResourceCPU:    resource.MustParse("16"),
	corev1.ResourceMemory: resource.MustParse("64Gi"),
}

func newServeCommand() *cobra.Command {
	var options serveOptions
	command := &cobra.Command{
		Use:   "serve",
		Short: "Run the reference as a cluster for kubectl and any other client",
		Long: `Run the reference implementation as a cluster, on a loopback port, for kubectl
and any other client of Kubernetes. Containers are simulated: those of an image that
the specification names behave as its table of images says. Those of all others behave
as their command suggests, where it is one such as "sleep 5" or sh -c "exit 3";
otherwise they run until they are told to end, are ready and healthy, and init
containers end at once. Nodes have 16 CPUs and 64 GiB each.

Everything the cluster holds is in memory and gone when it stops, unless --store
names an etcd: there it stays, and the next cluster on it goes on with it.

What the cluster is and is not, which kinds it serves and which link looks after them:
podchain list --served. A write that asks for what no link does is answered with a
Warning, which kubectl prints.

With --control, podchain verify --kubeconfig finds what it can find on no other
cluster: links that it may stop, nodes that it may add, calls of the runtimes.`,
		Example: `  podchain serve &
  export KUBECONFIG=$PWD/podchain.kubeconfig
  kubectl create deployment web --image=web:1 --replicas=3`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return serve(command.Context(), command.OutOrStdout(), command.ErrOrStderr(), options)
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.kubeconfig, "kubeconfig-out", "podchain.kubeconfig", "`FILE` to write the client configuration to; removed at the end. No file is replaced but what a killed podchain serve has left")
	flags.StringVar(&options.control, "control", "", "unix `socket` to offer on what the cluster can do beyond the API; the kubeconfig file mentions it. Nothing is replaced but a socket that nothing listens on")
	flags.IntVar(&options.nodes, "nodes", servedNodes, "how many nodes the cluster has")
	flags.Uint16Var(&options.port, "port", 0, "loopback port to listen on; 0 takes a free one")
	options.store.add(flags)
	return command
}

// serve runs a cluster until the context is done, or a link gives up.
func serve(ctx context.Context, out, told io.Writer, options serveOptions) (err error) {
	if options.nodes < 0 {
		return fmt.Errorf("--nodes %d: a cluster cannot have less than no nodes", options.nodes)
	}
	// Before anything is done, in a store for instance; when the file is written, this is
	// looked at once more.
	if err := kubeconfig.Vacant(ctx, options.kubeconfig); err != nil {
		return fmt.Errorf("write the kubeconfig: %w", err)
	}
	endControl := func() error { return nil }
	defer func() { err = errors.Join(err, endControl()) }()
	var socket *control.Socket
	if options.control != "" {
		if socket, err = control.Listen(options.control); err != nil {
			return err
		}
		endControl = socket.Close
	}
	listener, err := listen(ctx, options.port)
	if err != nil {
		return err
	}
	credentials, err := kubeconfig.New()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	nodes := options.nodes
	if nodes == 0 {
		nodes = -1 // to the reference, 0 is the default
	}
	held, err := options.store.open(ctx, told)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, held.close()) }()
	cluster, offered, err := startServed(ctx, reference.Options{Nodes: nodes, Capacity: servedCapacity, Token: credentials.Token, AnyImage: true, Store: held.Store, Offers: held.offers}, options.control != "")
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{
		Handler:           cluster,
		TLSConfig:         credentials.TLS,
		ReadHeaderTimeout: 10 * time.Second,
		// Clients that break off a handshake are not this program's errors.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	serving := make(chan error, 1)
	go func() { serving <- server.ServeTLS(listener, "", "") }()
	defer func() {
		// Watches never end by themselves, so connections are cut, not drained.
		closed := server.Close()
		if ended := <-serving; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		// What has crashed may not end.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, closed, cluster.Stop(ctx))
	}()

	if socket != nil {
		endControl = socket.Serve(control.Handler(reference.New(reference.Options{}).Describe(), offered))
		// The cluster ends after it.
		defer func() { err = errors.Join(err, endControl()); endControl = func() error { return nil } }()
	}
	url := "https://" + listener.Addr().String()
	remove, err := credentials.WriteKubeconfig(ctx, options.kubeconfig, url, options.control)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()

	path, err := filepath.Abs(options.kubeconfig)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "ready: %s, KUBECONFIG=%s\n", url, path); err != nil {
		return fmt.Errorf("say that the cluster is ready: %w", err)
	}
	if _, err := fmt.Fprintln(out, "what it does and does not do: podchain list --served"); err != nil {
		return fmt.Errorf("say what the cluster is: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-cluster.Failed():
		return err
	case err := <-serving:
		serving <- err // for the deferred end
		return fmt.Errorf("serve: %w", err)
	}
}

// startServed starts a cluster, and returns also what it offers to those who control it: a
// journal of what its kubelets call, which never forgets.
func startServed(ctx context.Context, options reference.Options, controlled bool) (*reference.Cluster, implementation.Cluster, error) {
	if !controlled {
		cluster, err := reference.Start(ctx, options)
		return cluster, cluster, err
	}
	offered, err := hooks.Start(ctx, reference.New(options))
	if err != nil {
		return nil, nil, err
	}
	cluster, _ := implementation.As[*reference.Cluster](offered)
	return cluster, offered, nil
}

func listen(ctx context.Context, port uint16) (net.Listener, error) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port)))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d is in use: choose another with --port, or 0 for any free one", port)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("port %d needs privileges: choose one above 1023 with --port, or 0 for any free one", port)
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}
