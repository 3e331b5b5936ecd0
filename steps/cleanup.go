package steps

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podchain/podchain/conformance/belongings"
)

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
	isNode := func(name string) bool { return record.Live("Node", name) != nil }
	var faults []error
	for name, kind := range kinds {
		if !kind.watched || kind.cluster || name == "Lease" {
			continue
		}
		collection := w.client.Resource(kind.GroupVersionResource).Namespace(w.Namespace)
		for _, object := range record.LiveOf(name, nil) {
			faults = append(faults, belongings.LetGo(ctx, collection, object, isNode))
		}
	}
	return errors.Join(faults...)
}
