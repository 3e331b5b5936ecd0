// Package statefulset is the StatefulSet controller: it gives each Pod of a set
// a name that it keeps, and creates, removes and replaces the Pods in the order
// of their names (STS-01..12).
//
//	identity.go   a Pod's name, labels and place
//	plan.go       what to do next, as a pure function of the existing Pods
//	status.go     what the status says of them
//	claims.go     the volume claims that outlive a Pod
//	statefulset.go the sync that carries it out
package statefulset

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/reference/controller"
	"github.com/podchain/podchain/reference/controller/revision"
	"github.com/podchain/podchain/reference/link"
)

const (
	// Name is what the link calls itself in requests and Events.
	Name    = "statefulset-controller"
	workers = 5
	// hashLabel is the label of a revision that holds the hash in its name.
	hashLabel = "controller.kubernetes.io/hash"
)

var (
	kind    = appsv1.SchemeGroupVersion.WithKind("StatefulSet")
	podKind = corev1.SchemeGroupVersion.WithKind("Pod")
)

// Run is the StatefulSet controller, until ctx is done.
func Run(ctx context.Context, config *rest.Config) error {
	l, err := link.New(Name, config)
	if err != nil {
		return err
	}
	c := &statefulSets{claims: controller.Watch(l, l.Clients.PersistentVolumeClaims, link.Trimmed(trimClaim))}
	c.Controller = controller.New(l, controller.Kind[*appsv1.StatefulSet]{
		Resource:         controller.Watch(l, l.Clients.StatefulSets),
		GroupVersionKind: kind,
		Selector:         func(set *appsv1.StatefulSet) *metav1.LabelSelector { return set.Spec.Selector },
	})
	c.histories = revision.NewHistories(l, c.Controller, func(set *appsv1.StatefulSet) *corev1.PodTemplateSpec { return &set.Spec.Template }, hashLabel)
	pods := controller.Watch(l, l.Clients.Pods, link.Trimmed(controller.TrimPods(kind.Kind, nil)))
	c.pods = controller.NewChildren(c.Controller, pods, controller.Options[*appsv1.StatefulSet, *corev1.Pod]{
		// What has no name of the set's can never be a replica of it.
		Claimable: func(set *appsv1.StatefulSet, pod *corev1.Pod) bool {
			_, ok := ordinalOf(set, pod.Name)
			return ok || metav1.GetControllerOfNoCopy(pod) != nil
		},
		Prepare: c.createClaims,
		Message: message,
	})
	link.Handle(l, c.claims.Cache, link.On[*corev1.PersistentVolumeClaim]{Delete: c.claimDeleted})
	return c.Run(ctx, workers, c.sync)
}

// message words the Event about a Pod as Kubernetes does.
func message(set *appsv1.StatefulSet, verb, pod string, err error) string {
	done := fmt.Sprintf("%s Pod %s in StatefulSet %s", verb, pod, set.Name)
	if err != nil {
		return fmt.Sprintf("%s failed error: %s", done, err)
	}
	return done + " successful"
}

// statefulSets is the controller.
type statefulSets struct {
	*controller.Controller[*appsv1.StatefulSet]
	pods      *controller.Children[*appsv1.StatefulSet, *corev1.Pod]
	histories *revision.Histories[*appsv1.StatefulSet]
	claims    controller.Resource[*corev1.PersistentVolumeClaim]
}

// claimDeleted queues the sets whose Pods may have waited for a claim to go.
func (c *statefulSets) claimDeleted(claim *corev1.PersistentVolumeClaim) {
	for _, set := range c.Owners(claim.GetNamespace()) {
		if len(set.Spec.VolumeClaimTemplates) > 0 {
			c.Enqueue(set)
		}
	}
}

// sync brings one set a step further, and then its status in line.
func (c *statefulSets) sync(ctx context.Context, set *appsv1.StatefulSet) error {
	pods, err := c.pods.Claim(ctx, set)
	if err != nil {
		return err
	}
	history, err := c.histories.Of(ctx, set, set.Status.CollisionCount)
	if err != nil {
		return err
	}
	s := newState(set, pods, history, c.claimsOf(set), time.Now())
	var failure error
	if set.DeletionTimestamp == nil {
		failure = c.carryOut(ctx, s)
		c.EnqueueAfter(set, controller.NextAvailable(pods, set.Spec.MinReadySeconds, s.now))
	}
	updated := *set // what it points to stays the cache's
	updated.Status = s.status(history.Collisions)
	if err := errors.Join(failure, c.UpdateStatus(ctx, set, &updated)); err != nil || set.DeletionTimestamp != nil {
		return err
	}
	return c.histories.Truncate(ctx, history, set.Spec.RevisionHistoryLimit, s.inUse(pods))
}

// carryOut makes the writes of the plan, after those that keep the Pods that stay
// in line: their labels and their claims.
func (c *statefulSets) carryOut(ctx context.Context, s state) error {
	for _, pod := range s.unlabelled() {
		if err := c.label(ctx, s.set, pod); err != nil {
			return err
		}
	}
	for _, pod := range s.pending() {
		if err := c.createClaims(ctx, s.set, pod); err != nil {
			return err
		}
	}
	for _, change := range s.claimChanges() {
		if err := c.changeOwners(ctx, change); err != nil {
			return err
		}
	}
	p := s.next()
	create, err := s.newPods(p.create)
	if err != nil {
		return err
	}
	return c.pods.CarryOut(ctx, s.set, controller.Plan[*corev1.Pod]{Create: create, Delete: p.delete})
}

// label restores the labels that a Pod of the set is found by (STS-01).
func (c *statefulSets) label(ctx context.Context, set *appsv1.StatefulSet, pod *corev1.Pod) error {
	ordinal, _ := ordinalOf(set, pod.Name)
	err := controller.PatchMetadata(ctx, c.pods.Client(pod.Namespace), pod, map[string]any{"labels": identity(set, ordinal)})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("labels of Pod %s: %w", pod.Name, err)
	}
	return nil
}
