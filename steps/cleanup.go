package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"

	"github.com/podchain/podchain/conformance/history"
)

// ownFinalizers begin the finalizers that the features set: nobody in the
// cluster takes them off, so the suite has to.
const ownFinalizers = "example.com/"

// remove deletes the namespace, and lets go of what nobody else would: the
// namespace controller removes the rest in its own time. The namespace is
// deleted first, so that no controller makes another object to hold on to.
func (w *World) remove(ctx context.Context) error {
	namespaces := w.client.Resource(kinds["Namespace"].GroupVersionResource)
	err := namespaces.Delete(ctx, w.Namespace, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("cannot remove namespace %s: %w", w.Namespace, err)
	}
	if w.recorder == nil {
		return nil // nothing was made in it
	}
	if err := w.catchUp(ctx); err != nil {
		return fmt.Errorf("cannot tell what is left in namespace %s: %w", w.Namespace, err)
	}
	record := w.History.Now()
	var faults []error
	for name, kind := range kinds {
		if !kind.watched || kind.cluster || name == "Lease" {
			continue
		}
		collection := w.client.Resource(kind.GroupVersionResource).Namespace(w.Namespace)
		for _, object := range record.LiveOf(name, nil) {
			faults = append(faults, letGo(ctx, collection, record, object))
		}
	}
	return errors.Join(faults...)
}

// letGo ends what keeps an object from going: a finalizer of the features, and
// for a Pod a node without a kubelet that could report its end.
func letGo(ctx context.Context, collection dynamic.ResourceInterface, record history.Record, object *unstructured.Unstructured) error {
	var err error
	if len(othersFinalizers(object)) < len(object.GetFinalizers()) {
		err = release(ctx, collection, object.GetName())
	}
	node := history.Text(object, "spec", "nodeName")
	if err == nil && object.GetKind() == "Pod" && node != "" && record.Live("Node", node) == nil {
		atOnce := int64(0)
		err = collection.Delete(ctx, object.GetName(), metav1.DeleteOptions{GracePeriodSeconds: &atOnce})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("cannot remove %s %q: %w", object.GetKind(), object.GetName(), err)
	}
	return nil
}

func release(ctx context.Context, collection dynamic.ResourceInterface, name string) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		object, err := collection.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		object.SetFinalizers(othersFinalizers(object))
		_, err = collection.Update(ctx, object, metav1.UpdateOptions{})
		return err
	})
}

func othersFinalizers(object *unstructured.Unstructured) []string {
	var others []string
	for _, finalizer := range object.GetFinalizers() {
		if !strings.HasPrefix(finalizer, ownFinalizers) {
			others = append(others, finalizer)
		}
	}
	return others
}
