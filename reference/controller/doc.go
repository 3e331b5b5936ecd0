// Package controller holds what the controllers of the chain have in common.
//
// A controller is a loop over names, not over events: an event only says which
// object to look at again, and the look (the sync) starts from what the caches
// hold now. So nothing is lost when events are missed, repeated or merged, and
// a controller that starts late acts on the last state alone (RECOVER-01).
//
// The shape of a controller built on this package:
//
//	func Run(ctx context.Context, config *rest.Config) error {
//		link, err := controller.NewLink("my-controller", config)
//		if err != nil {
//			return err
//		}
//		queue := controller.NewQueue[cache.ObjectName]()
//		// informers from link.Informers: indexes, transforms, handlers that queue.Add
//		return link.Run(ctx, func(ctx context.Context) { queue.Run(ctx, 5, sync) })
//	}
//
// and the parts it is made of:
//
//   - [Link]: client, informers and event recorder under the link's name, and
//     an orderly start and stop;
//   - [Queue]: the names to look at, the workers, and retry with backoff;
//   - [Claim]: which of the candidates are owned, adopted or released;
//   - [Expectations]: own writes that the cache does not show yet;
//   - [Superseded]: versions that own writes have replaced;
//   - [ByController] and [Owned]: the cache's index from owner to owned;
//   - [Recorder]: Events, which are advisory.
package controller
