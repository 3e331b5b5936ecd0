package steps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/runresources"
	"github.com/podchain/podchain/conformance/storehistory"
)

// Options say how a scenario meets its cluster.
type Options struct {
	Cluster implementation.Cluster
	// Namespace is created for the scenario and removed after it.
	Namespace string
	// Timeout ends a wait that has become hopeless.
	Timeout time.Duration
	// Shared says that others use the cluster at the same time.
	Shared bool
	// Persistent says that the cluster outlives the run: nothing may be left in it.
	Persistent bool
	// Run labels whatever the scenario creates.
	Run string
	// NotConverging, where set, is called when the objects change without end.
	NotConverging func()
	// Lag, where set, collects how late the steps notice what they wait for.
	Lag *history.Lag
	// Feed, where set, is what the record comes from (see NewFeed); otherwise the
	// scenario has watches of its own.
	Feed *history.Feed
}

// World is what one scenario sees: its cluster, its namespace, its history, and
// what its sentences refer to with "that Pod" or "each of them".
type World struct {
	Options
	// History is the record of everything in the scenario's namespace, and of
	// Nodes.
	History *history.History
	// Stopped are the links that the scenario itself has stopped.
	Stopped sets.Set[chain.Link]

	config    *rest.Config
	http      *http.Client
	client    dynamic.Interface
	endRecord func() // ends the record; nil: it has not begun

	mark     int         // versions recorded before the last stimulus
	picked   *reference  // "that Pod"
	group    []reference // "each of them"
	answers  []answer    // of the requests since the last When
	watchers []*watcher  // opened by the scenario
	store    *storehistory.Recorder
	sent     []sent           // while the API server went
	nodes    sets.Set[string] // that the scenario brought
	silent   sets.Set[string] // those of them whose kubelet it has stopped
	outcome  bool             // the step at hand is a Then
	acted    time.Time        // when the last step that is not a Then ended
	injected []injected       // faults, also those that are over
	made     sets.Set[string] // "Kind/name" of what it has created
	cleanup  []func(context.Context) error
}

// NewWorld creates the scenario's namespace, waits until it is usable, and
// starts the record. Close must be called, also after an error.
func NewWorld(ctx context.Context, options Options) (*World, error) {
	config := configuration(options.Cluster)
	world := &World{
		Options: options, History: history.New(),
		Stopped: sets.New[chain.Link](),
		acted:   time.Now(),
		config:  config, nodes: sets.New[string](), silent: sets.New[string](), made: sets.New[string](),
	}
	world.History.NotConverging, world.History.Lag = options.NotConverging, options.Lag
	var err error
	if world.http, err = clientFor(config, options.Timeout); err != nil {
		return world, err
	}
	if world.client, err = dynamic.NewForConfigAndClient(config, world.http); err != nil {
		return world, err
	}
	return world, world.open(ctx)
}

func configuration(cluster implementation.Cluster) *rest.Config {
	config := rest.CopyConfig(cluster.Config())
	config.ContentConfig.ContentType = "application/json"
	config.AcceptContentTypes = "application/json"
	config.UserAgent = "podchain"
	config.QPS = -1
	// The answers of a scenario hold the warnings that matter.
	config.WarningHandlerWithContext = rest.NoWarnings{}
	// It is near, and packing and unpacking every event would take more time than it saves.
	config.DisableCompression = true
	return config
}

func clientFor(config *rest.Config, timeout time.Duration) (*http.Client, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: uncancelable{transport, timeout}}, nil
}

func (w *World) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	if w.Feed != nil {
		w.endRecord = w.Feed.Fill(w.Namespace, w.History)
	}
	namespace := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": w.Namespace, "labels": map[string]any{runresources.RunLabel: w.Run}},
	}}
	if _, err := w.client.Resource(chain.KindOf("Namespace").GroupVersionResource).Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		var status apierrors.APIStatus
		if !errors.As(err, &status) {
			err = fmt.Errorf("%w: %w", ErrNoAnswer, err)
		}
		return fmt.Errorf("cannot create the scenario's namespace: %w", err)
	}
	if w.endRecord == nil {
		recorder, err := history.NewRecorder(w.config, w.http, w.History)
		if err != nil {
			return err
		}
		w.endRecord = recorder.Stop
		namespaced, common := sources(w.Cluster, w.Namespace)
		if err := recorder.Watch(ctx, slices.Concat(namespaced, common)...); err != nil {
			return fmt.Errorf("cannot watch the scenario's namespace: %w", err)
		}
	}
	// Pods are refused until the namespace has its account (NS-02).
	return w.History.Await(ctx, "ServiceAccount default in the new namespace", func(record history.Record) error {
		if record.Live("ServiceAccount", "default") == nil {
			return errors.New("the namespace-controller has not created it")
		}
		return nil
	})
}

// Close removes what the scenario made and ends its watches. What could not be
// removed is in the error.
func (w *World) Close(ctx context.Context) error {
	var faults []error
	for _, watcher := range w.watchers {
		watcher.stop()
	}
	for i := len(w.cleanup) - 1; i >= 0; i-- {
		faults = append(faults, w.cleanup[i](ctx))
	}
	if w.Shared && w.client != nil {
		faults = append(faults, w.remove(ctx))
	}
	if w.endRecord != nil {
		w.endRecord()
	}
	if w.http != nil {
		w.http.CloseIdleConnections()
	}
	return errors.Join(faults...)
}

// collection returns the client for a kind in the scenario's namespace.
func (w *World) collection(name string) (dynamic.ResourceInterface, error) {
	kind, err := kindOf(name)
	if err != nil {
		return nil, err
	}
	switch {
	case kind.ClusterScoped:
		return w.client.Resource(kind.GroupVersionResource), nil
	case name == "Lease":
		return w.client.Resource(kind.GroupVersionResource).Namespace(nodeLeases), nil
	}
	return w.client.Resource(kind.GroupVersionResource).Namespace(w.Namespace), nil
}

// stimulus marks the moment before a change: "before", "unchanged" and the
// answers of requests are counted from here. Everything that happened so far
// has been recorded by then where the cluster can tell when it is at rest.
func (w *World) stimulus() {
	w.mark = w.History.Now().Len()
}

// BeginStep says that the step before has ended, and whether the one to come is an
// outcome (Then) rather than something given or done.
func (w *World) BeginStep(outcome bool) {
	if !w.outcome {
		w.acted = time.Now()
	}
	w.outcome = outcome
}

// real is the name that an object of the features has in the cluster: Nodes
// have no namespace, so on a shared cluster they carry the scenario's.
func (w *World) real(kind, name string) string {
	if kind == "Node" && w.Shared && w.nodes.Has(w.Namespace+"-"+name) {
		return w.Namespace + "-" + name
	}
	return strings.ReplaceAll(name, "{namespace}", w.Namespace)
}

// CouldNotRun marks an error that says nothing about the implementation: what
// the scenario needs was not there.
type CouldNotRun struct{ Err error }

func (c CouldNotRun) Error() string { return c.Err.Error() }

// Unwrap returns the error inside.
func (c CouldNotRun) Unwrap() error { return c.Err }

// Wrong is the error for a version that should not have been written.
type Wrong struct {
	Version history.Version
	Err     error
}

func (w *Wrong) Error() string { return w.Err.Error() }

// Unwrap returns the error inside.
func (w *Wrong) Unwrap() error { return w.Err }

// Deviation is the error for a recorded object that is not as a table says.
type Deviation struct {
	Object *unstructured.Unstructured
	// Err has a field.Deviation for every row that does not hold.
	Err error
}

func (d *Deviation) Error() string { return d.Err.Error() }

// Unwrap returns Err.
func (d *Deviation) Unwrap() error { return d.Err }
