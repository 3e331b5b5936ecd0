// Package controller is what controllers of owners have in common: an owner asks
// for children, as a ReplicaSet does for Pods, and its controller sees to it that
// they are there.
//
// A controller is a loop over names, not over events: an event only says which
// owner to look at again, and the look (the sync) starts from what the caches hold
// now. So nothing is lost when events are missed, repeated or merged, and a
// controller that starts late acts on the last state alone (RECOVER-01).
//
// What is particular about a controller is its plan and its status. Both are pure
// functions of the owner, its children and the time; the kit does the rest:
//
//	func Run(ctx context.Context, config *rest.Config) error {
//		l, err := link.New("my-controller", config)
//		if err != nil {
//			return err
//		}
//		c := &mine{Controller: controller.New(l, controller.Kind[*v1.Owner]{...})}
//		pods := controller.Watch(l, l.Clients.Pods, link.Trimmed(controller.TrimPods("Owner", nil)))
//		c.pods = controller.NewChildren(c.Controller, pods, controller.Options[*v1.Owner, *corev1.Pod]{})
//		return c.Run(ctx, workers, c.sync)
//	}
//
//	func (c *mine) sync(ctx context.Context, owner *v1.Owner) error {
//		pods, err := c.pods.Claim(ctx, owner)
//		if err != nil {
//			return err
//		}
//		failure := c.pods.CarryOut(ctx, owner, planFor(owner, pods, time.Now()))
//		updated := *owner
//		updated.Status = statusOf(owner, pods, failure, time.Now())
//		return errors.Join(failure, c.UpdateStatus(ctx, owner, &updated))
//	}
//
// The parts of the kit:
//
//   - [Controller]: the owners, and which of them to look at;
//   - [Children]: claiming, creating, updating and deleting them, with an Event for
//     each write of a [Plan], and handlers that queue their owners;
//   - [Expectations]: own creations and deletions that the cache does not show yet;
//   - [StaleCache]: versions that own updates have replaced;
//   - [Controller.RecheckOwner]: a last look at an owner past the cache, before something is
//     created for it.
package controller
