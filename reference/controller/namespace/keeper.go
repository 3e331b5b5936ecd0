package namespace

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/reference/controller"
)

// keeper keeps one object of a fixed name in every namespace that is not being
// deleted, and puts it back when it is deleted (NS-02).
type keeper struct {
	name       string
	namespaces corelisters.NamespaceLister
	objects    cache.Indexer
	queue      *controller.Queue[string]
	// create makes the object. correct, if not nil, puts right one that differs.
	create  func(ctx context.Context, namespace string) error
	correct func(ctx context.Context, object any) error
}

// newKeeper watches the objects of that name with the informer.
func newKeeper(link *controller.Link, name string, informer cache.SharedIndexInformer) *keeper {
	k := &keeper{
		name:       name,
		namespaces: link.Informers.Core().V1().Namespaces().Lister(),
		objects:    informer.GetIndexer(),
		queue:      controller.NewQueue[string](),
	}
	look := func(object any) {
		if key, ok := controller.Key(object); ok {
			k.queue.Add(key.Namespace)
		}
	}
	// The error is that of an informer that has stopped; this one has not begun.
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(_, object any) { look(object) },
		DeleteFunc: look,
	})
	return k
}

func (k *keeper) run(ctx context.Context) { k.queue.Run(ctx, workers, k.sync) }

func (k *keeper) sync(ctx context.Context, name string) error {
	namespace, err := k.namespaces.Get(name)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case namespace.DeletionTimestamp != nil, namespace.Status.Phase == corev1.NamespaceTerminating:
		return nil
	}
	object, exists, err := k.objects.GetByKey(cache.NewObjectName(name, k.name).String())
	switch {
	case err != nil:
		return err
	case exists && k.correct == nil:
		return nil
	case exists:
		err = k.correct(ctx, object)
	default:
		err = k.create(ctx, name)
	}
	switch {
	case err == nil, apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err),
		apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		// It is there, or it and its namespace are about to go.
		return nil
	}
	return fmt.Errorf("%s in namespace %s: %w", k.name, name, err)
}

// named limits an informer to objects of one name.
func named(name string) func(*metav1.ListOptions) {
	selector := fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
	return func(options *metav1.ListOptions) { options.FieldSelector = selector }
}
