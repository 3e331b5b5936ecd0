package controller

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/reference/link"
)

// Client writes the objects of one kind in one namespace, and reads them past the cache.
type Client[T any] interface {
	Get(ctx context.Context, name string, options metav1.GetOptions) (T, error)
	Create(ctx context.Context, object T, options metav1.CreateOptions) (T, error)
	Update(ctx context.Context, object T, options metav1.UpdateOptions) (T, error)
	UpdateStatus(ctx context.Context, object T, options metav1.UpdateOptions) (T, error)
	Patch(ctx context.Context, name string, patch types.PatchType, data []byte, options metav1.PatchOptions, subresources ...string) (T, error)
	Delete(ctx context.Context, name string, options metav1.DeleteOptions) error
}

// Resource is the objects of one kind: in a cache, and at the API server.
type Resource[T clients.Object] struct {
	link.Cache[T]
	// Client returns the client of a namespace.
	Client func(namespace string) Client[T]
	// Fetch lists past the cache.
	Fetch func(ctx context.Context, namespace string, options metav1.ListOptions) ([]T, error)
}

// Watch returns the objects that a link's client has, and a cache of them.
func Watch[T clients.Object, L runtime.Object](l *link.Link, client func(namespace string) clients.Client[T, L], options ...link.Option) Resource[T] {
	return Resource[T]{
		Cache:  link.Watch(l, client(metav1.NamespaceAll), options...),
		Client: func(namespace string) Client[T] { return client(namespace) },
		Fetch: func(ctx context.Context, namespace string, options metav1.ListOptions) ([]T, error) {
			list, err := client(namespace).List(ctx, options)
			if err != nil {
				return nil, err
			}
			var objects []T
			err = meta.EachListItem(list, func(object runtime.Object) error {
				objects = append(objects, object.(T))
				return nil
			})
			return objects, err
		},
	}
}
