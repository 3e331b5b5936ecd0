package story

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/history"
)

// Observed returns the chain as the record shows it at its end, a line for each
// object, in the order of the chain.
func Observed(record history.Record) []string {
	var lines []string
	for _, kind := range []string{"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Pod"} {
		for _, object := range record.LiveOf(kind, nil) {
			lines = append(lines, fmt.Sprintf("%s %q: %s", kind, object.GetName(), summary(object)))
		}
	}
	if len(lines) == 0 {
		lines = append(lines, "no object of the chain was seen")
	}
	return lines
}

func summary(object *unstructured.Unstructured) string {
	var parts []string
	add := func(format string, values ...any) { parts = append(parts, fmt.Sprintf(format, values...)) }
	if object.GetDeletionTimestamp() != nil {
		add("terminating")
	}
	if object.GetKind() == "Pod" {
		add("%s", history.Text(object, "status", "phase"))
		if node := history.Text(object, "spec", "nodeName"); node != "" {
			add("on %s", node)
		} else {
			add("no node")
		}
		conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
		for _, entry := range conditions {
			condition, _ := entry.(map[string]any)
			text := fmt.Sprintf("%v=%v", condition["type"], condition["status"])
			if reason, _ := condition["reason"].(string); reason != "" {
				text += "(" + reason + ")"
			}
			add("%s", text)
		}
		return strings.Join(parts, ", ")
	}
	add("generation %d observed %d", object.GetGeneration(), history.Int(object, "status", "observedGeneration"))
	if object.GetKind() == "DaemonSet" {
		add("desired %d, ready %d", history.Int(object, "status", "desiredNumberScheduled"), history.Int(object, "status", "numberReady"))
		return strings.Join(parts, ", ")
	}
	add("replicas %d, in status %d, ready %d, available %d", history.Int(object, "spec", "replicas"),
		history.Int(object, "status", "replicas"), history.Int(object, "status", "readyReplicas"),
		history.Int(object, "status", "availableReplicas"))
	return strings.Join(parts, ", ")
}

// LastWrites returns the last writes, at most count, oldest first: when after
// the record began, what, and by which field manager where the object says it.
func LastWrites(record history.Record, count int) []string {
	var writes []history.Version
	for _, version := range record.All() {
		switch version.Object.GetKind() {
		case "Lease", "Event":
		default:
			writes = append(writes, version)
		}
	}
	if len(writes) == 0 {
		return nil
	}
	began := writes[0].At
	writes = writes[max(0, len(writes)-count):]
	lines := make([]string, 0, len(writes))
	for _, version := range writes {
		lines = append(lines, fmt.Sprintf("%9s  %-8s %s %q by %s", version.At.Sub(began).Round(time.Millisecond),
			version.Type, version.Object.GetKind(), version.Object.GetName(), Writer(record, version)))
	}
	return lines
}

// Writer returns who wrote a version, as far as the object says it: among the
// field managers of the part that differs from the version before (status or
// the rest) the one that wrote last, with the subresource: "kubelet (status)".
func Writer(record history.Record, version history.Version) string {
	if version.Type == watch.Deleted {
		return "a deletion"
	}
	status := false
	if versions := record.Until(version.Seq - 1).ByUID(version.Object.GetUID()); len(versions) > 0 {
		before := versions[len(versions)-1].Object
		status = !equality.Semantic.DeepEqual(before.Object["status"], version.Object.Object["status"])
	}
	writer, last := "unknown", time.Time{}
	for _, entry := range version.Object.GetManagedFields() {
		if entry.Time == nil || entry.Time.Time.Before(last) || (entry.Subresource == "status") != status {
			continue
		}
		writer, last = entry.Manager, entry.Time.Time
		if entry.Subresource != "" {
			writer += " (" + entry.Subresource + ")"
		}
	}
	return writer
}
