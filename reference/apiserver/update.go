package apiserver

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/podchain/podchain/reference/store"
)

// put replaces an object (API-UPDATE-01..04).
func (s *Server) put(rq *request) (*answer, error) {
	options, err := decodeQuery(rq, metavalidation.ValidateUpdateOptions)
	if err != nil {
		return nil, err
	}
	body, err := rq.decodeBody(rq.gvk())
	if err != nil {
		return nil, err
	}
	if err := rq.checkIdentity(accessor(body)); err != nil {
		return nil, err
	}
	w := &write{request: rq, dryRun: len(options.DryRun) > 0, operation: metav1.ManagedFieldsOperationUpdate}
	w.create = rq.AllowCreateOnUpdate && rq.subresource == ""
	w.change = func(runtime.Object) (runtime.Object, error) { return body.DeepCopyObject(), nil }
	return s.answer(w)
}

// write is a change of one object, made conditionally on its revision and retried if
// another write came first.
type write struct {
	*request
	// change returns the object as it is to be. It gets the present one, which
	// is shared, or nil if there is none and create allows that.
	change func(old runtime.Object) (runtime.Object, error)
	create bool
	dryRun bool
	// operation Apply means that change works out managedFields itself.
	operation metav1.ManagedFieldsOperationType
	// raw skips what belongs to a client's write to the object: preparation,
	// validation, managedFields. The server's own changes are such.
	raw bool
}

func (s *Server) answer(w *write) (*answer, error) {
	r, isNew, err := s.write(w)
	switch {
	case err != nil:
		return nil, err
	case isNew:
		return w.created(r)
	}
	return w.ok(r)
}

// write makes the change and returns the object as it is then. The last
// finalizer's removal from a terminating object removes it (API-DELETE-06).
func (s *Server) write(w *write) (stored *record, isNew bool, err error) {
	key := w.key(w.namespace, w.name)
	for {
		if err := w.ctx.Err(); err != nil {
			return nil, false, err
		}
		current, err := w.storage.get(w.ctx, key)
		if err != nil {
			return nil, false, err
		}
		if current == nil {
			if !w.create {
				return nil, false, apierrors.NewNotFound(w.groupResource(), w.name)
			}
			obj, err := w.change(nil)
			if err != nil {
				return nil, false, err
			}
			stored, err := s.add(w.request, obj, w.dryRun, w.operation)
			if apierrors.IsAlreadyExists(err) {
				continue
			}
			return stored, true, err
		}
		stored, err := s.overwrite(w, current)
		if errors.Is(err, store.ErrConflict) {
			continue // read again: change either still fits or says Conflict
		}
		return stored, false, err
	}
}

// overwrite makes the change on the version current.
func (s *Server) overwrite(w *write, current *record) (*record, error) {
	served, err := w.present(current)
	if err != nil {
		return nil, err
	}
	old, err := served.object()
	if err != nil {
		return nil, err
	}
	obj, err := w.change(old)
	if err != nil {
		return nil, err
	}
	was, m := accessor(old), accessor(obj)
	if err := w.guard(was, m); err != nil {
		return nil, err
	}
	if !w.raw {
		if w.subresource == "" {
			s.admitUpdate(w.groupKind(), obj, old)
		}
		if obj, err = w.prepare(old, obj); err != nil {
			return nil, err
		}
		m = accessor(obj)
	}
	r, err := w.newRecord(obj)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(r.raw, current.raw) {
		return current, nil // no change, no revision (API-META-04)
	}
	if m.GetDeletionTimestamp() != nil && finished(obj) {
		if w.dryRun {
			r.revision = current.revision
			setVersion(r.obj, r.revision)
			return r, nil
		}
		removed, err := w.storage.remove(w.ctx, current)
		if err != nil {
			return nil, err
		}
		r.revision = removed.revision
		setVersion(r.obj, r.revision)
		return r, s.restore(removed)
	}
	if w.dryRun {
		r.revision = current.revision
		setVersion(r.obj, r.revision)
		return r, nil
	}
	return w.storage.put(w.ctx, r, current)
}

// guard refuses a write that was meant for another object or version.
func (w *write) guard(was, m metav1.Object) error {
	if uid := m.GetUID(); uid != "" && uid != was.GetUID() {
		return apierrors.NewConflict(w.groupResource(), w.name, fmt.Errorf(
			"Precondition failed: UID in precondition: %v, UID in object meta: %v", uid, was.GetUID()))
	}
	switch {
	case versioned(m) && m.GetResourceVersion() != was.GetResourceVersion():
		return apierrors.NewConflict(w.groupResource(), w.name, errModified)
	case !versioned(m) && w.RequireVersionOnUpdate && !w.raw: // API-UPDATE-02
		return apierrors.NewInvalid(schema.GroupKind{Group: w.Kind.Group, Kind: w.Resource}, w.name, field.ErrorList{
			field.Invalid(field.NewPath("metadata", "resourceVersion"), uint64(0), "must be specified for an update")})
	}
	return nil
}

// versioned says whether the object names the version that it is meant to replace.
// "0" is what a client sends that has none, and means the same as nothing.
func versioned(m metav1.Object) bool {
	version := m.GetResourceVersion()
	revision, err := strconv.ParseUint(version, 10, 64)
	return version != "" && (err != nil || revision != 0)
}

// prepare completes and checks the changed object, and notes who changed what.
func (w *write) prepare(old, obj runtime.Object) (runtime.Object, error) {
	was, m := accessor(old), accessor(obj)
	// What no client changes (API-META-12). A deletionTimestamp that differs is
	// a fault; one that is missing is kept.
	m.SetUID(was.GetUID())
	m.SetCreationTimestamp(was.GetCreationTimestamp())
	m.SetGeneration(was.GetGeneration())
	m.SetResourceVersion(was.GetResourceVersion())
	m.SetSelfLink("")
	if m.GetDeletionTimestamp() == nil || w.subresource != "" {
		m.SetDeletionTimestamp(was.GetDeletionTimestamp())
	}
	if m.GetDeletionGracePeriodSeconds() == nil || w.subresource != "" {
		m.SetDeletionGracePeriodSeconds(was.GetDeletionGracePeriodSeconds())
	}
	w.foldOwners(m)
	if w.Default != nil {
		w.Default(obj)
	}
	managed := m.GetManagedFields()
	if w.operation != metav1.ManagedFieldsOperationApply {
		m.SetManagedFields(was.GetManagedFields())
	}
	status := w.subresource == "status"
	prepare, validate := w.PrepareForUpdate, w.ValidateUpdate
	if status {
		prepare, validate = w.PrepareForStatus, w.ValidateStatus
	}
	if prepare != nil {
		prepare(obj, old)
	}
	faults := validation.ValidateObjectMetaAccessorUpdate(m, was, field.NewPath("metadata"))
	if validate != nil {
		faults = append(faults, validate(obj, old)...)
	}
	if len(faults) > 0 {
		return nil, apierrors.NewInvalid(w.groupKind(), w.name, faults)
	}
	if !status {
		w.addWarnings(obj, old)
	}
	if w.operation == metav1.ManagedFieldsOperationApply {
		return obj, nil
	}
	given := managed != nil && !apiequality.Semantic.DeepEqual(managed, was.GetManagedFields())
	if !given && same(obj, old) {
		return obj, nil
	}
	if given {
		m.SetManagedFields(managed)
	}
	return w.own(old, obj, w.subresource, w.manager()), nil
}

// same returns whether two objects are stored in the same bytes. Computing
// managedFields costs far more, and a write without changes acquires no fields.
func same(a, b runtime.Object) bool {
	x, errX := marshal(a)
	y, errY := marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
