package controller

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/reference/link"
)

// controllerIndex is the name of the index that index makes.
const controllerIndex = "controller"

// index indexes objects by the uid of their controller, and those without one by
// namespace. With it a sync costs what the owner owns, and not what the namespace holds.
func index[T clients.Object](of link.Cache[T]) {
	err := of.AddIndexers(cache.Indexers{controllerIndex: func(object any) ([]string, error) {
		if ref := metav1.GetControllerOfNoCopy(object.(T)); ref != nil {
			return []string{string(ref.UID)}, nil
		}
		return []string{orphanKey(object.(T).GetNamespace())}, nil
	}})
	if err != nil {
		panic(err) // the cache has begun
	}
}

// A uid has no slash, so the two sorts of index values cannot meet.
func orphanKey(namespace string) string { return "orphans/" + namespace }

// byIndex reads the index. Objects belong to the cache: copy before you write.
func byIndex[T clients.Object](of link.Cache[T], value string) []T {
	objects, err := of.GetIndexer().ByIndex(controllerIndex, value)
	if err != nil {
		panic(err) // it was not indexed
	}
	typed := make([]T, len(objects))
	for i, object := range objects {
		typed[i] = object.(T)
	}
	return typed
}
