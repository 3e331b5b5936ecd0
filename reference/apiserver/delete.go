package apiserver

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/store"
)

// delete removes an object, or starts what ends in its removal (API-DELETE).
func (s *Server) delete(rq *request) (*answer, error) {
	options, err := rq.deleteOptions()
	if err != nil {
		return nil, err
	}
	if err := rq.admitDelete(); err != nil {
		return nil, err
	}
	r, gone, err := s.deleteOne(rq, options)
	if err != nil {
		return nil, err
	}
	if gone && !rq.DeleteReturnsObject {
		obj, err := r.object()
		if err != nil {
			return nil, err
		}
		return success(http.StatusOK, &metav1.StatusDetails{
			Name: rq.name, Group: rq.Kind.Group, Kind: rq.Resource, UID: accessor(obj).GetUID(),
		}), nil
	}
	a, err := rq.ok(r)
	if options.OrphanDependents != nil && !*options.OrphanDependents && !gone && err == nil {
		a.code = http.StatusAccepted // API-DELETE-04
	}
	return a, err
}

var deleteOptionsKind = corev1.SchemeGroupVersion.WithKind("DeleteOptions")

// deleteOptions come in the body, or else in the query.
func (rq *request) deleteOptions() (*metav1.DeleteOptions, error) {
	var options *metav1.DeleteOptions
	if rq.http.ContentLength != 0 && rq.http.Body != http.NoBody {
		kind := deleteOptionsKind
		body, err := rq.decodeAny(kind, metav1.SchemeGroupVersion.WithKind(kind.Kind), rq.gvk().GroupVersion().WithKind(kind.Kind))
		if err != nil {
			return nil, err
		}
		options = body.(*metav1.DeleteOptions)
	} else {
		fromQuery, err := decodeQuery(rq, func(*metav1.DeleteOptions) field.ErrorList { return nil })
		if err != nil {
			return nil, err
		}
		options = fromQuery
	}
	if faults := metavalidation.ValidateDeleteOptions(options); len(faults) > 0 {
		return nil, apierrors.NewInvalid(metaKind("DeleteOptions").GroupKind(), "", faults)
	}
	return options, nil
}

// deleteOne takes the steps of a deletion, each under the guard of the
// object's revision. It returns the object as the last step left it.
func (s *Server) deleteOne(rq *request, options *metav1.DeleteOptions) (r *record, gone bool, err error) {
	var obj runtime.Object
	var marked *record // as this deletion has left it; others see that, and may be quicker
	for {
		current, err := rq.storage.get(rq.ctx, rq.key(rq.namespace, rq.name))
		if err == nil {
			err = rq.ctx.Err()
		}
		if err != nil {
			return nil, false, err
		}
		if current == nil && marked == nil {
			return nil, false, apierrors.NewNotFound(rq.groupResource(), rq.name)
		}
		if current == nil {
			return marked, true, nil
		}
		shared, err := current.object()
		if err != nil {
			return nil, false, err
		}
		if marked != nil && accessor(shared).GetUID() != accessor(obj).GetUID() {
			return marked, true, nil // another object has the name by now
		}
		if err := rq.precondition(options.Preconditions, accessor(shared)); err != nil {
			return nil, false, err
		}
		obj = shared.DeepCopyObject()
		remove := rq.mark(obj, options)
		next, err := rq.storedRecord(obj)
		if err != nil {
			return nil, false, err
		}
		changed := !same(obj, shared)
		if len(options.DryRun) > 0 {
			return asIfMarked(current, next, changed), remove, nil
		}
		// A removal whose mark matters to watchers is written first
		// (API-DELETE-09).
		if changed && (!remove || rq.GracePeriod != nil) {
			current, err = rq.storage.put(rq.ctx, next, current)
			if errors.Is(err, store.ErrConflict) {
				continue
			}
			if err != nil {
				return nil, false, err
			}
			marked = current
		}
		if !remove {
			return current, false, nil
		}
		r, err := rq.storage.remove(rq.ctx, current)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err == nil {
			err = s.restore(r)
		}
		return r, true, err
	}
}

// asIfMarked is the answer to a dry run: what would be stored, in the version that is.
func asIfMarked(current, next *record, changed bool) *record {
	if !changed {
		return current
	}
	next.revision = current.revision
	setVersion(next.obj, next.revision)
	return next
}

// storedRecord is newRecord for an object that is in its stored form already.
func (r *resource) storedRecord(stored runtime.Object) (*record, error) {
	plain := resource{Kind: r.Kind, storage: r.storage}
	return plain.newRecord(stored)
}

func (rq *request) precondition(p *metav1.Preconditions, m metav1.Object) error {
	if p == nil {
		return nil
	}
	if p.UID != nil && *p.UID != m.GetUID() {
		return apierrors.NewConflict(rq.groupResource(), rq.name, fmt.Errorf(
			"the UID in the precondition (%s) does not match the UID in record (%s). The object might have been deleted and then recreated",
			*p.UID, m.GetUID()))
	}
	if p.ResourceVersion != nil && *p.ResourceVersion != m.GetResourceVersion() {
		return apierrors.NewConflict(rq.groupResource(), rq.name, fmt.Errorf(
			"the ResourceVersion in the precondition (%s) does not match the ResourceVersion in record (%s). The object might have been modified",
			*p.ResourceVersion, m.GetResourceVersion()))
	}
	return nil
}

// mark notes in obj how far its deletion has got, and says whether nothing is
// left to wait for.
func (rq *request) mark(obj runtime.Object, options *metav1.DeleteOptions) (remove bool) {
	m := accessor(obj)
	m.SetFinalizers(rq.finalizers(m, options))
	now := metav1.NewTime(time.Now().UTC().Truncate(time.Second))
	var grace int64
	if rq.GracePeriod != nil {
		requested := options.GracePeriodSeconds
		if requested != nil && *requested < 0 {
			requested = ptr.To[int64](1)
		}
		grace = rq.GracePeriod(obj, requested)
		if left := m.GetDeletionGracePeriodSeconds(); m.GetDeletionTimestamp() != nil && left != nil {
			// Only ever shorter, and never in the past (API-DELETE-08).
			if requested == nil || *left == 0 || grace >= *left {
				return *left == 0 && len(m.GetFinalizers()) == 0
			}
			end := metav1.NewTime(m.GetDeletionTimestamp().Add(time.Duration(grace-*left) * time.Second))
			if end.Before(&now) {
				end = now
				grace = min(grace, 1)
			}
			m.SetDeletionTimestamp(&end)
			m.SetDeletionGracePeriodSeconds(&grace)
			return grace == 0 && len(m.GetFinalizers()) == 0
		}
	}
	if m.GetDeletionTimestamp() == nil {
		end := metav1.NewTime(now.Add(time.Duration(grace) * time.Second))
		m.SetDeletionTimestamp(&end)
		m.SetDeletionGracePeriodSeconds(&grace)
		if m.GetGeneration() > 0 {
			m.SetGeneration(m.GetGeneration() + 1) // API-META-08
		}
	}
	if ns, ok := obj.(*corev1.Namespace); ok {
		m.SetDeletionGracePeriodSeconds(nil)
		ns.Status.Phase = corev1.NamespaceTerminating
	}
	return grace == 0 && finished(obj)
}

// finished says whether a terminating object has nothing to wait for.
func finished(obj runtime.Object) bool {
	m := accessor(obj)
	if ns, ok := obj.(*corev1.Namespace); ok && len(ns.Spec.Finalizers) > 0 {
		return false
	}
	return len(m.GetFinalizers()) == 0 && ptr.Deref(m.GetDeletionGracePeriodSeconds(), 0) == 0
}

// finalizers returns the object's with those that the garbage collector acts
// on, as the propagation policy has it: the client's, else one that an earlier
// request left, else the kind's (API-DELETE-04, 05, 12).
func (rq *request) finalizers(m metav1.Object, options *metav1.DeleteOptions) []string {
	has := m.GetFinalizers()
	policy := rq.DefaultPropagation
	switch {
	case options.OrphanDependents != nil && *options.OrphanDependents:
		policy = metav1.DeletePropagationOrphan
	case options.OrphanDependents != nil:
		policy = metav1.DeletePropagationBackground
	case options.PropagationPolicy != nil:
		policy = *options.PropagationPolicy
	case slices.Contains(has, metav1.FinalizerOrphanDependents):
		policy = metav1.DeletePropagationOrphan
	case slices.Contains(has, metav1.FinalizerDeleteDependents):
		policy = metav1.DeletePropagationForeground
	}
	wanted := map[metav1.DeletionPropagation]string{
		metav1.DeletePropagationOrphan:     metav1.FinalizerOrphanDependents,
		metav1.DeletePropagationForeground: metav1.FinalizerDeleteDependents,
	}[policy]
	if wanted != "" && slices.Contains(has, wanted) && !slices.Contains(has, other(wanted)) {
		return has
	}
	kept := slices.DeleteFunc(slices.Clone(has), func(f string) bool {
		return f == metav1.FinalizerOrphanDependents || f == metav1.FinalizerDeleteDependents
	})
	if wanted != "" {
		kept = append(kept, wanted)
	}
	return kept
}

func other(finalizer string) string {
	if finalizer == metav1.FinalizerOrphanDependents {
		return metav1.FinalizerDeleteDependents
	}
	return metav1.FinalizerOrphanDependents
}

// deleteCollection deletes what a list of the same selection shows
// (API-DELETE-10).
func (s *Server) deleteCollection(rq *request) (*answer, error) {
	options, err := rq.deleteOptions()
	if err != nil {
		return nil, err
	}
	selected, err := s.list(rq)
	if err != nil {
		return nil, err
	}
	for _, r := range selected.list.records {
		one := *rq
		one.namespace, one.name = rq.namespaceOf(r.key)
		if _, _, err := s.deleteOne(&one, options); err != nil && !apierrors.IsNotFound(err) {
			return nil, err
		}
	}
	return selected, nil
}
