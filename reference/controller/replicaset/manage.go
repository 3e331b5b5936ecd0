package replicaset

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podchain/podchain/reference/controller"
)

// burst bounds the Pods that one sync creates or deletes: between bursts the
// controller looks whether more is still wanted.
const burst = 500

// errNamespaceTerminating says that Pods are refused because their namespace goes.
var errNamespaceTerminating = errors.New("namespace is terminating")

// manage creates or deletes Pods until the active ones are as many as the
// ReplicaSet asks for (RS-01). It reports whether that is settled by now, in
// the sense that the writes are made and only their events are waited for.
func (r *replicaSets) manage(ctx context.Context, set *appsv1.ReplicaSet, owned []*corev1.Pod) (settled bool, err error) {
	active := make([]*corev1.Pod, 0, len(owned))
	for _, pod := range owned {
		if controller.Active(pod) {
			active = append(active, pod)
		}
	}
	missing := int(*set.Spec.Replicas) - len(active)
	if missing == 0 {
		return false, nil
	}
	r.expectations.Begin(set.UID)
	defer r.expectations.End(set.UID)
	if missing > 0 {
		switch err := controller.Confirm(ctx, r.client.AppsV1().ReplicaSets(set.Namespace), set); {
		case errors.Is(err, controller.ErrLeaving):
			return true, nil // the event that tells of it is on its way
		case err != nil:
			return false, err
		}
		err = r.create(ctx, set, min(missing, burst))
	} else {
		err = r.delete(ctx, set, active, min(-missing, burst))
	}
	return err == nil && max(missing, -missing) <= burst, err
}

func (r *replicaSets) create(ctx context.Context, set *appsv1.ReplicaSet, count int) error {
	reference := metav1.NewControllerRef(set, kind)
	pods := r.client.CoreV1().Pods(set.Namespace)
	_, err := controller.SlowStart(count, func() error {
		pod, err := pods.Create(ctx, controller.PodFromTemplate(&set.Spec.Template, set, reference), metav1.CreateOptions{})
		switch {
		case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
			return errNamespaceTerminating
		case err != nil:
			r.events.Eventf(set, corev1.EventTypeWarning, reasonFailedCreate, "Error creating: %v", err)
			return err
		}
		r.expectations.Created(set.UID, pod.UID)
		r.events.Eventf(set, corev1.EventTypeNormal, "SuccessfulCreate", "Created pod: %s", pod.Name)
		return nil
	})
	if ambiguous(err) {
		return errors.Join(err, r.recount(ctx, set))
	}
	return err
}

// ambiguous says that a request failed and may nevertheless have been carried out.
func ambiguous(err error) bool {
	if err == nil || errors.Is(err, errNamespaceTerminating) {
		return false
	}
	var status apierrors.APIStatus
	return !errors.As(err, &status) || status.Status().Code >= http.StatusInternalServerError
}

// recount asks the API server which Pods there are, after a creation of which
// nobody knows whether it took place (IDEMP-01). What the cache lacks is
// expected, so that the retry does not create it a second time.
func (r *replicaSets) recount(ctx context.Context, set *appsv1.ReplicaSet) error {
	list, err := r.client.CoreV1().Pods(set.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: metav1.FormatLabelSelector(set.Spec.Selector),
	})
	if err != nil {
		return fmt.Errorf("recount: %w", err)
	}
	for i := range list.Items {
		pod := &list.Items[i]
		if !metav1.IsControlledBy(pod, set) {
			continue
		}
		if _, cached, err := r.pods.Get(pod); err == nil && !cached {
			r.expectations.Created(set.UID, pod.UID)
		}
	}
	return nil
}

func (r *replicaSets) delete(ctx context.Context, set *appsv1.ReplicaSet, active []*corev1.Pod, count int) error {
	perNode, err := r.replicasPerNode(set, active)
	if err != nil {
		return err
	}
	chosen := victims(active, perNode, count)
	for _, pod := range chosen {
		r.expectations.Deleting(set.UID, pod.UID)
	}
	_, err = controller.Parallel(len(chosen), func(i int) error {
		pod := chosen[i]
		// No grace period is given: the Pod's own applies (RS-21).
		err := r.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, *metav1.NewPreconditionDeleteOptions(string(pod.UID)))
		switch {
		case apierrors.IsNotFound(err):
			// Somebody else deleted it; the cache is told of that, too.
			return nil
		case err != nil:
			r.expectations.NotDeleted(set.UID, pod.UID)
			r.events.Eventf(set, corev1.EventTypeWarning, reasonFailedDelete, "Error deleting: %v", err)
			return err
		}
		r.events.Eventf(set, corev1.EventTypeNormal, "SuccessfulDelete", "Deleted pod: %s", pod.Name)
		return nil
	})
	return err
}

// replicasPerNode counts on each node the active Pods of the ReplicaSet and of
// those that have the same owner: the other revisions of a Deployment.
func (r *replicaSets) replicasPerNode(set *appsv1.ReplicaSet, active []*corev1.Pod) (map[string]int, error) {
	perNode := map[string]int{}
	count := func(pods []*corev1.Pod) {
		for _, pod := range pods {
			if pod.Spec.NodeName != "" && controller.Active(pod) {
				perNode[pod.Spec.NodeName]++
			}
		}
	}
	count(active)
	owner := metav1.GetControllerOfNoCopy(set)
	if owner == nil {
		return perNode, nil
	}
	siblings, err := controller.Owned[*appsv1.ReplicaSet](r.sets, owner.UID)
	if err != nil {
		return nil, err
	}
	for _, sibling := range siblings {
		if sibling.UID == set.UID {
			continue
		}
		pods, err := controller.Owned[*corev1.Pod](r.pods, sibling.UID)
		if err != nil {
			return nil, err
		}
		count(pods)
	}
	return perNode, nil
}
