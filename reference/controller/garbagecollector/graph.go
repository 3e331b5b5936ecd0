package garbagecollector

import (
	"slices"
	"sync"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// object is what the collector keeps of an object. It is never changed: a new
// version is a new value, so it can be used without holding the graph's lock.
type object struct {
	resource        *resource
	namespace, name string
	uid             types.UID
	version         string
	owners          []metav1.OwnerReference
	deleting        bool
	finalizers      []string
}

// orphaning says that the object is being deleted and its dependents are to
// stay; foreground, that it is to go after its dependents. An object marked
// with both orphans.
func (o *object) orphaning() bool { return o.deleting && o.has(metav1.FinalizerOrphanDependents) }
func (o *object) foreground() bool {
	return o.deleting && o.has(metav1.FinalizerDeleteDependents) && !o.orphaning()
}
func (o *object) has(finalizer string) bool { return slices.Contains(o.finalizers, finalizer) }

// ownedBy returns the object's reference to the owner.
func (o *object) ownedBy(owner types.UID) (metav1.OwnerReference, bool) {
	i := slices.IndexFunc(o.owners, func(ref metav1.OwnerReference) bool { return ref.UID == owner })
	if i < 0 {
		return metav1.OwnerReference{}, false
	}
	return o.owners[i], true
}

// blocks says whether the owner may not go before the object (GC-03).
func (o *object) blocks(owner types.UID) bool {
	ref, ok := o.ownedBy(owner)
	return ok && ref.BlockOwnerDeletion != nil && *ref.BlockOwnerDeletion
}

// isReferredBy says whether a reference of dependent, whose uid it bears, also
// gives its kind, name and namespace. The version may differ.
func (o *object) isReferredBy(dependent *object, ref metav1.OwnerReference) bool {
	gv, err := schema.ParseGroupVersion(ref.APIVersion)
	return err == nil &&
		gv.Group == o.resource.Group && ref.Kind == o.resource.kind && ref.Name == o.name &&
		(!o.resource.namespaced || o.namespace == dependent.namespace)
}

// coordinates are where a reference says that its owner is.
type coordinates struct{ apiVersion, kind, namespace, name string }

// graph holds every object seen, by uid, and its owner references. The methods that
// change it return the uids of the objects that may need an action.
type graph struct {
	mu      sync.Mutex
	objects map[types.UID]*object
	// dependents holds, for every uid that is referred to as an owner, known
	// or not, the uids of the objects that do.
	dependents map[types.UID]map[types.UID]struct{}
	// absent are owners verified not to exist, as long as an object refers to
	// them: a thousand Pods of one deleted owner cost one look-up. A uid is never
	// reused, so an absent owner stays absent.
	absent map[types.UID]map[coordinates]struct{}
}

func newGraph() *graph {
	return &graph{
		objects:    map[types.UID]*object{},
		dependents: map[types.UID]map[types.UID]struct{}{},
		absent:     map[types.UID]map[coordinates]struct{}{},
	}
}

// observe takes in the present state of an object.
func (g *graph) observe(o *object) []types.UID {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.observeLocked(o)
}

func (g *graph) observeLocked(o *object) []types.UID {
	old := g.objects[o.uid]
	g.objects[o.uid] = o
	var affected []types.UID
	if old != nil && old.deleting == o.deleting && slices.Equal(old.finalizers, o.finalizers) && sameOwners(old.owners, o.owners) {
		return nil
	}
	affected = append(affected, g.relink(old, o)...)
	if g.needsWork(o) {
		affected = append(affected, o.uid)
	}
	startsWaiting := o.foreground() && (old == nil || !old.foreground())
	for uid := range g.dependents[o.uid] {
		dependent := g.objects[uid]
		ref, _ := dependent.ownedBy(o.uid)
		// A dependent that gives wrong coordinates was unverifiable until now.
		if startsWaiting || old == nil && !o.isReferredBy(dependent, ref) {
			affected = append(affected, uid)
		}
	}
	return affected
}

// forget takes in that an object is gone.
func (g *graph) forget(uid types.UID) []types.UID {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.forgetLocked(uid)
}

func (g *graph) forgetLocked(uid types.UID) []types.UID {
	o := g.objects[uid]
	if o == nil {
		return nil
	}
	delete(g.objects, uid)
	affected := g.relink(o, nil)
	if len(g.dependents[uid]) > 0 {
		g.markAbsentLocked(uid, coordinates{o.resource.GroupVersion().String(), o.resource.kind, o.namespace, o.name})
	}
	for dependent := range g.dependents[uid] {
		affected = append(affected, dependent)
	}
	return affected
}

// replace takes in a complete list of a resource's objects: what is not in it
// is gone.
func (g *graph) replace(r *resource, objects []*object) []types.UID {
	g.mu.Lock()
	defer g.mu.Unlock()
	listed := make(map[types.UID]struct{}, len(objects))
	var affected []types.UID
	for _, o := range objects {
		listed[o.uid] = struct{}{}
		affected = append(affected, g.observeLocked(o)...)
	}
	for uid, o := range g.objects {
		if _, ok := listed[uid]; !ok && o.resource == r {
			affected = append(affected, g.forgetLocked(uid)...)
		}
	}
	return affected
}

// relink moves an object from its old owners to its new ones; either state may
// be nil. Owners that it no longer holds back may now be free to go.
func (g *graph) relink(old, o *object) []types.UID {
	var freed []types.UID
	if old != nil {
		for _, ref := range old.owners {
			still := o != nil && o.blocks(ref.UID)
			if owner := g.objects[ref.UID]; owner != nil && owner.foreground() && !still {
				freed = append(freed, ref.UID)
			}
			if o != nil {
				if _, ok := o.ownedBy(ref.UID); ok {
					continue
				}
			}
			delete(g.dependents[ref.UID], old.uid)
			if len(g.dependents[ref.UID]) == 0 {
				delete(g.dependents, ref.UID)
				delete(g.absent, ref.UID)
			}
		}
	}
	if o != nil {
		for _, ref := range o.owners {
			if g.dependents[ref.UID] == nil {
				g.dependents[ref.UID] = map[types.UID]struct{}{}
			}
			g.dependents[ref.UID][o.uid] = struct{}{}
		}
	}
	return freed
}

// needsWork says whether there is anything to look into: an ordinary object
// whose owners are all well is never queued.
func (g *graph) needsWork(o *object) bool {
	if o.deleting {
		return o.orphaning() || o.foreground()
	}
	for _, ref := range o.owners {
		if g.standing(o, ref) != solid {
			return true
		}
	}
	return false
}

// standing says how the owner of a reference stands, as far as it is known.
func (g *graph) standing(o *object, ref metav1.OwnerReference) standing {
	owner := g.objects[ref.UID]
	switch {
	case owner != nil && owner.isReferredBy(o, ref) && owner.foreground():
		return waiting
	case owner != nil && owner.isReferredBy(o, ref):
		return solid
	}
	for _, namespace := range []string{o.namespace, ""} {
		if _, ok := g.absent[ref.UID][coordinates{ref.APIVersion, ref.Kind, namespace, ref.Name}]; ok {
			return dangling
		}
	}
	return unknown
}

// markAbsent notes that the owner of the reference does not exist.
func (g *graph) markAbsent(ref metav1.OwnerReference, namespace string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.dependents[ref.UID]) > 0 {
		g.markAbsentLocked(ref.UID, coordinates{ref.APIVersion, ref.Kind, namespace, ref.Name})
	}
}

func (g *graph) markAbsentLocked(uid types.UID, at coordinates) {
	if g.absent[uid] == nil {
		g.absent[uid] = map[coordinates]struct{}{}
	}
	g.absent[uid][at] = struct{}{}
}

// elsewhere says whether the owner is known to live in another namespace.
func (g *graph) elsewhere(owner types.UID, namespace string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	o := g.objects[owner]
	return o != nil && o.resource.namespaced && o.namespace != namespace
}

// view returns everything the decision about an object is made from.
func (g *graph) view(uid types.UID) (view, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	o := g.objects[uid]
	if o == nil {
		return view{}, false
	}
	v := view{object: o}
	if !o.deleting {
		for _, ref := range o.owners {
			v.standings = append(v.standings, g.standing(o, ref))
		}
	}
	for dependentUID := range g.dependents[uid] {
		dependent := g.objects[dependentUID]
		v.dependents = append(v.dependents, dependent)
		if dependent.foreground() && dependent != o {
			v.dependentWaits = true
		}
		if dependent.blocks(uid) && dependent != o { // an object does not wait for itself
			v.blocked = true
			if !dependent.deleting {
				v.blocking = append(v.blocking, dependentUID)
			}
		}
	}
	return v, true
}

func sameOwners(a, b []metav1.OwnerReference) bool {
	return len(a) == len(b) && (len(a) == 0 || apiequality.Semantic.DeepEqual(a, b))
}
