// Package link is the one runtime of all links but the API server: what a process needs to
// take part in the chain, whatever it does there.
//
//   - [Link]: typed clients, caches and a recorder under the link's name, and an orderly
//     start and stop;
//   - [Watch] and [Cache]: what the API server has of a kind, kept up to date;
//   - [Queue]: the names to look at, the workers, and retry with backoff;
//   - [Recorder]: Events, which are advisory;
//   - [Lead]: leader election over a Lease, for a link that runs twice.
//
// The shape of a controller:
//
//	func Run(ctx context.Context, config *rest.Config) error {
//		l, err := link.New("my-controller", config)
//		if err != nil {
//			return err
//		}
//		pods := link.Watch(l, l.Clients.Pods(metav1.NamespaceAll))
//		queue := link.NewQueue[cache.ObjectName]()
//		// indexes, handlers that queue.Add
//		return l.Run(ctx, func(ctx context.Context) { queue.Run(ctx, 5, sync) })
//	}
package link
