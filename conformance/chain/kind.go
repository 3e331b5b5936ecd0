package chain

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/podchain/podchain/conformance/objects"
)

// Kind is a row of the table of kinds: what the chain, and the features about it, do
// with the objects of one kind.
type Kind struct {
	Name string
	// GroupVersionResource is where the API serves it.
	schema.GroupVersionResource
	// ClusterScoped objects are in no namespace.
	ClusterScoped bool
	// Watched are recorded for every scenario.
	Watched bool
	// Background are written all the time, whether a scenario does something or not.
	Background bool
	// EachNode says that its controller makes a Pod for every node.
	EachNode bool
	// Link that looks after it, and the kinds that this one makes for it.
	Link  Link
	Makes []string
	// Ready is what its status says when it does what was asked for.
	Ready Readiness
}

// Readiness is what the status of an object says when it does what was asked for.
type Readiness struct {
	// Condition that is True, or Phase that it is in.
	Condition, Phase string
	// Counters of the status that have reached the number at the path Wanted.
	Counters, Wanted []string
}

// KindOf returns the row of a kind, an empty one if it has none.
func KindOf(name string) Kind {
	at := slices.IndexFunc(Kinds, func(kind Kind) bool { return kind.Name == name })
	if at < 0 {
		return Kind{}
	}
	return Kinds[at]
}

// Names are those of kinds.
func Names(kinds []Kind) []string {
	all := make([]string, len(kinds))
	for i, kind := range kinds {
		all[i] = kind.Name
	}
	return all
}

func where(accept func(Kind) bool) []Kind {
	return slices.DeleteFunc(slices.Clone(Kinds), func(kind Kind) bool { return !accept(kind) })
}

// MadeBy returns the kinds for whose objects links make objects of the given one.
func MadeBy(name string) []Kind {
	return where(func(kind Kind) bool { return slices.Contains(kind.Makes, name) })
}

// Family are the kind, and the kinds of all that is made for its objects, directly or
// through others, as far as they are recorded of a scenario's namespace.
func Family(name string) []Kind {
	family := sets.New(name)
	return where(func(kind Kind) bool { // a kind comes before those that it makes
		if family.Has(kind.Name) {
			family.Insert(kind.Makes...)
		}
		return family.Has(kind.Name) && kind.inNamespace()
	})
}

// Workloads are the kinds that use up the cluster, as far as they are watched: Pods,
// and what makes Pods. Each comes before what it makes, which is the order in which
// they are removed.
func Workloads() []Kind {
	return where(func(kind Kind) bool { return kind.Watched && kind.usesUp() })
}

func (k Kind) usesUp() bool { return k.Name == pod || k.MakesPods() }

// MakesPods tells whether its objects are workloads: they have Pods made, directly or
// through others.
func (k Kind) MakesPods() bool {
	return slices.ContainsFunc(k.Makes, func(name string) bool {
		return KindOf(name).usesUp()
	})
}

// Finalizable are the kinds of a scenario's namespace that finalizers may keep: nothing
// but the suite removes those that it has set.
func Finalizable() []Kind {
	return where(Kind.inNamespace)
}

func (k Kind) inNamespace() bool { return k.Watched && !k.ClusterScoped && !k.Background }

// Unready returns nil if the object does what was asked for; the error says what is
// missing. Of a kind without readiness every object is ready.
func Unready(object *unstructured.Unstructured) error {
	kind := KindOf(object.GetKind())
	ready := kind.Ready
	switch {
	case ready.Condition != "":
		if status := objects.Condition(object, ready.Condition); status != "True" {
			return fmt.Errorf("condition %s is %q, phase %s", ready.Condition, status, objects.Text(object, "status", "phase"))
		}
	case ready.Phase != "":
		if phase := objects.Text(object, "status", "phase"); phase != ready.Phase {
			return fmt.Errorf("phase is %q", phase)
		}
	case len(ready.Counters) > 0:
		return kind.counted(object)
	}
	return nil
}

func (k Kind) counted(object *unstructured.Unstructured) error {
	if observed := objects.Int(object, "status", "observedGeneration"); observed < object.GetGeneration() {
		return fmt.Errorf("observed generation %d of %d", observed, object.GetGeneration())
	}
	want := objects.Int(object, k.Ready.Wanted...)
	if want == 0 && k.EachNode {
		// Its controller may not have seen yet what was done for a node.
		return errors.New("there is no node for its Pods")
	}
	for _, counter := range k.Ready.Counters {
		if got := objects.Int(object, "status", counter); got != want {
			return fmt.Errorf("status.%s is %d of %d", counter, got, want)
		}
	}
	return nil
}
