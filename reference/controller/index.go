package controller

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// controllerIndex is the name of the index that ByController makes.
const controllerIndex = "controller"

// ByController is an index of objects by the uid of their controller, and of
// those without one by namespace. With it a sync costs what the owner owns, and
// not what the namespace holds. Read it with Owned and Orphans, or by a Claim.
func ByController() cache.Indexers {
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

// Owned returns the objects of an index ByController that the given owner
// controls. They belong to the cache: copy before you write.
func Owned[T any](indexer cache.Indexer, owner types.UID) ([]T, error) {
	return byIndex[T](indexer, string(owner))
}

// Orphans returns the objects of an index ByController that nobody controls.
// They belong to the cache: copy before you write.
func Orphans[T any](indexer cache.Indexer, namespace string) ([]T, error) {
	return byIndex[T](indexer, orphanKey(namespace))
}

func byIndex[T any](indexer cache.Indexer, value string) ([]T, error) {
	objects, err := indexer.ByIndex(controllerIndex, value)
	if err != nil {
		return nil, err
	}
	typed := make([]T, 0, len(objects))
	for _, object := range objects {
		t, ok := object.(T)
		if !ok {
			return nil, fmt.Errorf("index by controller: found %T, expected %T", object, t)
		}
		typed = append(typed, t)
	}
	return typed, nil
}
