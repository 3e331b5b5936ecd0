// Package daemonset is the DaemonSet controller: it keeps one Pod of a set on
// every node that the set is meant for (DS-01..09).
//
//	placement.go  which nodes those are, and how a Pod is bound to one
//	plan.go       what to do next, as a pure function of the existing Pods
//	status.go     what the status says of them
//	daemonset.go  the sync that carries it out
//
// It does one thing that in a production cluster is the Pod garbage
// collector's: it removes a set's Pods from nodes that are gone, where no
// kubelet is left to confirm their end (DS-04).
package daemonset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/podchain/podchain/reference/controller"
	"github.com/podchain/podchain/reference/controller/revision"
	"github.com/podchain/podchain/reference/link"
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
	l, err := link.New(Name, config)
	if err != nil {
		return err
	}
	c := &daemonSets{
		link:         l,
		nodes:        link.Watch(l, l.Clients.Nodes(), link.Trimmed(trimNode)),
		replacements: flowcontrol.NewBackOff(firstReplacement, lastReplacement),
	}
	c.Controller = controller.New(l, controller.Kind[*appsv1.DaemonSet]{
		Resource:         controller.Watch(l, l.Clients.DaemonSets),
		GroupVersionKind: kind,
		Selector:         func(set *appsv1.DaemonSet) *metav1.LabelSelector { return set.Spec.Selector },
		SelectingAll:     "This daemon set is selecting all pods. A non-empty selector is required.",
		Forget:           func(*appsv1.DaemonSet) { c.replacements.GC() }, // what has long been quiet
	})
	c.histories = revision.NewHistories(l, c.Controller,
		func(set *appsv1.DaemonSet) *corev1.PodTemplateSpec { return &set.Spec.Template }, hashLabel)
	pods := controller.Watch(l, l.Clients.Pods, link.Trimmed(controller.TrimPods(kind.Kind, keepAffinity)))
	c.pods = controller.NewChildren(c.Controller, pods, controller.Options[*appsv1.DaemonSet, *corev1.Pod]{})
	link.Handle(l, c.nodes, link.On[*corev1.Node]{Add: c.enqueueAll, Update: c.nodeUpdated, Delete: c.enqueueAll})
	return c.Run(ctx, workers, c.sync)
}

// daemonSets is the controller.
type daemonSets struct {
	*controller.Controller[*appsv1.DaemonSet]
	link      *link.Link
	pods      *controller.Children[*appsv1.DaemonSet, *corev1.Pod]
	histories *revision.Histories[*appsv1.DaemonSet]
	nodes     link.Cache[*corev1.Node]
	// replacements is the backoff of failed Pods, by set and node.
	replacements *flowcontrol.Backoff
}

// enqueueAll is for changes of nodes: any set may be meant for any node.
func (c *daemonSets) enqueueAll(*corev1.Node) {
	for _, set := range c.Owners(metav1.NamespaceAll) {
		c.Enqueue(set)
	}
}

// nodeUpdated ignores what is most of it: heartbeats.
func (c *daemonSets) nodeUpdated(old, node *corev1.Node) {
	if !maps.Equal(old.Labels, node.Labels) || !equality.Semantic.DeepEqual(old.Spec.Taints, node.Spec.Taints) {
		c.enqueueAll(node)
	}
}

// sync brings one set a step further, and then its status in line.
func (c *daemonSets) sync(ctx context.Context, set *appsv1.DaemonSet) error {
	if set.DeletionTimestamp != nil {
		// Its Pods and its history may be orphaned or deleted in any order: nothing
		// sensible can be said or done.
		return nil
	}
	pods, err := c.pods.Claim(ctx, set)
	if err != nil {
		return err
	}
	nodes, err := c.nodes.List(labels.Everything())
	if err != nil {
		return err
	}
	slices.SortFunc(nodes, func(a, b *corev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	history, err := c.histories.Of(ctx, set, set.Status.CollisionCount)
	if err != nil {
		return err
	}
	s := newState(set, nodes, pods, history.Update.Labels[hashLabel], time.Now())
	failure := c.carryOut(ctx, s)
	c.EnqueueAfter(set, controller.NextAvailable(pods, set.Spec.MinReadySeconds, s.now))
	updated := *set // what it points to stays the cache's
	updated.Status = s.status(history.Collisions)
	if err := errors.Join(failure, c.UpdateStatus(ctx, set, &updated)); err != nil {
		return err
	}
	return c.histories.Truncate(ctx, history, set.Spec.RevisionHistoryLimit, s.inUse(pods))
}

// carryOut makes the writes of the plan: one that places Pods, or, once they are
// placed, one that updates them.
func (c *daemonSets) carryOut(ctx context.Context, s state) error {
	p := s.placement()
	// Pods that fail wait for their time; everything else is up to date then.
	if p.ended = c.due(s.set, p.ended, s.now); p.empty() && s.set.Spec.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType {
		p = s.update()
	}
	abandoned, unknown := c.confirm(ctx, p.abandoned)
	return errors.Join(unknown, c.pods.CarryOut(ctx, s.set, controller.Plan[*corev1.Pod]{
		Create:      s.newPods(p.create),
		Delete:      slices.Concat(p.delete, p.ended),
		ForceDelete: abandoned,
	}))
}

// due returns those of the Pods that have ended which it is time to replace.
func (c *daemonSets) due(set *appsv1.DaemonSet, ended []*corev1.Pod, now time.Time) []*corev1.Pod {
	var due []*corev1.Pod
	for _, pod := range ended {
		node, _ := nodeOf(pod)
		if pod.Status.Phase == corev1.PodSucceeded {
			c.Events.Eventf(set, corev1.EventTypeNormal, "SucceededDaemonPod",
				"Found succeeded daemon pod %s/%s on node %s, will try to delete it", pod.Namespace, pod.Name, node)
			due = append(due, pod)
			continue
		}
		id := fmt.Sprintf("%s/%d/%s", set.UID, set.Generation, node)
		if c.replacements.IsInBackOffSinceUpdate(id, now) {
			c.EnqueueAfter(set, c.replacements.Get(id))
			continue
		}
		c.replacements.Next(id, now)
		c.Events.Eventf(set, corev1.EventTypeWarning, "FailedDaemonPod",
			"Found failed daemon pod %s/%s on node %s, will try to kill it", pod.Namespace, pod.Name, node)
		due = append(due, pod)
	}
	return due
}

// confirm returns those of the Pods whose node is gone by the API server's word: one
// that is merely not in the cache yet still runs the Pod, and its event brings the
// next look.
func (c *daemonSets) confirm(ctx context.Context, abandoned []*corev1.Pod) (confirmed []*corev1.Pod, unknown error) {
	gone := make([]bool, len(abandoned))
	unknown = controller.Parallel(len(abandoned), func(i int) error {
		node := abandoned[i].Spec.NodeName
		_, err := c.link.Clients.Nodes().Get(ctx, node, metav1.GetOptions{})
		if gone[i] = apierrors.IsNotFound(err); err == nil || gone[i] {
			return nil
		}
		return fmt.Errorf("node %s: %w", node, err)
	})
	for i, pod := range abandoned {
		if gone[i] {
			confirmed = append(confirmed, pod)
		}
	}
	return confirmed, unknown
}
