package diagnosis

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/podchain/podchain/conformance/history"
)

// UnknownWriter is what Writer returns where the object does not say it.
const UnknownWriter = "unknown"

// Writer returns the writer of a version, as far as the object names it: the field
// manager that wrote last of those that own what has changed, with the subresource:
// "kubelet (status)". If none owns it, as with a binding, it is the one that wrote last
// to the part that differs.
func Writer(record history.Record, version history.Version) string {
	if version.Type == watch.Deleted {
		return "a deletion"
	}
	now := version.Object.Object
	var before map[string]any
	if versions := record.Until(version.Seq - 1).ByUID(version.Object.GetUID()); len(versions) > 0 {
		before = versions[len(versions)-1].Object.Object
	}
	status := before != nil && !equality.Semantic.DeepEqual(before["status"], now["status"])
	var writer latest
	for _, entry := range version.Object.GetManagedFields() {
		if entry.Time == nil || (entry.Subresource == "status") != status {
			continue
		}
		writer.consider(entry, before != nil && ownsChange(entry, before, now))
	}
	return writer.name()
}

// latest is the manager to name so far.
type latest struct {
	entry *metav1.ManagedFieldsEntry
	owns  bool
	at    time.Time
}

func (l *latest) consider(entry metav1.ManagedFieldsEntry, owns bool) {
	switch {
	case l.entry == nil, owns && !l.owns,
		owns == l.owns && !entry.Time.Time.Before(l.at):
		l.entry, l.owns, l.at = &entry, owns, entry.Time.Time
	}
}

func (l *latest) name() string {
	switch {
	case l.entry == nil:
		return UnknownWriter
	case l.entry.Subresource != "":
		return l.entry.Manager + " (" + l.entry.Subresource + ")"
	}
	return l.entry.Manager
}

// ownsChange tells whether a value differs that the entry says the manager owns.
func ownsChange(entry metav1.ManagedFieldsEntry, before, now map[string]any) bool {
	owned := &fieldpath.Set{}
	if entry.FieldsV1 == nil || owned.FromJSON(entry.FieldsV1.GetRawReader()) != nil {
		return false
	}
	changed := false
	owned.Leaves().Iterate(func(path fieldpath.Path) {
		changed = changed || !equality.Semantic.DeepEqual(valueAt(before, path), valueAt(now, path))
	})
	return changed
}

// valueAt returns what is at a path, nil if nothing is. An item of a set stands for the
// whole set.
func valueAt(from any, path fieldpath.Path) any {
	for _, element := range path {
		switch {
		case element.FieldName != nil:
			fields, _ := from.(map[string]any)
			from = fields[*element.FieldName]
		case element.Key != nil:
			from = itemOf(from, *element.Key)
		}
	}
	return from
}

func itemOf(list any, keys value.FieldList) any {
	items, _ := list.([]any)
	for _, item := range items {
		fields, _ := item.(map[string]any)
		if !slices.ContainsFunc(keys, func(key value.Field) bool {
			return !value.Equals(value.NewValueInterface(fields[key.Name]), key.Value)
		}) {
			return item
		}
	}
	return nil
}
