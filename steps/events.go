package steps

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
)

var eventSentences = []Sentence{
	{
		text:        `these events are recorded`,
		Description: "Waits until an Event is recorded for every row, since the start of the scenario.",
		Example: `Then these events are recorded:
  | object           | type   | reason            |
  | Deployment "web" | Normal | ScalingReplicaSet |`,
		Table: eventsOfObjects,
		Step:  func(w *World) any { return w.theseEventsAreRecorded },
	},
}

// eventFields are the columns of a table of Events. Where an Event of the core
// form and one of the new form say the same in different fields, either counts
// (EVENT-02, EVENT-03).
var eventFields = map[string][]string{
	"type":      {"type"},
	"reason":    {"reason"},
	"source":    {"source.component", "reportingComponent"},
	"host":      {"source.host", "reportingInstance"},
	"container": {"involvedObject.fieldPath"},
	"message":   {"message"},
}

// theseEventsAreRecorded waits until an Event is recorded for every row.
func (w *World) theseEventsAreRecorded(ctx context.Context, table *godog.Table) error {
	lines, err := rows(table)
	if err != nil {
		return err
	}
	for _, line := range lines {
		for column, text := range line {
			if line[column], err = w.quote(ctx, text); err != nil {
				return err
			}
		}
		if err := w.await(ctx, "Event "+line["reason"]+" on "+line["object"], func(record history.Record) error {
			events, err := w.events(record, 0, line["object"])
			if err != nil {
				return err
			}
			var seen []string
			for _, event := range events {
				err := w.eventMatches(record, event, line)
				if err == nil {
					return nil
				}
				seen = append(seen, fmt.Sprintf("%s (%v)", history.Text(event, "reason"), err))
			}
			return fmt.Errorf("the Events are: %s", cmp.Or(strings.Join(seen, "; "), "none"))
		}); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) eventMatches(record history.Record, event *unstructured.Unstructured, line map[string]string) error {
	for column, text := range line {
		if column == "object" {
			continue
		}
		paths, known := eventFields[column]
		if !known {
			return history.Final{Err: CouldNotRun{fmt.Errorf("a table of Events has no column %q", column)}}
		}
		matcher, err := field.ParseMatcher(text)
		if err != nil {
			return history.Final{Err: CouldNotRun{err}}
		}
		resolve := func(reference string) (any, error) { return w.lookup(record, nil)("", reference) }
		var fault error
		for _, path := range paths {
			var value any
			if value, err = valueAt(event.Object, path); err != nil {
				return err
			}
			if fault = matcher.Match(value, value != nil, resolve); fault == nil {
				break
			}
		}
		if fault != nil {
			return fmt.Errorf("%s: %w", column, fault)
		}
	}
	return nil
}

// events returns the Events about an object that arrived after since, in order.
func (w *World) events(record history.Record, since int, text string) ([]*unstructured.Unstructured, error) {
	subject, err := w.find(record, text)
	if err != nil {
		return nil, err
	}
	subjects := map[string]string{} // names by uid
	for _, version := range subject.versions(record) {
		subjects[string(version.Object.GetUID())] = version.Object.GetName()
	}
	var events []*unstructured.Unstructured
	for _, version := range record.Since(since) {
		if version.Object.GetKind() == "Event" && isAbout(version.Object, subject.kind, subjects) {
			events = append(events, version.Object)
		}
	}
	return events, nil
}

// isAbout says whether an Event is about an object with one of the uids. One
// that names none, as the taint eviction controller's, is about that name.
func isAbout(event *unstructured.Unstructured, kind string, names map[string]string) bool {
	if uid := history.Text(event, "involvedObject", "uid"); uid != "" {
		_, known := names[uid]
		return known
	}
	if history.Text(event, "involvedObject", "kind") != kind {
		return false
	}
	for _, name := range names {
		if name == history.Text(event, "involvedObject", "name") {
			return true
		}
	}
	return false
}
