package diagnosis

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/objects"
)

// Observed returns the chain as the record shows it at its end, a line for each
// object, in the order of the chain.
func Observed(record history.Record) []string {
	var lines []string
	for _, kind := range chain.Workloads() {
		for _, object := range record.LiveOf(kind.Name, nil) {
			lines = append(lines, fmt.Sprintf("%s %q: %s", kind.Name, object.GetName(), summary(object)))
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
		add("%s", objects.Text(object, "status", "phase"))
		if node := objects.Text(object, "spec", "nodeName"); node != "" {
			add("on %s", node)
		} else {
			add("no node")
		}
		for _, condition := range objects.List(object, "status", "conditions") {
			text := fmt.Sprintf("%v=%v", condition["type"], condition["status"])
			if reason, _ := condition["reason"].(string); reason != "" {
				text += "(" + reason + ")"
			}
			add("%s", text)
		}
		return strings.Join(parts, ", ")
	}
	add("generation %d observed %d", object.GetGeneration(), objects.Int(object, "status", "observedGeneration"))
	ready := chain.KindOf(object.GetKind()).Ready
	add("%s %d", strings.Join(ready.Wanted, "."), objects.Int(object, ready.Wanted...))
	for _, counter := range ready.Counters {
		add("%s %d", counter, objects.Int(object, "status", counter))
	}
	return strings.Join(parts, ", ")
}

// LastWrites returns the last writes, at most count, oldest first: when after the
// record began, the resourceVersion, what, and by which link, or by which field
// manager where only the object says it. If the one that is blamed has written none
// of these, the first line is the last one that it has. Nodes that other scenarios
// have brought are left out.
func LastWrites(record history.Record, attribution Attribution, count int, blamed chain.Link) []string {
	var writes []history.Version
	last := -1 // of the one that is blamed
	for _, version := range record.All() {
		switch kind := version.Object.GetKind(); {
		case kind == "Lease", kind == "Event", kind == "Node" && isOthers(record, version.Object):
			continue
		}
		if write, known := attribution.Of(record, version); known && write.Link == blamed {
			last = len(writes)
		}
		writes = append(writes, version)
	}
	if len(writes) == 0 {
		return nil
	}
	began := writes[0].At
	shown := writes[max(0, len(writes)-count):]
	if earlier := len(writes) - len(shown); last >= 0 && last < earlier {
		shown = append([]history.Version{writes[last]}, shown[1:]...)
	}
	lines := make([]string, 0, len(shown))
	for _, version := range shown {
		lines = append(lines, fmt.Sprintf("%9s  %s %-8s %s %q by %s", version.At.Sub(began).Round(time.Millisecond),
			version.Object.GetResourceVersion(), version.Type, version.Object.GetKind(), version.Object.GetName(), attribution.Writer(record, version)))
	}
	return lines
}
