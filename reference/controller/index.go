package controller

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/conformance/implementation/clients"
)

// controllerIndex is the name of the index that byController makes.
const controllerIndex = "controller"

// byController is an index of objects by the uid of their controller, and of
// those without one by namespace. With it a sync costs what the owner owns, and
// not what the namespace holds.
func byController() cache.Indexers {
	return cache.Indexers{controllerIndex: func(object any) ([]string, error) {
		accessor, ok := object.(metav1.Object)
		if !ok {
			return nil, fmt.Errorf("index by controller: %T is not an API object", object)
		}
		if ref := metav1.GetControllerOfNoCopy(accessor); ref != nil {
			return []string{string(ref.UID)}, nil
		}
		return []string{orphanKey(accessor.GetNamespace())}, nil
	}}
}

// A uid has no slash, so the two sorts of index values cannot meet.
func orphanKey(namespace string) string { return "orphans/" + namespace }

// byIndex reads the index. Objects belong to the cache: copy before you write.
func byIndex[T clients.Object](indexer cache.Indexer, value string) []T {
	objects, err := indexer.ByIndex(controllerIndex, value)
	if err != nil {
		panic(err) // there is no such index: the wiring is wrong
	}
	typed := make([]T, len(objects))
	for i, object := range objects {
		typed[i] = object.(T)
	}
	return typed
}
