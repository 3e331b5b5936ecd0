// Package replicaset is the ReplicaSet controller: it reads how many Pods a
// ReplicaSet asks for and which Pods are its own, and creates or deletes Pods
// until the two agree. It starts nothing itself: the API server stores the
// Pods, and the scheduler takes them from there.
package replicaset

import (
	"context"
	"iter"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/reference/controller"
	"github.com/podchain/podchain/reference/link"
)

const (
	name    = "replicaset-controller"
	workers = 5

	// A look at a ReplicaSet costs time in proportion to its Pods. When many
	// Pods become ready one by one, the looks that only bring the status up to
	// date are therefore put together: they wait settlePerReplica for each
	// replica, if there are more than promptUpTo.
	promptUpTo       = 100
	settlePerReplica = 20 * time.Microsecond
)

// Run is the ReplicaSet controller, until ctx is done.
func Run(ctx context.Context, config *rest.Config) error {
	l, err := link.New(name, config)
	if err != nil {
		return err
	}
	return RunFor(ctx, l, Kind[*appsv1.ReplicaSet]{
		Resource:         controller.Watch(l, l.Clients.ReplicaSets),
		GroupVersionKind: appsv1.SchemeGroupVersion.WithKind("ReplicaSet"),
		AsReplicaSet:     func(set *appsv1.ReplicaSet) *appsv1.ReplicaSet { return set },
		WithStatus: func(set *appsv1.ReplicaSet, status appsv1.ReplicaSetStatus) *appsv1.ReplicaSet {
			updated := *set // what it points to stays the cache's
			updated.Status = status
			return &updated
		},
	})
}

// Kind is a kind whose objects keep a number of equal Pods, as ReplicaSets do, and
// say so in their own words.
type Kind[O clients.Object] struct {
	controller.Resource[O]
	schema.GroupVersionKind
	// AsReplicaSet returns the ReplicaSet that asks for the same.
	AsReplicaSet func(O) *appsv1.ReplicaSet
	// WithStatus returns the object with another status.
	WithStatus func(O, appsv1.ReplicaSetStatus) O
}

// RunFor is Run for a kind.
func RunFor[O clients.Object](ctx context.Context, l *link.Link, kind Kind[O]) error {
	c := &replicas[O]{kind: kind}
	c.Controller = controller.New(l, controller.Kind[O]{
		Resource:         kind.Resource,
		GroupVersionKind: kind.GroupVersionKind,
		Selector:         func(owner O) *metav1.LabelSelector { return kind.AsReplicaSet(owner).Spec.Selector },
		StatusDelay:      func(owner O) time.Duration { return statusDelay(*kind.AsReplicaSet(owner).Spec.Replicas) },
	})
	pods := controller.Watch(l, l.Clients.Pods, link.Trimmed(controller.TrimPods(kind.Kind, nil)))
	c.pods = controller.NewChildren(c.Controller, pods, controller.Options[O, *corev1.Pod]{
		// One that has ended or is being deleted is not worth a write.
		Claimable: func(_ O, pod *corev1.Pod) bool { return controller.Active(pod) },
		Effect:    effect,
	})
	return c.Run(ctx, workers, c.sync)
}

func statusDelay(replicas int32) time.Duration {
	if replicas <= promptUpTo {
		return 0
	}
	return time.Duration(replicas) * settlePerReplica
}

// replicas is the controller of a kind.
type replicas[O clients.Object] struct {
	*controller.Controller[O]
	kind Kind[O]
	pods *controller.Children[O, *corev1.Pod]
}

// sync brings one owner's Pods, and then its status, in line.
func (c *replicas[O]) sync(ctx context.Context, owner O) error {
	set := c.kind.AsReplicaSet(owner)
	pods, err := c.pods.Claim(ctx, owner)
	if err != nil {
		return err
	}
	var failure error
	if set.DeletionTimestamp == nil {
		p := planFor(set, pods, c.related(owner, pods), time.Now())
		failure = c.pods.CarryOut(ctx, owner, controller.Plan[*corev1.Pod]{Create: c.newPods(owner, p.create), Delete: p.delete})
		if failure == nil && p.create+len(p.delete) > 0 && p.rest == 0 {
			return nil // the Pods' events bring the next look, with numbers worth telling
		}
	}
	now := time.Now()
	c.EnqueueAfter(owner, controller.NextAvailable(pods, set.Spec.MinReadySeconds, now)) // RS-15
	if err := c.UpdateStatus(ctx, owner, c.kind.WithStatus(owner, statusOf(set, pods, failure, now))); err != nil {
		return err
	}
	return failure
}

// newPods makes Pods as the template says.
func (c *replicas[O]) newPods(owner O, count int) []*corev1.Pod {
	template := &c.kind.AsReplicaSet(owner).Spec.Template
	pods := make([]*corev1.Pod, count)
	for i := range pods {
		pods[i] = controller.PodFromTemplate(template, owner, c.kind.GroupVersionKind)
	}
	return pods
}

// related yields the Pods of the owner and of its siblings: the other revisions
// of a Deployment. Those of the owner are as claimed: the cache does not show yet what
// has just been adopted.
func (c *replicas[O]) related(owner O, claimed []*corev1.Pod) iter.Seq[*corev1.Pod] {
	return func(yield func(*corev1.Pod) bool) {
		for _, sibling := range c.Siblings(owner) {
			pods := claimed
			if sibling.GetUID() != owner.GetUID() {
				pods = c.pods.Owned(sibling.GetUID())
			}
			for _, pod := range pods {
				if !yield(pod) {
					return
				}
			}
		}
	}
}
