package steps

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/history"
)

// ref is how a sentence names an object:
//
//	Deployment "web"
//	the ReplicaSet of Deployment "web"
//	the second Pod of ReplicaSet "web"
//	one of the Pods of ReplicaSet "web"   (from then on "that Pod")
//	that Pod
const ref = `([A-Z]\w+ "[^"]+"|the (?:\w+ )?[A-Z]\w+ of (?:the [A-Z]\w+ of )?[A-Z]\w+ "[^"]+"|one of the [A-Z]\w+s of [A-Z]\w+ "[^"]+"|that [A-Z]\w+)`

var (
	named = regexp.MustCompile(`^([A-Z]\w+) "([^"]+)"$`)
	owned = regexp.MustCompile(`^the (?:(first|second|third|fourth|fifth) )?([A-Z]\w+) of (.+)$`)
	oneOf = regexp.MustCompile(`^one of the ([A-Z]\w+)s of (.+)$`)
	that  = regexp.MustCompile(`^that ([A-Z]\w+)$`)
)

var ordinals = []string{"first", "second", "third", "fourth", "fifth"}

// reference is one object that a sentence named: by name, in whatever
// incarnation, or by uid.
type reference struct {
	text string
	kind string
	name string
	uid  types.UID // empty: the object of that name, whichever it is
}

// accepts says whether a version is one of the object.
func (r reference) accepts(object *unstructured.Unstructured) bool {
	if object.GetKind() != r.kind {
		return false
	}
	if r.uid != "" {
		return object.GetUID() == r.uid
	}
	return object.GetName() == r.name
}

// versions returns the versions of the object in order.
func (r reference) versions(record history.Record) []history.Version {
	return record.Of(r.kind, r.accepts)
}

// live returns the object as it is, nil if it does not exist.
func (r reference) live(record history.Record) *unstructured.Unstructured {
	versions := r.versions(record)
	if len(versions) == 0 || versions[len(versions)-1].Type == watch.Deleted {
		return nil
	}
	return versions[len(versions)-1].Object
}

// find returns the object that the words name, in the record as it is. It fails
// for an owned object that has not appeared yet.
func (w *World) find(record history.Record, text string) (reference, error) {
	if match := named.FindStringSubmatch(text); match != nil {
		if _, err := kindOf(match[1]); err != nil {
			return reference{}, history.Final{Err: CouldNotRun{err}}
		}
		return reference{text: text, kind: match[1], name: w.real(match[1], match[2])}, nil
	}
	if match := that.FindStringSubmatch(text); match != nil {
		if w.picked == nil || w.picked.kind != match[1] {
			return reference{}, history.Final{Err: CouldNotRun{fmt.Errorf("%q refers to no %s: say \"one of the %ss of …\" before", text, match[1], match[1])}}
		}
		return *w.picked, nil
	}
	if match := oneOf.FindStringSubmatch(text); match != nil {
		return w.pick(record, text, match[1], match[2])
	}
	match := owned.FindStringSubmatch(text)
	if match == nil {
		return reference{}, history.Final{Err: CouldNotRun{fmt.Errorf("%q names no object", text)}}
	}
	return w.child(record, text, match[1], match[2], match[3])
}

func (w *World) child(record history.Record, text, ordinal, kind, owner string) (reference, error) {
	children, err := w.children(record, kind, owner)
	if err != nil {
		return reference{}, err
	}
	index := max(0, slices.Index(ordinals, ordinal))
	if index >= len(children) {
		return reference{}, fmt.Errorf("%s has not appeared: there are %d %ss of it", text, len(children), kind)
	}
	if live := alive(record, children); ordinal == "" && len(children) > 1 {
		// "the Pod of …" after the first one was removed means the one that is left.
		if len(live) != 1 {
			return reference{}, fmt.Errorf("%q is not one object: there are %d %ss of %s", text, len(live), kind, owner)
		}
		children = live
	}
	object := children[index]
	return reference{text: text, kind: kind, name: object.GetName(), uid: object.GetUID()}, nil
}

// pick takes the oldest live object and remembers it.
func (w *World) pick(record history.Record, text, kind, owner string) (reference, error) {
	children, err := w.children(record, kind, owner)
	if err != nil {
		return reference{}, err
	}
	for _, object := range alive(record, children) {
		if kind != "Pod" || history.Active(object) {
			w.picked = &reference{text: "that " + kind, kind: kind, name: object.GetName(), uid: object.GetUID()}
			return *w.picked, nil
		}
	}
	return reference{}, fmt.Errorf("%s has no %s", owner, kind)
}

// children returns every object of a kind, in the order of appearance, that an
// object controls, directly or through others; also those that no longer exist, in
// their last version.
func (w *World) children(record history.Record, kind, owner string) ([]*unstructured.Unstructured, error) {
	parent, err := w.find(record, owner)
	if err != nil {
		return nil, err
	}
	family := descendants(record, parent)
	var order []types.UID
	last := map[types.UID]*unstructured.Unstructured{}
	for _, version := range record.All() {
		uid := version.Object.GetUID()
		if version.Object.GetKind() != kind || !family[uid] || parent.accepts(version.Object) {
			continue
		}
		if last[uid] == nil {
			order = append(order, uid)
		}
		last[uid] = version.Object
	}
	children := make([]*unstructured.Unstructured, len(order))
	for i, uid := range order {
		children[i] = last[uid]
	}
	return children, nil
}

// descendants returns the uids of an object, in whatever incarnation, and of
// everything that it controls, directly or through others.
func descendants(record history.Record, subject reference) map[types.UID]bool {
	family := map[types.UID]bool{}
	for _, version := range subject.versions(record) {
		family[version.Object.GetUID()] = true
	}
	// A child may be seen before its parent, on another watch: go over the
	// record until no object is added.
	for grown := true; grown; {
		grown = false
		for _, version := range record.All() {
			if uid := version.Object.GetUID(); !family[uid] && belongs(version.Object, family) {
				family[uid], grown = true, true
			}
		}
	}
	return family
}

// belongs says whether the object's controller is of the family. A Lease has an
// owner, and no controller (NODE-02).
func belongs(object *unstructured.Unstructured, family map[types.UID]bool) bool {
	if object.GetKind() == "Lease" {
		for _, owner := range object.GetOwnerReferences() {
			if family[owner.UID] {
				return true
			}
		}
	}
	return family[history.Controller(object)]
}

// alive returns those of the objects that still exist.
func alive(record history.Record, objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	var live []*unstructured.Unstructured
	for _, object := range objects {
		versions := record.ByUID(object.GetUID())
		if len(versions) > 0 && versions[len(versions)-1].Type != watch.Deleted {
			live = append(live, object)
		}
	}
	return live
}

// resolve waits until the object that the words name has appeared.
func (w *World) resolve(ctx context.Context, text string) (found reference, err error) {
	err = w.await(ctx, text, func(record history.Record) error {
		var err error
		found, err = w.find(record, text)
		return err
	})
	return found, err
}

// object waits until the object exists and returns it.
func (w *World) object(ctx context.Context, text string) (object *unstructured.Unstructured, err error) {
	err = w.await(ctx, text, func(record history.Record) error {
		found, err := w.find(record, text)
		if err != nil {
			return err
		}
		if object = found.live(record); object == nil {
			return errors.New("it does not exist")
		}
		return nil
	})
	return object, err
}

// activePods returns the Pods of an owner that count as its replicas.
func (w *World) activePods(record history.Record, owner string) ([]*unstructured.Unstructured, error) {
	children, err := w.children(record, "Pod", owner)
	if err != nil {
		return nil, err
	}
	var active []*unstructured.Unstructured
	for _, pod := range alive(record, children) {
		if history.Active(pod) {
			active = append(active, pod)
		}
	}
	return active, nil
}

// asked returns how many Pods the owner asks for, 0 if it does not say.
func (w *World) asked(record history.Record, owner string) int {
	found, err := w.find(record, owner)
	if err != nil {
		return 0
	}
	object := found.live(record)
	if object == nil {
		return 0
	}
	return int(history.Int(object, "spec", "replicas"))
}
