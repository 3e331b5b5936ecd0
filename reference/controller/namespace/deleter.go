package namespace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
	"k8s.io/klog/v2"

	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference/controller"
	"github.com/podchain/podchain/reference/link"
)

// deleter empties namespaces that are being deleted.
type deleter struct {
	namespaces interface {
		Get(context.Context, string, metav1.GetOptions) (*corev1.Namespace, error)
		UpdateStatus(context.Context, *corev1.Namespace, metav1.UpdateOptions) (*corev1.Namespace, error)
	}
	writeFinalizers func(context.Context, *corev1.Namespace) (*corev1.Namespace, error)
	resources       *discovery.DiscoveryClient
	objects         metadata.Interface
	queue           *link.Queue[string]

	// waits are the goroutines that await the end of some content; awaited are
	// the namespaces they belong to.
	waits   crash.Group
	mu      sync.Mutex
	awaited map[string]bool
}

var pods = corev1.SchemeGroupVersion.WithResource("pods")

func (d *deleter) run(ctx context.Context) {
	d.queue.Run(ctx, workers, d.sync)
	d.waits.Wait()
}

// sync does one pass: it deletes what there is to delete, tells what is in the
// way, and lets the namespace go when nothing is.
func (d *deleter) sync(ctx context.Context, name string) error {
	namespace, err := d.namespaces.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case namespace.DeletionTimestamp == nil, len(namespace.Spec.Finalizers) == 0:
		return nil
	}
	found, left := d.clear(ctx, name)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if namespace, err = d.report(ctx, namespace, found); err != nil {
		return ignoreNotFound(err)
	}
	if err := errors.Join(append(found.failures, found.discovery)...); err != nil {
		return fmt.Errorf("namespace %s: %w", name, err)
	}
	if late := stayers(left); late > 0 {
		return fmt.Errorf("namespace %s: more has come in while it was emptied: %d", name, late)
	}
	if len(left) > 0 {
		d.await(ctx, name, left)
		return nil
	}
	return d.finalize(ctx, namespace)
}

// content is what is left of a resource in a namespace.
type content struct {
	resource schema.GroupVersionResource
	version  string
	items    []metav1.PartialObjectMetadata
}

// clear deletes the content of a namespace. While there are Pods nothing else
// is deleted, for they may need it until they have ended.
func (d *deleter) clear(ctx context.Context, namespace string) (findings, []content) {
	found := findings{remaining: map[schema.GroupVersionResource]int{}, held: map[string]int{}}
	var left []content
	var mu sync.Mutex
	clear := func(resource schema.GroupVersionResource) {
		rest, err := d.clearResource(ctx, resource, namespace)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			found.failures = append(found.failures, err)
		}
		if len(rest.items) == 0 {
			return
		}
		left = append(left, rest)
		found.remaining[resource] = len(rest.items)
		for i := range rest.items {
			for _, finalizer := range rest.items[i].Finalizers {
				found.held[finalizer]++
			}
		}
	}
	clear(pods)
	if len(left) > 0 || len(found.failures) > 0 {
		return found, left
	}
	var resources []schema.GroupVersionResource
	resources, found.discovery = d.deletable(ctx)
	_ = controller.Parallel(len(resources), func(i int) error {
		clear(resources[i])
		return nil
	})
	return found, left
}

// clearResource deletes all objects of a resource and returns those that stay
// for the time being.
func (d *deleter) clearResource(ctx context.Context, resource schema.GroupVersionResource, namespace string) (content, error) {
	client := d.objects.Resource(resource).Namespace(namespace)
	// Most resources have nothing here: one request settles that.
	list, err := client.List(ctx, metav1.ListOptions{})
	if err != nil {
		return content{}, ignoreUnsupported(err)
	}
	if !slices.ContainsFunc(list.Items, stays) {
		return content{resource, list.ResourceVersion, list.Items}, nil
	}
	// Everything goes anyway: no owner has to wait for its dependents.
	background := metav1.DeletePropagationBackground
	options := metav1.DeleteOptions{PropagationPolicy: &background}
	err = client.DeleteCollection(ctx, options, metav1.ListOptions{})
	if apierrors.IsMethodNotSupported(err) || apierrors.IsNotFound(err) {
		err = nil
		for i := range list.Items {
			if deleteErr := ignoreNotFound(client.Delete(ctx, list.Items[i].Name, options)); deleteErr != nil {
				err = deleteErr
			}
		}
	}
	if err != nil {
		return content{}, fmt.Errorf("delete %s: %w", resource.GroupResource(), err)
	}
	if list, err = client.List(ctx, metav1.ListOptions{}); err != nil {
		return content{}, fmt.Errorf("list %s: %w", resource.GroupResource(), err)
	}
	return content{resource, list.ResourceVersion, list.Items}, nil
}

// stays returns whether the object is not marked for deletion.
func stays(item metav1.PartialObjectMetadata) bool { return item.DeletionTimestamp == nil }

// stayers counts the remaining objects that are not marked for deletion: they were
// being created when the others were deleted.
func stayers(left []content) (count int) {
	for _, content := range left {
		for _, item := range content.items {
			if stays(item) {
				count++
			}
		}
	}
	return count
}

// deletable returns all resources that namespaces can contain, except Pods.
// With an error the result is what could be learned.
func (d *deleter) deletable(ctx context.Context) ([]schema.GroupVersionResource, error) {
	lists, discoveryErr := d.resources.ServerPreferredResourcesWithContext(ctx)
	var all []schema.GroupVersionResource
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, r := range list.APIResources {
			resource := gv.WithResource(r.Name)
			if r.Namespaced && resource != pods && slices.Contains(r.Verbs, "delete") && slices.Contains(r.Verbs, "list") {
				all = append(all, resource)
			}
		}
	}
	return all, discoveryErr
}

// await queues the namespace again once everything that was left, and is going, is gone.
func (d *deleter) await(ctx context.Context, namespace string, left []content) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.awaited[namespace] {
		return
	}
	d.awaited[namespace] = true
	d.waits.Go(func() {
		err := controller.Parallel(len(left), func(i int) error { return d.awaitContent(ctx, namespace, left[i]) })
		d.mu.Lock()
		delete(d.awaited, namespace)
		d.mu.Unlock()
		if err != nil {
			// The watch has ended early: another pass finds out what is left.
			klog.FromContext(ctx).V(2).Info("Waiting for a namespace's content is interrupted", "namespace", namespace, "err", err)
			d.queue.AddRateLimited(namespace)
			return
		}
		d.queue.Add(namespace)
	})
}

// awaitContent returns when all the objects are gone.
func (d *deleter) awaitContent(ctx context.Context, namespace string, left content) error {
	remaining := make(map[types.UID]struct{}, len(left.items))
	for i := range left.items {
		remaining[left.items[i].UID] = struct{}{}
	}
	events, err := d.objects.Resource(left.resource).Namespace(namespace).
		Watch(ctx, metav1.ListOptions{ResourceVersion: left.version})
	if err != nil {
		return err
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		switch event.Type {
		case watch.Deleted:
			if object, ok := event.Object.(*metav1.PartialObjectMetadata); ok {
				delete(remaining, object.UID)
			}
			if len(remaining) == 0 {
				return nil
			}
		case watch.Error:
			return apierrors.FromObject(event.Object)
		}
	}
	return errors.New("the watch has ended")
}

// report writes the findings into the namespace's status.
func (d *deleter) report(ctx context.Context, namespace *corev1.Namespace, found findings) (*corev1.Namespace, error) {
	status := corev1.NamespaceStatus{
		Phase:      corev1.NamespaceTerminating,
		Conditions: conditions(namespace.Status.Conditions, found, metav1.Now()),
	}
	if apiequality.Semantic.DeepEqual(namespace.Status, status) {
		return namespace, nil
	}
	namespace = namespace.DeepCopy()
	namespace.Status = status
	return d.namespaces.UpdateStatus(ctx, namespace, metav1.UpdateOptions{})
}

// finalize removes this controller's finalizer. The API server removes the namespace
// when no other finalizer is left.
func (d *deleter) finalize(ctx context.Context, namespace *corev1.Namespace) error {
	namespace = namespace.DeepCopy()
	namespace.Spec.Finalizers = slices.DeleteFunc(namespace.Spec.Finalizers, func(finalizer corev1.FinalizerName) bool {
		return finalizer == corev1.FinalizerKubernetes
	})
	_, err := d.writeFinalizers(ctx, namespace)
	return ignoreNotFound(err)
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// ignoreUnsupported takes a resource that cannot be listed as empty.
func ignoreUnsupported(err error) error {
	if apierrors.IsMethodNotSupported(err) {
		return nil
	}
	return ignoreNotFound(err)
}
