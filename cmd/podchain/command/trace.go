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
	"k8s.io/client-go/tools/clientcmd"

	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/external"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
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
containers that run, as they happen: who wrote what, and how long after the POST
the news of it arrived. A step is shown for the first Pod that takes it; the
summary has all of them. With --html, a page shows the same as a sequence diagram, with
what each write has changed.

Without --kubeconfig it happens in a reference cluster that lives as long as the
trace. A Deployment counts as stuck when the chain has stood still for 10 seconds
with a link's part left undone, or when it is not available after --timeout.

Exit status: 0 if the Deployment became available, 1 if it is stuck, 2 if there
is nothing to trace, or the trace was interrupted.`,
		Example: `  podchain trace -f deployment.yaml
  podchain trace -f deployment.yaml --kubeconfig ~/.kube/config --rm
  podchain trace -f deployment.yaml --html trace.html
  kubectl create deployment web --image=web:1 --dry-run=client -o yaml | podchain trace -f -`,
		Args: cobra.NoArgs,
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
	flags.StringVarP(&options.manifest, "filename", "f", "", "`FILE` with the manifest of one Deployment, - for stdin")
	flags.StringVar(&options.kubeconfig, "kubeconfig", "", "trace in the running cluster of this kubeconfig `file`")
	flags.StringVarP(&options.namespace, "namespace", "n", "", "`namespace` to create the Deployment in (default: the manifest's, the kubeconfig's, default)")
	flags.DurationVar(&options.timeout, "timeout", 2*time.Minute, "the Deployment is stuck if it is not available after this time")
	flags.BoolVar(&options.remove, "rm", false, "delete the Deployment at the end, however the trace ends")
	flags.StringVar(&options.html, "html", "", "also write a page with the sequence diagram to this `file`")
	return command
}

func runTrace(ctx context.Context, options traceOptions, in io.Reader, out, told io.Writer) (err error) {
	switch {
	case options.manifest == "":
		return errors.New("which Deployment? name a manifest with -f")
	case options.timeout <= 0:
		return fmt.Errorf("--timeout %s: there is no time to trace in", options.timeout)
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
	out = printable.Writer(pages.people(out, told))
	var target implementation.Implementation
	if options.kubeconfig == "" {
		target = reference.New(reference.Options{AnyImage: true})
	} else if target, err = external.FromKubeconfig(options.kubeconfig); err != nil {
		return err
	}
	cluster, err := target.Start(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if fault := cluster.Stop(context.WithoutCancel(ctx)); fault != nil {
			err = errors.Join(err, fault)
		}
	}()
	if own, ok := cluster.(interface{ WaitReady(context.Context) error }); ok {
		if err := own.WaitReady(ctx); err != nil {
			return err
		}
		if err := makeNamespace(ctx, cluster, deployment.GetNamespace()); err != nil {
			return err
		}
	}
	// If nobody reads the trace any more, it still has to clean up.
	signal.Ignore(syscall.SIGPIPE)
	description := target.Describe()
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

// diagram is a trace as the site draws a scenario.
type diagram struct {
	run      events.Run
	scenario *events.ScenarioRecord
}

func draw(ctx context.Context, cluster implementation.Cluster, of implementation.Description, record history.Record, deployment *unstructured.Unstructured, posted time.Time) (*diagram, error) {
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
		return fmt.Errorf("%s: the Deployment is of namespace %q, and --namespace says %q", options.manifest, own, options.namespace)
	case own != "":
		return nil
	}
	namespace := options.namespace
	if namespace == "" && options.kubeconfig != "" {
		loaded, err := clientcmd.LoadFromFile(options.kubeconfig)
		if err != nil {
			return fmt.Errorf("kubeconfig %s: %w", options.kubeconfig, err)
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
