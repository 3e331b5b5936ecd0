package steps

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
)

// rows returns a table as one map per row, keyed by the header.
func rows(table *godog.Table) ([]map[string]string, error) {
	if table == nil || len(table.Rows) == 0 {
		return nil, CouldNotRun{fmt.Errorf("a table is missing below the sentence")}
	}
	header := table.Rows[0].Cells
	all := make([]map[string]string, 0, len(table.Rows)-1)
	for _, line := range table.Rows[1:] {
		row := map[string]string{}
		for i, cell := range line.Cells {
			row[header[i].Value] = cell.Value
		}
		all = append(all, row)
	}
	return all, nil
}

// each hands over the rows of a table of objects, one column of which is the name
// and every other a field, as sentences about one object have it: a table of
// fields and values. An empty cell says nothing of its field.
func each(table *godog.Table, do func(name string, fields *godog.Table) error) error {
	if table == nil || len(table.Rows) < 2 {
		return CouldNotRun{errors.New("a table of objects is missing below the sentence")}
	}
	header := table.Rows[0].Cells
	for _, line := range table.Rows[1:] {
		name, fields := "", &godog.Table{Rows: []*messages.PickleTableRow{row("field", "value")}}
		for i, cell := range line.Cells {
			switch {
			case header[i].Value == "name":
				name = cell.Value
			case cell.Value != "":
				fields.Rows = append(fields.Rows, row(header[i].Value, cell.Value))
			}
		}
		if name == "" {
			return CouldNotRun{errors.New("every row of a table of objects needs a name")}
		}
		if err := do(name, fields); err != nil {
			return err
		}
	}
	return nil
}

func row(cells ...string) *messages.PickleTableRow {
	row := &messages.PickleTableRow{}
	for _, cell := range cells {
		row.Cells = append(row.Cells, &messages.PickleTableCell{Value: cell})
	}
	return row
}

// quoted is a field of another object in a value: {Node "n1" status.capacity.cpu}
var quoted = regexp.MustCompile(`\{((?:[A-Z]|the )[^{}]*) ([^\s{}]+)\}`)

// quote replaces the fields of other objects that a value quotes.
func (w *World) quote(ctx context.Context, text string) (string, error) {
	var fault error
	filled := quoted.ReplaceAllStringFunc(text, func(part string) string {
		match := quoted.FindStringSubmatch(part)
		if match[1] != "the answer" {
			if _, err := w.object(ctx, match[1]); err != nil {
				fault = err
				return part
			}
		}
		value, err := w.lookup(w.History.Now(), nil)("", match[1]+" "+match[2])
		if err != nil {
			fault = err
		}
		return fmt.Sprint(value)
	})
	return filled, fault
}

// expectations parses a table of fields and values.
func (w *World) expectations(ctx context.Context, table *godog.Table) ([]field.Expectation, error) {
	lines, err := rows(table)
	if err != nil {
		return nil, err
	}
	var all []field.Expectation
	for _, line := range lines {
		value, err := w.quote(ctx, line["value"])
		if err != nil {
			return nil, err
		}
		expectation, err := field.Expect(line["field"], w.image(value))
		if err != nil {
			return nil, CouldNotRun{err}
		}
		all = append(all, expectation)
	}
	return all, nil
}

// edit sets the fields of a table in an object's JSON form. The value "absent"
// removes, references are resolved, and images go by their short names.
func (w *World) edit(ctx context.Context, object map[string]any, table *godog.Table) error {
	lines, err := rows(table)
	if err != nil {
		return err
	}
	for _, line := range lines {
		path, err := field.ParsePath(line["field"])
		if err != nil {
			return CouldNotRun{err}
		}
		value, err := w.value(ctx, line["field"], line["value"])
		if err != nil {
			return err
		}
		if _, err := path.Set(object, value); err != nil {
			return CouldNotRun{fmt.Errorf("field %s: %w", line["field"], err)}
		}
	}
	return nil
}

// value reads the value column of a table that changes something.
func (w *World) value(ctx context.Context, fieldPath, text string) (any, error) {
	if text == "absent" {
		return nil, nil
	}
	text, err := w.quote(ctx, text)
	if err != nil {
		return nil, err
	}
	if reference, found := strings.CutPrefix(text, "same as "); found {
		return w.lookup(w.History.Now(), nil)(fieldPath, reference)
	}
	value, err := field.ParseValue(strings.ReplaceAll(text, "{namespace}", w.Namespace))
	if err != nil {
		return nil, CouldNotRun{err}
	}
	return value, nil
}

// lookup resolves "same as …" in tables: another object's field, the answer's,
// or (for subject) the field's value before the last stimulus.
func (w *World) lookup(record history.Record, subject *reference) func(fieldPath, text string) (any, error) {
	return func(fieldPath, text string) (any, error) {
		if text == field.Before {
			return w.before(record, subject, fieldPath)
		}
		if rest, found := strings.CutPrefix(text, "the answer "); found {
			if len(w.answers) == 0 {
				return nil, CouldNotRun{fmt.Errorf("nothing has been answered yet")}
			}
			return valueAt(w.answers[len(w.answers)-1].body, rest)
		}
		end := strings.LastIndexByte(text, ' ')
		if end < 0 {
			return nil, CouldNotRun{fmt.Errorf("%q names no object and field", text)}
		}
		words, path := text[:end], text[end+1:]
		if words == "its" {
			if subject == nil {
				return nil, CouldNotRun{fmt.Errorf("%q: there is no object to refer to", text)}
			}
			object := subject.live(record)
			if object == nil {
				return nil, fmt.Errorf("%s does not exist", subject.text)
			}
			return valueAt(object.Object, path)
		}
		found, err := w.find(record, words)
		if err != nil {
			return nil, err
		}
		versions := found.versions(record)
		if len(versions) == 0 {
			return nil, fmt.Errorf("%s has not appeared", words)
		}
		return valueAt(versions[len(versions)-1].Object.Object, path)
	}
}

func (w *World) before(record history.Record, subject *reference, fieldPath string) (any, error) {
	if subject == nil {
		return nil, CouldNotRun{fmt.Errorf("there is no object whose earlier value could be meant")}
	}
	versions := subject.versions(record.Until(w.mark))
	if len(versions) == 0 {
		return nil, fmt.Errorf("%s did not exist before", subject.text)
	}
	return valueAt(versions[len(versions)-1].Object.Object, fieldPath)
}

func valueAt(object any, path string) (any, error) {
	parsed, err := field.ParsePath(path)
	if err != nil {
		return nil, CouldNotRun{err}
	}
	value, _ := parsed.Get(object)
	return value, nil
}

// check compares an object with a table; the error is a Deviation.
func (w *World) check(record history.Record, subject *reference, object *unstructured.Unstructured, expected []field.Expectation) error {
	if err := field.Check(object.Object, expected, w.lookup(record, subject)); err != nil {
		return &Deviation{object, err}
	}
	return nil
}

// fieldIs compares one field of an object with the value column of a table.
func (w *World) fieldIs(object *unstructured.Unstructured, path, value string) error {
	expected, err := field.Expect(path, w.image(value))
	if err != nil {
		return CouldNotRun{err}
	}
	return w.check(w.History.Now(), nil, object, []field.Expectation{expected})
}

// fieldPatch returns a merge patch that sets the fields of a table. A field in
// a list sends the whole list, as a merge patch has to.
func (w *World) fieldPatch(ctx context.Context, object *unstructured.Unstructured, table *godog.Table) (map[string]any, error) {
	lines, err := rows(table)
	if err != nil {
		return nil, err
	}
	patch := map[string]any{}
	for _, line := range lines {
		path, err := field.ParsePath(line["field"])
		if err != nil {
			return nil, CouldNotRun{err}
		}
		value, err := w.value(ctx, line["field"], line["value"])
		if err != nil {
			return nil, err
		}
		if line["field"] == "spec.taints" {
			value = w.keepOthersOut(value)
		}
		if err := path.Merge(patch, object.Object, value); err != nil {
			return nil, CouldNotRun{fmt.Errorf("field %s: %w", line["field"], err)}
		}
	}
	if spec := podSpec(patch); spec != nil {
		w.nameImages(spec)
	}
	return patch, nil
}

// number parses a count in a sentence.
func number(text string) (int, error) {
	count, err := strconv.Atoi(text)
	if err != nil {
		return 0, CouldNotRun{err}
	}
	return count, nil
}
