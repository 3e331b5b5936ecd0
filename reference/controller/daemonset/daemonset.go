// Package daemonset is the DaemonSet controller: it keeps one Pod of a set on
// every node that the set is meant for (DS-01..09).
//
//	placement.go  which nodes those are, and how a Pod is bound to one
//	plan.go       what to do next, as a pure function of the Pods that there are
//	status.go     what to tell about them
//	daemonset.go  the loop that carries it out
//
// It does one thing that in a production cluster is the Pod garbage
// collector's: it removes a set's Pods from nodes that are gone, where nobody
// is left to confirm their end (DS-04).
package daemonset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/controller"
	"github.com/podchain/podchain/reference/controller/members"
	"github.com/podchain/podchain/reference/controller/revision"
)

const (
	// Name is what the link calls itself in requests and Events.
	Name    = "daemonset-controller"
	workers = 2

	// A Pod that keeps failing on a node is replaced ever more slowly (DS-06):
	// often it is the node that refuses it.
	firstReplacement = time.Second
	lastReplacement  = 15 * time.Minute
)

var kind = appsv1.SchemeGroupVersion.WithKind("DaemonSet")

// Run is the DaemonSet controller, until ctx is done.
func Run(ctx context.Context, config *rest.Config) error {
	link, err := controller.NewLink(Name, config)
	if err != nil {
		return err
	}
	sets := link.Informers.Apps().V1().DaemonSets()
	revisions := link.Informers.Apps().V1().ControllerRevisions().Informer()
	pods := link.Informers.Core().V1().Pods().Informer()
	nodes := link.Informers.Core().V1().Nodes()
	c := &daemonSets{
		client:       link.Client,
		events:       link.Events,
		sets:         sets.Lister(),
		nodes:        nodes.Lister(),
		pods:         pods.GetIndexer(),
		revisions:    revisions.GetIndexer(),
		queue:        controller.NewQueue[cache.ObjectName](),
		expectations: controller.NewExpectations(),
		superseded:   controller.NewSuperseded(),
		replacements: flowcontrol.NewBackOff(firstReplacement, lastReplacement),
	}
	route := members.Route{Kind: kind.Kind, Look: c.queue.Add, Adopters: c.adopters}
	podRoute := route
	podRoute.Expectations = c.expectations
	// A Pod that is not placed yet is known by the node that it is made for.
	keepAffinity := func(trimmed, pod *corev1.Pod) {
		if pod.Spec.NodeName == "" {
			trimmed.Spec.Affinity = pod.Spec.Affinity
		}
	}
	if err := errors.Join(
		pods.AddIndexers(controller.ByController()),
		revisions.AddIndexers(controller.ByController()),
		pods.SetTransform(members.Trim(kind.Kind, keepAffinity)),
		nodes.Informer().SetTransform(trimNode),
		handle(sets.Informer(), cache.ResourceEventHandlerFuncs{
			AddFunc:    c.look,
			UpdateFunc: func(_, set any) { c.look(set) },
			DeleteFunc: c.forget,
		}),
		handle(pods, podRoute.Handlers()),
		handle(revisions, route.Handlers()),
		handle(nodes.Informer(), cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { c.lookAtAll() },
			UpdateFunc: c.nodeUpdated,
			DeleteFunc: func(any) { c.lookAtAll() },
		}),
	); err != nil {
		c.queue.ShutDown()
		return fmt.Errorf("%s: %w", Name, err)
	}
	return link.Run(ctx, func(ctx context.Context) { c.queue.Run(ctx, workers, c.sync) })
}

func handle(informer cache.SharedIndexInformer, handlers cache.ResourceEventHandlerFuncs) error {
	_, err := informer.AddEventHandler(handlers)
	return err
}

// daemonSets holds what a sync works with.
type daemonSets struct {
	client kubernetes.Interface
	events record.EventRecorder

	sets  appslisters.DaemonSetLister
	nodes corelisters.NodeLister
	// pods and revisions are indexed by controller.
	pods, revisions cache.Indexer

	queue        *controller.Queue[cache.ObjectName]
	expectations *controller.Expectations
	superseded   *controller.Superseded
	// replacements is the backoff of failed Pods, by set and node.
	replacements *flowcontrol.Backoff
}

func (c *daemonSets) look(object any) {
	if key, ok := controller.Key(object); ok {
		c.queue.Add(key)
	}
}

// lookAtAll is for changes of nodes: any set may be meant for any node.
func (c *daemonSets) lookAtAll() {
	sets, err := c.sets.List(labels.Everything())
	if err != nil {
		return // the lister reads memory: there is no error
	}
	for _, set := range sets {
		c.look(set)
	}
}

// nodeUpdated ignores what is most of it: heartbeats.
func (c *daemonSets) nodeUpdated(before, now any) {
	old, node := before.(*corev1.Node), now.(*corev1.Node)
	if old.UID != node.UID || !maps.Equal(old.Labels, node.Labels) || !equality.Semantic.DeepEqual(old.Spec.Taints, node.Spec.Taints) {
		c.lookAtAll()
	}
}

func (c *daemonSets) forget(object any) {
	if set, ok := controller.Object(object); ok {
		c.expectations.Forget(set.GetUID())
		c.superseded.Forget(set.GetUID())
	}
	c.replacements.GC() // what has long been quiet
}

func (c *daemonSets) adopters(namespace string) []members.Adopter {
	sets, err := c.sets.DaemonSets(namespace).List(labels.Everything())
	if err != nil {
		return nil // as above
	}
	adopters := make([]members.Adopter, len(sets))
	for i, set := range sets {
		adopters[i] = members.Adopter{Name: cache.MetaObjectToName(set), Selector: set.Spec.Selector}
	}
	return adopters
}

// sync brings one set a step further, and then its status in line.
func (c *daemonSets) sync(ctx context.Context, key cache.ObjectName) error {
	set, err := c.sets.DaemonSets(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	// The Pods and the history of a set that is being deleted may be orphaned
	// or deleted in any order: nothing sensible can be said or done.
	if set.DeletionTimestamp != nil || c.superseded.Stale(set) {
		return nil
	}
	if after, pending := c.expectations.Pending(set.UID); pending {
		c.queue.AddAfter(key, after)
		return nil
	}
	selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector)
	if err != nil {
		return fmt.Errorf("selector: %w", err)
	}
	if selector.Empty() {
		c.events.Event(set, corev1.EventTypeWarning, "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.")
		return nil
	}
	pods, revisions, err := c.claim(ctx, set, selector)
	if err != nil {
		return err
	}
	nodes, err := c.nodes.List(labels.Everything())
	if err != nil {
		return err
	}
	slices.SortFunc(nodes, func(a, b *corev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	current, collisions, err := revision.Current(ctx, c.client.AppsV1().ControllerRevisions(set.Namespace), revision.Owner{
		Object: set, Kind: kind, Template: &set.Spec.Template, Collisions: set.Status.CollisionCount,
		HashLabel: appsv1.DefaultDaemonSetUniqueLabelKey,
	}, revisions)
	if err != nil {
		return fmt.Errorf("revision: %w", err)
	}

	s := newState(set, nodes, pods, current.Labels[appsv1.DefaultDaemonSetUniqueLabelKey], time.Now())
	p := s.placement()
	// Pods that fail wait for their time; everything else is up to date then.
	if p.ended = c.due(set, p.ended, s.now); p.empty() && set.Spec.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType {
		p = s.update()
	}
	failure := c.carryOut(ctx, s, p)
	if after := s.nextAvailable(); after > 0 {
		c.queue.AddAfter(key, after) // time alone makes Pods available
	}
	if err := c.report(ctx, set, s.status(collisions)); err != nil {
		return errors.Join(failure, err)
	}
	if failure != nil {
		return failure
	}
	return c.truncate(ctx, set, pods, revisions, current)
}

// claim returns the Pods and the revisions that the set owns, the latter in order.
func (c *daemonSets) claim(ctx context.Context, set *appsv1.DaemonSet, selector labels.Selector) ([]*corev1.Pod, []*appsv1.ControllerRevision, error) {
	owners := c.client.AppsV1().DaemonSets(set.Namespace)
	pods, err := controller.Claim[*appsv1.DaemonSet, *corev1.Pod]{
		Owner: set, Kind: kind, Selector: selector, Owners: owners,
		Objects: c.client.CoreV1().Pods(set.Namespace),
	}.From(ctx, c.pods)
	if err != nil {
		return nil, nil, err
	}
	revisions, err := controller.Claim[*appsv1.DaemonSet, *appsv1.ControllerRevision]{
		Owner: set, Kind: kind, Selector: selector, Owners: owners,
		Objects: c.client.AppsV1().ControllerRevisions(set.Namespace),
	}.From(ctx, c.revisions)
	revision.Sort(revisions)
	return pods, revisions, err
}

// due returns those of the Pods that have ended which it is time to replace.
func (c *daemonSets) due(set *appsv1.DaemonSet, ended []*corev1.Pod, now time.Time) []*corev1.Pod {
	var due []*corev1.Pod
	for _, pod := range ended {
		node, _ := nodeOf(pod)
		if pod.Status.Phase == corev1.PodSucceeded {
			c.events.Eventf(set, corev1.EventTypeNormal, "SucceededDaemonPod",
				"Found succeeded daemon pod %s/%s on node %s, will try to delete it", pod.Namespace, pod.Name, node)
			due = append(due, pod)
			continue
		}
		id := fmt.Sprintf("%s/%d/%s", set.UID, set.Generation, node)
		if c.replacements.IsInBackOffSinceUpdate(id, now) {
			c.queue.AddAfter(cache.MetaObjectToName(set), c.replacements.Get(id))
			continue
		}
		c.replacements.Next(id, now)
		c.events.Eventf(set, corev1.EventTypeWarning, "FailedDaemonPod",
			"Found failed daemon pod %s/%s on node %s, will try to kill it", pod.Namespace, pod.Name, node)
		due = append(due, pod)
	}
	return due
}

// carryOut makes the writes of the plan.
func (c *daemonSets) carryOut(ctx context.Context, s state, p plan) error {
	if p.empty() {
		return nil
	}
	if len(p.create) > 0 {
		switch err := controller.Confirm(ctx, c.client.AppsV1().DaemonSets(s.set.Namespace), s.set); {
		case errors.Is(err, controller.ErrLeaving):
			return nil // the event that tells of it is on its way
		case err != nil:
			return err
		}
	}
	c.expectations.Begin(s.set.UID)
	defer c.expectations.End(s.set.UID)
	template := newTemplate(s.set, s.hash)
	var begun atomic.Int64
	_, createErr := controller.SlowStart(len(p.create), func() error {
		return c.create(ctx, s.set, newPod(s.set, template, p.create[begun.Add(1)-1]))
	})
	leaving := slices.Concat(p.delete, p.ended)
	_, deleteErr := controller.Parallel(len(leaving), func(i int) error {
		return c.delete(ctx, s.set, leaving[i], nil)
	})
	_, abandonErr := controller.Parallel(len(p.abandoned), func(i int) error { return c.abandon(ctx, s.set, p.abandoned[i]) })
	return errors.Join(createErr, deleteErr, abandonErr)
}

func (c *daemonSets) create(ctx context.Context, set *appsv1.DaemonSet, pod *corev1.Pod) error {
	created, err := c.client.CoreV1().Pods(set.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return nil // no retry: it will not change its mind
	case err != nil:
		c.events.Eventf(set, corev1.EventTypeWarning, "FailedCreate", "Error creating: %v", err)
		return fmt.Errorf("create Pod: %w", err)
	}
	c.expectations.Created(set.UID, created.UID)
	c.events.Eventf(set, corev1.EventTypeNormal, "SuccessfulCreate", "Created pod: %s", created.Name)
	return nil
}

// delete removes a Pod, after the grace period given, or its own.
func (c *daemonSets) delete(ctx context.Context, set *appsv1.DaemonSet, pod *corev1.Pod, grace *int64) error {
	c.expectations.Deleting(set.UID, pod.UID)
	err := c.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		Preconditions:      metav1.NewUIDPreconditions(string(pod.UID)),
		GracePeriodSeconds: grace,
	})
	switch {
	case apierrors.IsNotFound(err):
		c.expectations.NotDeleted(set.UID, pod.UID)
		return nil
	case err != nil:
		c.expectations.NotDeleted(set.UID, pod.UID)
		c.events.Eventf(set, corev1.EventTypeWarning, "FailedDelete", "Error deleting: %v", err)
		return fmt.Errorf("delete Pod %s: %w", pod.Name, err)
	}
	c.events.Eventf(set, corev1.EventTypeNormal, "SuccessfulDelete", "Deleted pod: %s", pod.Name)
	return nil
}

// abandon removes a Pod from a node that is gone, and asks first whether it is:
// a node that is merely not seen yet still runs the Pod.
func (c *daemonSets) abandon(ctx context.Context, set *appsv1.DaemonSet, pod *corev1.Pod) error {
	_, err := c.client.CoreV1().Nodes().Get(ctx, pod.Spec.NodeName, metav1.GetOptions{})
	if err == nil {
		return nil // its event brings the next look
	}
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("node %s: %w", pod.Spec.NodeName, err)
	}
	return c.delete(ctx, set, pod, ptr.To[int64](0))
}

func (c *daemonSets) report(ctx context.Context, set *appsv1.DaemonSet, status appsv1.DaemonSetStatus) error {
	if equality.Semantic.DeepEqual(set.Status, status) {
		return nil
	}
	changed := set.DeepCopy()
	changed.Status = status
	updated, err := c.client.AppsV1().DaemonSets(set.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	c.superseded.Wrote(set, updated)
	return nil
}

// truncate keeps as much history as the set asks for.
func (c *daemonSets) truncate(ctx context.Context, set *appsv1.DaemonSet, pods []*corev1.Pod, revisions []*appsv1.ControllerRevision, current *appsv1.ControllerRevision) error {
	if set.Spec.RevisionHistoryLimit == nil {
		return nil
	}
	used := map[string]bool{current.Labels[appsv1.DefaultDaemonSetUniqueLabelKey]: true}
	for _, pod := range pods {
		used[pod.Labels[appsv1.DefaultDaemonSetUniqueLabelKey]] = true
	}
	return revision.Truncate(ctx, c.client.AppsV1().ControllerRevisions(set.Namespace), revisions, *set.Spec.RevisionHistoryLimit,
		func(r *appsv1.ControllerRevision) bool { return used[r.Labels[appsv1.DefaultDaemonSetUniqueLabelKey]] })
}
