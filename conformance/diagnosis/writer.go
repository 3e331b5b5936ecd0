package diagnosis

import (
	"encoding/json"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/history"
)

// UnknownWriter is what Writer returns where the object does not say it.
const UnknownWriter = "unknown"

// Writer returns who wrote a version, as far as the object says it: among its
// field managers the one that wrote last of those that own what has changed,
// with the subresource: "kubelet (status)". Where nobody owns it, as with a
// binding, it is the one that wrote last to the part that differs.
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
	var fields map[string]any
	if entry.FieldsV1 == nil || json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
		return false
	}
	return differs(fields, before, now)
}

// differs walks down the set of fields: "f:name" is a field, `k:{"name":"a"}` an
// item of a list by its keys, "v:…" a value of a set, "." the thing itself.
func differs(fields map[string]any, before, now any) bool {
	if len(fields) == 0 {
		return !equality.Semantic.DeepEqual(before, now)
	}
	for path, below := range fields {
		if path == "." {
			continue
		}
		inner, _ := below.(map[string]any)
		kind, rest, _ := strings.Cut(path, ":")
		var was, is any
		switch kind {
		case "f":
			was, is = fieldOf(before, rest), fieldOf(now, rest)
		case "k":
			was, is = itemOf(before, rest), itemOf(now, rest)
		default:
			was, is = before, now
		}
		if differs(inner, was, is) {
			return true
		}
	}
	return false
}

func fieldOf(value any, name string) any {
	fields, _ := value.(map[string]any)
	return fields[name]
}

func itemOf(value any, keys string) any {
	var wanted map[string]any
	items, _ := value.([]any)
	if json.Unmarshal([]byte(keys), &wanted) != nil {
		return nil
	}
	for _, item := range items {
		if fields, ok := item.(map[string]any); ok && has(fields, wanted) {
			return item
		}
	}
	return nil
}

func has(fields, wanted map[string]any) bool {
	for name, value := range wanted {
		// A number in managed fields is a float, in an object an integer.
		if number, ok := fields[name].(int64); ok {
			if value != float64(number) {
				return false
			}
		} else if fields[name] != value {
			return false
		}
	}
	return true
}
