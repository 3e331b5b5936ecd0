package apiserver

import (
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/podchain/podchain/reference/store"
)

// nameAttempts is how often a generated name that is taken is generated anew
// (API-CREATE-11).
const nameAttempts = 8

// create stores a new object (API-CREATE-01..14).
func (s *Server) create(rq *request) (*answer, error) {
	options, err := decodeQuery(rq, metavalidation.ValidateCreateOptions)
	if err != nil {
		return nil, err
	}
	obj, err := rq.decodeBody(rq.gvk())
	if err != nil {
		return nil, err
	}
	dryRun := len(options.DryRun) > 0
	// It is the store that refuses this, and a dry run does not come that far.
	if !dryRun && versioned(accessor(obj)) {
		return nil, apierrors.NewBadRequest("resourceVersion should not be set on objects to be created") // API-CREATE-13
	}
	r, err := s.add(rq, obj, dryRun, "")
	if err != nil {
		return nil, err
	}
	return rq.created(r)
}

// add stores obj, which it takes over, as a new object. Its name must be the one in
// the URL, if that has one. A caller that has computed managedFields already leaves
// them in obj and passes the operation.
func (s *Server) add(rq *request, obj runtime.Object, dryRun bool, operation metav1.ManagedFieldsOperationType) (*record, error) {
	m := accessor(obj)
	if err := rq.checkIdentity(m); err != nil {
		return nil, err
	}
	sent, err := parseRevision(m.GetResourceVersion())
	if err != nil {
		return nil, err
	}
	// What only the server sets (API-CREATE-12).
	m.SetUID("")
	m.SetCreationTimestamp(metav1.Time{})
	m.SetDeletionTimestamp(nil)
	m.SetDeletionGracePeriodSeconds(nil)
	m.SetGeneration(0)
	m.SetSelfLink("")
	rq.foldOwners(m)
	generated := m.GetName() == "" && m.GetGenerateName() != ""
	if generated {
		m.SetName(generateName(m.GetGenerateName()))
	}
	if rq.Default != nil {
		rq.Default(obj)
	}
	if operation != metav1.ManagedFieldsOperationApply {
		m.SetManagedFields(nil)
		obj = rq.own(nil, obj, rq.subresource, rq.manager())
		m = accessor(obj)
	}
	if err := s.admitCreate(rq, obj); err != nil {
		return nil, err
	}
	m.SetUID(uuid.NewUUID()) // some kinds prepare by it: a Job's selector
	if rq.PrepareForCreate != nil {
		rq.PrepareForCreate(obj)
	}
	m.SetCreationTimestamp(metav1.NewTime(time.Now().UTC().Truncate(time.Second)))
	faults := rq.validateMeta(m)
	if rq.Validate != nil {
		faults = append(faults, rq.Validate(obj)...)
	}
	if len(faults) > 0 {
		return nil, apierrors.NewInvalid(rq.groupKind(), m.GetName(), faults)
	}
	rq.addWarnings(obj, nil)
	for attempt := 1; ; attempt++ {
		r, err := rq.newRecord(obj)
		if err != nil {
			return nil, err
		}
		existing, err := rq.storage.get(rq.ctx, r.key)
		if err != nil {
			return nil, err
		}
		if existing == nil {
			if dryRun {
				r.revision = sent
				setVersion(r.obj, sent)
				return r, nil
			}
			stored, err := rq.storage.put(rq.ctx, r, nil)
			if !errors.Is(err, store.ErrConflict) {
				return stored, err
			}
			if existing, err = rq.storage.get(rq.ctx, r.key); err != nil {
				return nil, err
			}
		}
		if !generated || attempt == nameAttempts {
			return nil, rq.alreadyExists(m.GetName(), generated, existing)
		}
		obj = obj.DeepCopyObject()
		m = accessor(obj)
		m.SetName(generateName(m.GetGenerateName()))
	}
}

func (rq *request) alreadyExists(name string, generated bool, existing *record) error {
	if generated {
		return apierrors.NewGenerateNameConflict(rq.groupResource(), name, 1)
	}
	err := apierrors.NewAlreadyExists(rq.groupResource(), name)
	if existing == nil {
		return err
	}
	if obj, decodeErr := existing.object(); decodeErr == nil && accessor(obj).GetDeletionTimestamp() != nil {
		err.ErrStatus.Message = "object is being deleted: " + err.ErrStatus.Message
	}
	return err
}

// checkIdentity compares the body's namespace and name with the URL's, and
// fills in the namespace (API-CREATE-06).
func (rq *request) checkIdentity(m metav1.Object) error {
	switch ns := m.GetNamespace(); {
	case ns == "":
		m.SetNamespace(rq.namespace)
	case ns != rq.namespace:
		return apierrors.NewBadRequest(fmt.Sprintf(
			"the namespace of the provided object does not match the namespace sent on the request (%s, %s)", ns, rq.namespace))
	}
	if rq.name == "" {
		return nil
	}
	switch name := m.GetName(); {
	case name == "" && m.GetGenerateName() == "":
		m.SetName(rq.name)
	case name != rq.name:
		return apierrors.NewBadRequest(fmt.Sprintf(
			"the name of the object (%s) does not match the name on the URL (%s)", name, rq.name))
	}
	return nil
}

// foldOwners drops owner references that say the same twice (API-META-11).
func (rq *request) foldOwners(m metav1.Object) {
	owners := m.GetOwnerReferences()
	seen := map[string]bool{}
	kept := slices.DeleteFunc(slices.Clone(owners), func(o metav1.OwnerReference) bool {
		repeated := seen[o.String()]
		seen[o.String()] = true
		return repeated
	})
	if len(kept) < len(owners) {
		rq.warn(".metadata.ownerReferences contains duplicate entries; API server dedups owner references")
		m.SetOwnerReferences(kept)
	}
}

func (rq *request) validateMeta(m metav1.Object) field.ErrorList {
	name := rq.ValidateName
	if name == nil {
		name = validation.NameIsDNSSubdomain
	}
	return validation.ValidateObjectMetaAccessor(m, rq.Kind.Namespaced, name, field.NewPath("metadata"))
}

const (
	nameSuffix    = 5
	nameBaseLimit = 63 - nameSuffix
)

// generateName appends a random suffix, as API-CREATE-11 has it.
func generateName(base string) string {
	if len(base) > nameBaseLimit {
		base = base[:nameBaseLimit]
	}
	return base + rand.String(nameSuffix)
}
