package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/external"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/hooks"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/kubeconfig"
	"github.com/podchain/podchain/conformance/printable"
	"github.com/podchain/podchain/conformance/site"
	"github.com/podchain/podchain/conformance/trace"
	"github.com/podchain/podchain/reference"
)

type traceOptions struct {
	manifest   string
	kubeconfig string
	namespace  string
	timeout    time.Duration
	remove     bool
	html       string
}

func newTraceCommand() *cobra.Command {
	var options traceOptions
	command := &cobra.Command{
		Use:   "trace -f FILE",
		Short: "Create a Deployment and show the chain as it happens",
		Long: `Create the Deployment of a manifest and print the ten steps from its POST to
running containers as they happen: who wrote what, and how long after the POST
it was observed. Each step is shown for the first Pod that reaches it; the
summary covers all Pods. With --html, write a page with a sequence diagram,
which shows what each write changed.

Without --kubeconfig it happens in a reference cluster that lives as long as the
trace. The Deployment is stuck if the chain has not moved for 10 seconds and a
link has not done its part, or if it is not available after --timeout.

Exit status: 0 if the Deployment became available; 1 if it is stuck; 2 if there
is nothing to trace, or the trace was interrupted.`,
		Example: `  podchain trace -f deployment.yaml
  podchain trace -f deployment.yaml --kubeconfig ~/.kube/config --rm
  podchain trace -f deployment.yaml --html trace.html
  kubectl create deployment web --image=web:1 --dry-run=client -o yaml |
    podchain trace -f -`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			named := &places{}
			named.reads("--filename "+options.manifest, options.manifest)
			named.reads("--kubeconfig "+options.kubeconfig, options.kubeconfig)
			named.writes("--html "+options.html, options.html, command.OutOrStdout())
			if err := named.check(); err != nil {
				return err
			}
			return runTrace(command.Context(), options, command.InOrStdin(), command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringVarP(&options.manifest, "filename", "f", "", "Create the Deployment in this `file`; - is stdin (required)")
	flags.StringVar(&options.kubeconfig, "kubeconfig", "", "Trace in the running cluster of this kubeconfig `file`")
	flags.StringVarP(&options.namespace, "namespace", "n", "", "Create the Deployment in this `namespace` (default: the manifest's, else the kubeconfig's, else default)")
	flags.DurationVar(&options.timeout, "timeout", 2*time.Minute, "Call the Deployment stuck if it is not available after this time")
	flags.BoolVar(&options.remove, "rm", false, "Delete the Deployment at the end, however the trace ends")
	flags.StringVar(&options.html, "html", "", "Write a page with a sequence diagram to this `file`")
	return command
}

func runTrace(ctx context.Context, options traceOptions, in io.Reader, out, progress io.Writer) (err error) {
	switch {
	case options.manifest == "":
		return errors.New("--filename is required: the manifest of a Deployment")
	case options.timeout <= 0:
		return fmt.Errorf("--timeout %s: must be positive", options.timeout)
	}
	deployment, err := trace.Load(options.manifest, in)
	if err != nil {
		return err
	}
	if err := placeIn(deployment, options); err != nil {
		return err
	}
	var page []string
	if options.html != "" {
		page = []string{"html=" + options.html}
	}
	pages, err := openOutputs(formats[*diagram]{"html": writeDiagram}, page, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pages.close()) }()
	out = printable.Writer(pages.people(out, progress))
	description, cluster, err := startTraced(ctx, options.kubeconfig, deployment.GetNamespace())
	if err != nil {
		return err
	}
	defer func() {
		if fault := cluster.Stop(context.WithoutCancel(ctx)); fault != nil {
			err = errors.Join(err, fault)
		}
	}()
	// When stdout is closed, the trace still has to clean up.
	signal.Ignore(syscall.SIGPIPE)
	if _, err := fmt.Fprintf(out, "Deployment %s/%s on %s %s\n\n", deployment.GetNamespace(), deployment.GetName(),
		description.Name, description.Version); err != nil {
		return err
	}
	err = trace.Run(ctx, cluster.Config(), trace.Options{
		Deployment: deployment, Out: out, Timeout: options.timeout, Remove: options.remove,
		Observed: func(record history.Record, posted time.Time) error {
			one, err := draw(ctx, cluster, description, record, deployment, posted)
			if err != nil {
				return err
			}
			return pages.finish(one)
		}})
	if err == trace.ErrStuck { //nolint:errorlint // nothing else went wrong beside
		return &exit{status: statusFailed} // it has said everything itself
	}
	return err
}

// startTraced returns the cluster of the kubeconfig file, or a new one in which the
// namespace can be used.
func startTraced(ctx context.Context, kubeconfig, namespace string) (_ chain.Description, _ implementation.Cluster, err error) {
	var target implementation.Implementation = reference.New(reference.Options{AnyImage: true})
	if kubeconfig != "" {
		if target, err = external.FromKubeconfig(kubeconfig); err != nil {
			return chain.Description{}, nil, err
		}
	}
	cluster, err := hooks.Start(ctx, target)
	if err != nil {
		return chain.Description{}, nil, err
	}
	if own, ok := implementation.As[*reference.Cluster](cluster); ok {
		if err = own.WaitReady(ctx); err == nil {
			err = makeNamespace(ctx, cluster, namespace)
		}
	}
	if err != nil {
		return chain.Description{}, nil, errors.Join(err, cluster.Stop(context.WithoutCancel(ctx)))
	}
	return target.Describe(), cluster, nil
}

// diagram is a trace as the site draws a scenario.
type diagram struct {
	run      events.Run
	scenario *events.ScenarioRecord
}

func draw(ctx context.Context, cluster implementation.Cluster, of chain.Description, record history.Record, deployment *unstructured.Unstructured, posted time.Time) (*diagram, error) {
	writes, calls, err := diagnosis.Recording(context.WithoutCancel(ctx), cluster, record, deployment.GetNamespace(), posted)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("Deployment %s/%s", deployment.GetNamespace(), deployment.GetName())
	return &diagram{
		run:      events.Run{Implementation: of, Started: posted},
		scenario: &events.ScenarioRecord{Example: &events.Example{Name: name}, Began: posted, Writes: writes, Calls: calls},
	}, nil
}

func writeDiagram(out io.Writer, d *diagram) error { return site.Alone(out, d.run, d.scenario) }

// placeIn decides on the Deployment's namespace, as kubectl does.
func placeIn(deployment *unstructured.Unstructured, options traceOptions) error {
	switch own := deployment.GetNamespace(); {
	case own != "" && options.namespace != "" && own != options.namespace:
		return fmt.Errorf("%s: the Deployment is in namespace %q, but --namespace is %q", options.manifest, own, options.namespace)
	case own != "":
		return nil
	}
	namespace := options.namespace
	if namespace == "" && options.kubeconfig != "" {
		loaded, err := kubeconfig.Load(options.kubeconfig)
		if err != nil {
			return err
		}
		if current := loaded.Contexts[loaded.CurrentContext]; current != nil {
			namespace = current.Namespace
		}
	}
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	deployment.SetNamespace(namespace)
	return nil
}

// makeNamespace makes the namespace in a cluster that has just been started,
// and returns when it is usable: Pods are refused until it has its account
// (NS-02).
func makeNamespace(ctx context.Context, cluster implementation.Cluster, name string) error {
	config := cluster.Config()
	transport, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	client, err := dynamic.NewForConfigAndClient(config, transport)
	if err != nil {
		return err
	}
	namespace := &unstructured.Unstructured{}
	namespace.SetAPIVersion("v1")
	namespace.SetKind("Namespace")
	namespace.SetName(name)
	_, err = client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}).Create(ctx, namespace, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make namespace %q: %w", name, err)
	}
	accounts := history.New()
	recorder, err := history.NewRecorder(config, transport, accounts)
	if err != nil {
		return err
	}
	defer recorder.Stop()
	err = recorder.Watch(ctx, history.Source{Namespace: name,
		Resource: schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}})
	if err != nil {
		return err
	}
	return accounts.Await(ctx, "the account of namespace "+name, func(record history.Record) error {
		if record.Live("ServiceAccount", "default") == nil {
			return errors.New("there is none")
		}
		return nil
	})
}
