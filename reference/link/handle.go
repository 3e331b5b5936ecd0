package link

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/conformance/implementation/clients"
)

// On is what is done when an object of a cache comes, changes or goes. A function that is
// nil does nothing. An object that was replaced by another of its name while the watch was
// down goes and comes.
type On[T metav1.Object] struct {
	Add, Delete func(T)
	Update      func(old, now T)
}

// Handle has a handler called for the objects of a cache. Run begins the work only when it
// has been called for all that there are.
func Handle[T clients.Object](l *Link, of Cache[T], on On[T]) {
	registration, err := of.AddEventHandler(on.handler())
	if err != nil {
		panic(err) // the cache has ended, before it began
	}
	l.synced = append(l.synced, registration.HasSyncedChecker())
}

func (o On[T]) handler() cache.ResourceEventHandler {
	add := func(object any) {
		if o.Add != nil {
			o.Add(object.(T))
		}
	}
	remove := func(object any) {
		if missed, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = missed.Obj
		}
		if o.Delete != nil {
			o.Delete(object.(T))
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc: add,
		UpdateFunc: func(old, now any) {
			if old.(T).GetUID() != now.(T).GetUID() {
				remove(old)
				add(now)
			} else if o.Update != nil {
				o.Update(old.(T), now.(T))
			}
		},
		DeleteFunc: remove,
	}
}
