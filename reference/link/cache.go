package link

import (
	"context"
	"maps"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/listers"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/conformance/implementation/clients"
)

// Cache is what the API server has of a kind, kept up to date by a watch: an informer,
// and a lister of what it holds.
type Cache[T runtime.Object] struct {
	cache.SharedIndexInformer
	listers.ResourceIndexer[T]
}

// In returns the lister of one namespace.
func (c Cache[T]) In(namespace string) listers.ResourceIndexer[T] {
	return listers.NewNamespaced(c.ResourceIndexer, namespace)
}

// Option is something particular about a cache.
type Option func(*options)

type options struct {
	fields   string
	trim     cache.TransformFunc
	indexers cache.Indexers
}

// Where has the cache hold only the objects that a field selector selects.
func Where(selector fields.Selector) Option {
	return func(o *options) { o.fields = selector.String() }
}

// Trimmed has the cache hold only what the transform leaves of an object. Without it
// that is all but the managed fields.
func Trimmed(trim cache.TransformFunc) Option {
	return func(o *options) { o.trim = trim }
}

// Indexed adds indexes to the cache, besides that by namespace.
func Indexed(by cache.Indexers) Option {
	return func(o *options) { maps.Copy(o.indexers, by) }
}

// Watch makes a cache of what the client can see. Call it before Run, which starts it.
func Watch[T clients.Object, L runtime.Object](l *Link, client clients.Client[T, L], with ...Option) Cache[T] {
	o := options{trim: Trim, indexers: cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}}
	for _, option := range with {
		option(&o)
	}
	informer := cache.NewSharedIndexInformerWithOptions(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = o.fields
			return client.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = o.fields
			return client.Watch(ctx, options)
		},
	}, client.New(), cache.SharedIndexInformerOptions{
		// No resync: links are level-triggered, and a look that is due later is queued
		// with its own delay.
		Indexers: o.indexers,
	})
	_ = informer.SetTransform(o.trim) // which fails only once it runs
	l.caches = append(l.caches, informer)
	l.synced = append(l.synced, informer.HasSyncedChecker())
	return Cache[T]{
		SharedIndexInformer: informer,
		ResourceIndexer:     listers.New[T](informer.GetIndexer(), client.Resource.GroupResource()),
	}
}

// Trim drops what no link reads, the managed fields.
func Trim(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	return object, nil
}
