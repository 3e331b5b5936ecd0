package runresources

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"
)

// ReleaseFinalizers ends what keeps an object that is being deleted from going: a finalizer
// of the features, and for a Pod a node that is not there, so that no kubelet
// will report its end. What others hold stays held.
func ReleaseFinalizers(ctx context.Context, collection dynamic.ResourceInterface, object *unstructured.Unstructured, isNode func(name string) bool) error {
	var err error
	if len(othersFinalizers(object.GetFinalizers())) < len(object.GetFinalizers()) {
		err = release(ctx, collection, object.GetName())
	}
	node, _, _ := unstructured.NestedString(object.Object, "spec", "nodeName")
	if err == nil && object.GetKind() == "Pod" && node != "" && !isNode(node) {
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
		object.SetFinalizers(othersFinalizers(object.GetFinalizers()))
		_, err = collection.Update(ctx, object, metav1.UpdateOptions{})
		return err
	})
}
