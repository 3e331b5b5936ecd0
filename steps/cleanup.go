package steps

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/runresources"
)

// remove removes what the scenario made: of a cluster that ends with the run only what
// goes on using it up, otherwise the namespace with all that is in it, which the
// namespace controller empties in its own time. Either way it then removes the
// finalizers that nothing else would: last, so that no controller makes another object
// that one keeps.
func (w *World) remove(ctx context.Context) error {
	removing := w.removeWorkloads
	if w.Persistent {
		removing = w.removeNamespace
	}
	if err := removing(ctx); err != nil {
		return err
	}
	if w.endRecord == nil {
		return nil // nothing was made in it
	}
	if err := w.awaitRecorded(ctx); err != nil {
		return fmt.Errorf("cannot tell what is left in namespace %s: %w", w.Namespace, err)
	}
	record := w.History.Now()
	isNode := func(name string) bool { return record.Live("Node", name) != nil }
	var faults []error
	for _, kind := range chain.Finalizable() {
		collection := w.client.Resource(kind.GroupVersionResource).Namespace(w.Namespace)
		for _, object := range record.LiveOf(kind.Name, nil) {
			faults = append(faults, runresources.ReleaseFinalizers(ctx, collection, object, isNode))
		}
	}
	return errors.Join(faults...)
}

func (w *World) removeNamespace(ctx context.Context) error {
	err := w.client.Resource(chain.KindOf("Namespace").GroupVersionResource).Delete(ctx, w.Namespace, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("cannot remove namespace %s: %w", w.Namespace, err)
	}
	return nil
}

func (w *World) removeWorkloads(ctx context.Context) error {
	record := w.History.Now()
	for _, kind := range chain.Workloads() {
		if len(record.LiveOf(kind.Name, nil)) == 0 {
			continue
		}
		background := metav1.DeletePropagationBackground
		err := w.client.Resource(kind.GroupVersionResource).Namespace(w.Namespace).
			DeleteCollection(ctx, metav1.DeleteOptions{PropagationPolicy: &background}, metav1.ListOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("cannot remove the %s of namespace %s: %w", kind.Resource, w.Namespace, err)
		}
	}
	return nil
}
