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
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/podchain/podchain/conformance/control"
	"github.com/podchain/podchain/conformance/hooks"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/kubeconfig"
	"github.com/podchain/podchain/conformance/printable"
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
		Long: `Run the reference as a cluster on a loopback port, for kubectl and any other
client of Kubernetes. Containers are simulated: those of the specification's
images behave as its table of images says. Others behave as their command
suggests, if it is simple, such as "sleep 5" or sh -c "exit 3"; otherwise they
run until they are stopped, ready and healthy, and init containers end at once.
Each node has 16 CPUs and 64 GiB.

The cluster keeps its objects in memory, and they are gone when it stops. With
--store etcd=URL they stay in that etcd, and the next cluster continues with
them.

"podchain list --served" shows what the cluster does and does not do: the kinds
that it serves, and the link that reconciles each. If a write asks for what no
link does, the response has a Warning, which kubectl prints.

With --control, "podchain verify --kubeconfig" can do what other clusters do not
offer: stop links, add nodes, see the calls of container runtimes.`,
		Example: `  podchain serve &
  export KUBECONFIG=$PWD/podchain.kubeconfig
  kubectl create deployment web --image=web:1 --replicas=3`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			return serve(command.Context(), command.OutOrStdout(), command.ErrOrStderr(), options)
		},
	}
	group(command, "Cluster", func(flags *pflag.FlagSet) {
		flags.IntVar(&options.nodes, "nodes", servedNodes, "Start `N` nodes")
		flags.Uint16Var(&options.port, "port", 0, "Listen on this loopback `port`; 0 is any free one")
		flags.StringVar(&options.kubeconfig, "kubeconfig-out", "podchain.kubeconfig", "Write the kubeconfig to this `file`, and remove it at the end; only a file that a killed podchain serve left behind is replaced")
		flags.StringVar(&options.control, "control", "", "Offer control of the cluster beyond its API on this unix `socket`, which the kubeconfig file mentions; only a socket without a listener is replaced")
	})
	group(command, groupStore, options.store.add)
	return command
}

// serve runs a cluster until the context is done, or a link gives up.
func serve(ctx context.Context, out, progress io.Writer, options serveOptions) (err error) {
	entry, err := options.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, entry.close()) }()
	held, err := options.store.open(ctx, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.close()) }()
	nodes := options.nodes
	if nodes == 0 {
		nodes = -1 // to the reference, 0 is the default
	}
	cluster, offered, err := startServed(ctx, reference.Options{Nodes: nodes, Capacity: servedCapacity, Token: entry.credentials.Token, AnyImage: true, Store: held.Store, Offers: held.offers}, entry.socket != nil)
	if err != nil {
		return err
	}
	serving, end := entry.serve(ctx, cluster)
	defer func() { err = errors.Join(err, end()) }()
	if entry.socket != nil {
		endControl := entry.socket.Serve(control.Handler(reference.New(reference.Options{}).Describe(), offered))
		entry.socket = nil
		// The cluster ends after it.
		defer func() { err = errors.Join(err, endControl()) }()
	}
	url := "https://" + entry.listener.Addr().String()
	remove, err := entry.credentials.WriteKubeconfig(ctx, options.kubeconfig, url, options.control)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	path, err := filepath.Abs(options.kubeconfig)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "ready: %s, KUBECONFIG=%s\nwhat it does and does not do: podchain list --served\n", url, path); err != nil {
		return fmt.Errorf("say that the cluster is ready: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-cluster.Failed():
		return err
	case err := <-serving:
		return fmt.Errorf("serve: %w", err)
	}
}

// entry is how clients reach a served cluster.
type entry struct {
	listener    net.Listener
	credentials *kubeconfig.Credentials
	// socket offers control of the cluster, if that is asked for and not yet served.
	socket *control.Socket
}

// open takes the places where clients will reach the cluster, before anything is done in
// a store, for instance.
func (o serveOptions) open(ctx context.Context) (_ *entry, err error) {
	if o.nodes < 0 {
		return nil, fmt.Errorf("--nodes %d: must not be negative", o.nodes)
	}
	// This is checked once more when the file is written.
	if err := kubeconfig.Vacant(ctx, o.kubeconfig); err != nil {
		return nil, fmt.Errorf("write the kubeconfig: %w", printable.File(err))
	}
	e := &entry{}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if o.control != "" {
		if e.socket, err = control.Listen(o.control); err != nil {
			return nil, err
		}
	}
	if e.credentials, err = kubeconfig.New(); err != nil {
		return nil, err
	}
	e.listener, err = listen(ctx, o.port)
	return e, err
}

// close gives up what nothing serves.
func (e *entry) close() error {
	var errs []error
	if e.socket != nil {
		errs = append(errs, e.socket.Close())
	}
	if e.listener != nil {
		if err := e.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// serve has clients reach the cluster. The channel yields why that ended by itself; end
// ends it, and then the cluster.
func (e *entry) serve(ctx context.Context, cluster *reference.Cluster) (_ <-chan error, end func() error) {
	server := &http.Server{
		Handler:           cluster,
		TLSConfig:         e.credentials.TLS,
		ReadHeaderTimeout: 10 * time.Second,
		// Clients that break off a handshake are not this program's errors.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	failed, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.ServeTLS(e.listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	return failed, func() error {
		// Watches never end by themselves, so connections are cut, not drained.
		closed := server.Close()
		<-ended
		// What has crashed may not end.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return errors.Join(closed, cluster.Stop(ctx))
	}
}

// startServed starts a cluster. What it returns for a control socket also keeps a journal of
// what its kubelets call, which never forgets.
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
