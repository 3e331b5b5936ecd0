// Package deployment is the Deployment controller: it keeps one ReplicaSet per
// Pod template that a Deployment has had, moves replicas from the old ones to
// the current one within the bounds of the strategy, and says in the status
// how far that is. It never writes a Pod: Pods are the ReplicaSet controller's
// part (DEPLOY-23).
package deployment

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/reference/controller"
	"github.com/podchain/podchain/reference/link"
)

const (
	name    = "deployment-controller"
	workers = 5
)

var kind = appsv1.SchemeGroupVersion.WithKind("Deployment")

// Run is the Deployment controller, until ctx is done.
func Run(ctx context.Context, config *rest.Config) error {
	l, err := link.New(name, config)
	if err != nil {
		return err
	}
	d := &deployments{drain: newPodDrain(l.Clients)}
	defer d.drain.wait()
	d.Controller = controller.New(l, controller.Kind[*appsv1.Deployment]{
		Resource:         controller.Watch(l, l.Clients.Deployments),
		GroupVersionKind: kind,
		Selector:         func(deployment *appsv1.Deployment) *metav1.LabelSelector { return deployment.Spec.Selector },
		SelectingAll:     "This deployment is selecting all pods. A non-empty selector is required.",
		Forget:           func(deployment *appsv1.Deployment) { d.drain.forget(deployment.UID) },
	})
	sets := controller.Watch(l, l.Clients.ReplicaSets)
	d.sets = controller.NewChildren(d.Controller, sets, controller.Options[*appsv1.Deployment, *appsv1.ReplicaSet]{})
	return d.Run(ctx, workers, d.sync)
}

// deployments is the controller.
type deployments struct {
	*controller.Controller[*appsv1.Deployment]
	sets  *controller.Children[*appsv1.Deployment, *appsv1.ReplicaSet]
	drain *podDrain
}
