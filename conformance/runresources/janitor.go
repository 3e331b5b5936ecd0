package runresources

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation/clients"
)

// Janitor finds and removes what runs have in a cluster.
type Janitor struct {
	Client  *clients.Clients
	Objects dynamic.Interface
	// RemoveNode ends a node together with its kubelet. Where it is nil or fails,
	// only the Node object is deleted.
	RemoveNode func(ctx context.Context, name string) error
}

// Run is what one run has in the cluster.
type Run struct {
	ID                string
	Namespaces, Nodes []string
}

// String names the run and says how much it has.
func (r Run) String() string {
	text := fmt.Sprintf("run %s: %d namespaces", r.ID, len(r.Namespaces))
	if len(r.Nodes) > 0 {
		text += ", nodes " + strings.Join(r.Nodes, ", ")
	}
	return text
}

// Find returns every run that has something in the cluster, in the order of their
// ids.
func (s *Janitor) Find(ctx context.Context) ([]Run, error) { return s.find(ctx, RunLabel) }

func (s *Janitor) find(ctx context.Context, selector string) ([]Run, error) {
	marked := metav1.ListOptions{LabelSelector: selector}
	namespaces, err := s.Client.Namespaces().List(ctx, marked)
	if err != nil {
		return nil, fmt.Errorf("cannot look for namespaces of runs: %w", err)
	}
	nodes, err := s.Client.Nodes().List(ctx, marked)
	if err != nil {
		return nil, fmt.Errorf("cannot look for nodes of runs: %w", err)
	}
	runs := map[string]*Run{}
	of := func(labels map[string]string) *Run {
		id := labels[RunLabel]
		if runs[id] == nil {
			runs[id] = &Run{ID: id}
		}
		return runs[id]
	}
	for _, namespace := range namespaces.Items {
		run := of(namespace.Labels)
		run.Namespaces = append(run.Namespaces, namespace.Name)
	}
	for _, node := range nodes.Items {
		run := of(node.Labels)
		run.Nodes = append(run.Nodes, node.Name)
	}
	var all []Run
	for _, run := range runs {
		all = append(all, *run)
	}
	slices.SortFunc(all, func(a, b Run) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// Alive returns those of the runs that have a heartbeat from now on. It takes
// Timeout, unless all have given one: clocks are not compared, for the cluster's
// and those of the machines that runs run on may differ.
func (s *Janitor) Alive(ctx context.Context, runs []Run) (sets.Set[string], error) {
	alive := sets.New[string]()
	leases := s.Client.Leases(metav1.NamespaceAll)
	list, err := leases.List(ctx, metav1.ListOptions{LabelSelector: RunLabel})
	if err != nil {
		return nil, fmt.Errorf("cannot list the heartbeats of runs: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	signs, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = RunLabel
			return leases.Watch(ctx, options)
		}})
	if err != nil {
		return nil, fmt.Errorf("cannot watch the heartbeats of runs: %w", err)
	}
	defer signs.Stop()
	waiting := sets.New[string]()
	for _, run := range runs {
		waiting.Insert(run.ID)
	}
	for waiting.Len() > 0 {
		select {
		case event, open := <-signs.ResultChan():
			switch {
			case event.Type == watch.Error:
				return nil, fmt.Errorf("cannot watch the heartbeats of runs: %w", apierrors.FromObject(event.Object))
			case !open:
				return alive, context.Cause(ctx)
			case event.Type == watch.Added || event.Type == watch.Modified:
				if sign, ok := event.Object.(metav1.Object); ok {
					waiting.Delete(sign.GetLabels()[RunLabel])
					alive.Insert(sign.GetLabels()[RunLabel])
				}
			}
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return alive, nil
			}
			return nil, ctx.Err()
		}
	}
	return alive, nil
}

// Remove removes everything of a run and returns when it is gone. When ctx ends
// before, the error says what is left, and what the cluster says about that.
func (s *Janitor) Remove(ctx context.Context, run string) error {
	selector := RunLabel + "=" + run
	found, err := s.find(ctx, selector)
	if err != nil || len(found) == 0 {
		return err
	}
	for _, node := range found[0].Nodes {
		if err := s.removeNode(ctx, node); err != nil {
			return err
		}
	}
	isNode, err := s.nodes(ctx)
	if err != nil {
		return err
	}
	namespaces := s.Client.Namespaces()
	list, err := namespaces.List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return fmt.Errorf("cannot look for namespaces of run %s: %w", run, err)
	}
	// Before the first of them can go.
	events, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = selector
			return namespaces.Watch(ctx, options)
		}})
	if err != nil {
		return fmt.Errorf("cannot watch the namespaces of run %s: %w", run, err)
	}
	defer events.Stop()
	left := map[string]*corev1.Namespace{}
	for i := range list.Items {
		namespace := &list.Items[i]
		left[namespace.Name] = namespace
		if err := s.removeNamespace(ctx, namespace, isNode); err != nil {
			return err
		}
	}
	for len(left) > 0 {
		select {
		case event, open := <-events.ResultChan():
			namespace, ok := event.Object.(*corev1.Namespace)
			switch {
			case !open || event.Type == watch.Error:
				if ctx.Err() == nil {
					return fmt.Errorf("the watch of what is left of run %s ended: %w", run, apierrors.FromObject(event.Object))
				}
			case ok && event.Type == watch.Deleted:
				delete(left, namespace.Name)
			case ok:
				// What the namespace controller has found out about it has changed.
				left[namespace.Name] = namespace
				if err := s.removeNamespace(ctx, namespace, isNode); err != nil && ctx.Err() == nil {
					return err
				}
			}
		case <-ctx.Done():
		}
		if ctx.Err() != nil && len(left) > 0 {
			return stuck(run, left, context.Cause(ctx))
		}
	}
	return nil
}

func (s *Janitor) removeNode(ctx context.Context, name string) error {
	var ending error
	if s.RemoveNode != nil {
		ending = s.RemoveNode(ctx, name)
	}
	err := s.Client.Nodes().Delete(ctx, name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return errors.Join(fmt.Errorf("cannot remove node %s: %w", name, err), ending)
	}
	return nil
}

func (s *Janitor) nodes(ctx context.Context) (func(string) bool, error) {
	list, err := s.Client.Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("cannot list nodes: %w", err)
	}
	names := sets.New[string]()
	for _, node := range list.Items {
		names.Insert(node.Name)
	}
	return names.Has, nil
}

// removeNamespace deletes a namespace, first of all, so that no controller makes
// another object to hold on to, and lets go of what nobody else would: the
// namespace controller removes the rest in its own time.
func (s *Janitor) removeNamespace(ctx context.Context, namespace *corev1.Namespace, isNode func(string) bool) error {
	if namespace.DeletionTimestamp == nil {
		err := s.Client.Namespaces().Delete(ctx, namespace.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return fmt.Errorf("cannot remove namespace %s: %w", namespace.Name, err)
		}
	}
	for _, kind := range chain.Finalizable() {
		collection := s.Objects.Resource(kind.GroupVersionResource).Namespace(namespace.Name)
		list, err := collection.List(ctx, metav1.ListOptions{})
		if err != nil {
			return fmt.Errorf("cannot tell what is left in namespace %s: %w", namespace.Name, err)
		}
		for i := range list.Items {
			if err := ReleaseFinalizers(ctx, collection, &list.Items[i], isNode); err != nil {
				return err
			}
		}
	}
	return nil
}

// stuck says what is left of a run, and why as far as the namespace controller
// knows.
func stuck(run string, left map[string]*corev1.Namespace, why error) error {
	if errors.Is(why, context.DeadlineExceeded) {
		why = errors.New("it does not go")
	}
	var lines []string
	for name, namespace := range left {
		line := "namespace " + name
		if namespace.DeletionTimestamp != nil {
			line += fmt.Sprintf(", deleted at %s", namespace.DeletionTimestamp.Format(time.RFC3339))
		}
		for _, condition := range namespace.Status.Conditions {
			if condition.Status == corev1.ConditionTrue {
				line += "; " + condition.Message
			}
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return fmt.Errorf("left of run %s: %w:\n%s", run, why, strings.Join(lines, "\n"))
}
