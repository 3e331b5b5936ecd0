// Package diagnosis finds out from a recorded history which link is to blame for a
// failure, and what the history shows of the chain.
package diagnosis

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/runresources"
)

// Culprit is a link and what it has done, or left undone. The link is empty if it is
// not known.
type Culprit struct {
	Link    chain.Link
	Missing string
}

// Failure is what is known of a failure beside the history.
type Failure struct {
	// About is the link of the requirement; empty for the chain as a whole.
	About chain.Link
	// Stopped are the links that the scenario itself has stopped: it does not owe what
	// they leave undone.
	Stopped sets.Set[chain.Link]
	// NoAnswer says that the API server has not answered, NotConverging that the objects
	// change without end, NotReady that a node was added and does not become ready.
	NoAnswer, NotConverging bool
	NotReady                error
	// Wrong is a version that should not have been written, nil if it is not about one.
	Wrong *history.Version
	// Object is one whose field deviates, nil if it is not about one.
	Object    *unstructured.Unstructured
	Deviation *field.Deviation
}

// Blame returns the link to blame for a failure: the one without which nothing works;
// else the writer of the first write that its contract forbids; else the first link, in
// the order of the chain, with an overdue duty. Where all have done their part, it is the
// link that has written what is wrong, or whose part that is, and sure is false: a
// step that could not be judged says nothing about it.
func Blame(record history.Record, attribution Attribution, failure Failure) (culprit Culprit, sure bool) {
	switch {
	case failure.NotConverging:
		return notConverging(record, attribution), true
	case failure.NoAnswer:
		return Culprit{chain.APIServer, "it does not answer"}, true
	}
	if culprit, found := forbidden(record, attribution); found {
		return culprit, true
	}
	if culprit, found := FirstOverdue(record, failure.Stopped); found {
		return culprit, true
	}
	if failure.NotReady != nil {
		return Culprit{chain.Kubelet, failure.NotReady.Error()}, true
	}
	return failure.writer(record, attribution), false
}

// forbidden returns the link whose contract forbids a write, the first of them.
func forbidden(record history.Record, attribution Attribution) (culprit Culprit, found bool) {
	for _, version := range record.All() {
		write, known := attribution.Of(record, version)
		for _, link := range chain.AllLinks {
			if known && write.Link != link {
				continue
			}
			for _, prohibition := range link.Prohibitions() {
				if !known && !prohibition.Telling {
					continue
				}
				if what := prohibition.Forbids(record.Until(version.Seq-1), version); what != "" {
					return Culprit{link, what}, true
				}
			}
		}
	}
	return Culprit{}, false
}

// FirstOverdue returns the first link, in the order of the chain, that has left
// something undone in the last state of the record. Links that the scenario itself has
// stopped are passed over.
func FirstOverdue(record history.Record, stopped sets.Set[chain.Link]) (culprit Culprit, found bool) {
	for _, duty := range chain.Duties() {
		if stopped.Has(duty.Link) && !duty.EvenStopped {
			continue
		}
		if undone := duty.Overdue(withoutOthers{record}); undone != "" {
			return Culprit{duty.Link, undone}, true
		}
	}
	return Culprit{}, false
}

// withoutOthers is a record without the nodes that other scenarios have brought: those
// are for their own Pods.
type withoutOthers struct{ history.Record }

// LiveOf implements chain.History.
func (w withoutOthers) LiveOf(kind string, accept func(*unstructured.Unstructured) bool) []*unstructured.Unstructured {
	return w.Record.LiveOf(kind, func(object *unstructured.Unstructured) bool {
		return !isOthers(w.Record, object) && (accept == nil || accept(object))
	})
}

// isOthers tells whether another scenario on the same cluster has brought the node.
func isOthers(record history.Record, node *unstructured.Unstructured) bool {
	owner := node.GetLabels()[runresources.NodesLabel]
	return owner != "" && len(record.Of("Namespace", func(own *unstructured.Unstructured) bool { return own.GetName() == owner })) == 0
}

// writer returns the link that the requirement is about, unless it is known that
// another has written what should not be, or it is for another to write: then that one,
// and what it has written.
func (f Failure) writer(record history.Record, attribution Attribution) Culprit {
	if f.Wrong != nil {
		if write, known := attribution.Of(record, *f.Wrong); known && write.Link != f.About {
			return Culprit{write.Link, "it has written " + history.Describe(*f.Wrong)}
		}
	}
	if f.Deviation == nil {
		return Culprit{Link: f.About}
	}
	kind, name := f.Object.GetKind(), f.Object.GetName()
	writers := chain.Writers(kind, f.Deviation.Field)
	if write, known := attribution.WriterOf(record, f.Object, f.Deviation.Field); known && len(writers) > 0 && !slices.Contains(writers, write.Link) {
		return Culprit{write.Link, fmt.Sprintf("it has written %s of %s %q, which is the %s's to write", f.Deviation.Field, kind, name, writers[0])}
	}
	if len(writers) == 0 || slices.Contains(writers, f.About) {
		return Culprit{Link: f.About}
	}
	what, _, _ := strings.Cut(f.Deviation.Error(), "\n")
	return Culprit{writers[0], fmt.Sprintf("%s %q: %s", kind, name, what)}
}

// lastVersions are how many of the last writes tell which link never comes to rest.
const lastVersions = 200

// notConverging returns the link that wrote most of the last versions of a record that
// has no end.
func notConverging(record history.Record, attribution Attribution) Culprit {
	all := record.All()
	last := all[max(0, len(all)-lastVersions):]
	count := map[string]int{}
	most := ""
	for _, version := range last {
		writer, _, _ := strings.Cut(attribution.Writer(record, version), " (")
		if count[writer]++; count[writer] > count[most] {
			most = writer
		}
	}
	link, err := chain.ParseLink(most)
	if err != nil {
		link = ""
	}
	return Culprit{link, fmt.Sprintf("it does not come to rest: %d of the last %d writes are by %s", count[most], len(last), most)}
}
