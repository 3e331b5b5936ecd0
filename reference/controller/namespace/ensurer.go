package namespace

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/reference/link"
)

// ensurer keeps one object of a fixed name in every namespace that is not being
// deleted, and puts it back when it is deleted (NS-02).
type ensurer struct {
	name       string
	namespaces link.Cache[*corev1.Namespace]
	objects    cache.Indexer
	queue      *link.Queue[string]
	// create makes the object. correct, if not nil, puts right one that differs.
	create  func(ctx context.Context, namespace string) error
	correct func(ctx context.Context, object any) error
}

// newEnsurer watches the objects of that name.
func newEnsurer[T clients.Object, L runtime.Object](l *link.Link, namespaces link.Cache[*corev1.Namespace], name string, client clients.Client[T, L]) *ensurer {
	objects := link.Watch(l, client, link.Where(fields.OneTermEqualSelector(metav1.ObjectNameField, name)))
	e := &ensurer{
		name:       name,
		namespaces: namespaces,
		objects:    objects.GetIndexer(),
		queue:      link.NewQueue[string](),
	}
	look := func(object T) { e.queue.Add(object.GetNamespace()) }
	link.Handle(l, objects, link.On[T]{
		Update: func(_, object T) { look(object) },
		Delete: look,
	})
	return e
}

func (e *ensurer) run(ctx context.Context) { e.queue.Run(ctx, workers, e.sync) }

func (e *ensurer) sync(ctx context.Context, name string) error {
	namespace, err := e.namespaces.Get(name)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case namespace.DeletionTimestamp != nil, namespace.Status.Phase == corev1.NamespaceTerminating:
		return nil
	}
	object, exists, err := e.objects.GetByKey(cache.NewObjectName(name, e.name).String())
	switch {
	case err != nil:
		return err
	case exists && e.correct == nil:
		return nil
	case exists:
		err = e.correct(ctx, object)
	default:
		err = e.create(ctx, name)
	}
	switch {
	case err == nil, apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err),
		apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		// It is there, or it and its namespace are about to go.
		return nil
	}
	return fmt.Errorf("%s in namespace %s: %w", e.name, name, err)
}
