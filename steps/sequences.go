package steps

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
)

var sequenceSentences = []Sentence{
	{
		text:        ref + ` goes through`,
		Description: "Waits until versions of the object, from its first one on, match the rows in their order.",
		Example: `Then Pod "a" goes through:
  | field        | value            |
  | status.phase | Pending          |
  | status.phase | Running          |
  |              | no longer exists |`,
		Table: stagesOfOne,
		Step:  func(w *World) any { return w.goesThrough },
	},
	{
		text:        `each of them goes through`,
		Description: "As “goes through”, for each of them.",
		Example: `And each of them goes through:
  | field         | value  |
  | spec.nodeName | absent |
  | spec.nodeName | any    |`,
		Table: stagesOfOne,
		Step:  func(w *World) any { return w.eachOfThemGoesThrough },
	},
	{
		text:        ref + ` only goes forward in`,
		Description: "When the cluster is at rest, demands of all versions so far that the fields have only moved on in their order.",
		Example: `And Pod "a" only goes forward in:
  | field               | order                                           |
  | metadata.generation | rising                                          |
  | status.phase        | Pending, then Running, then Succeeded or Failed |`,
		Table: orders,
		Step:  func(w *World) any { return w.onlyGoesForwardIn },
	},
	{
		text:        `each of them only goes forward in`,
		Description: "As “only goes forward in”, for each of them.",
		Example: `And each of them only goes forward in:
  | field         | order            |
  | spec.nodeName | absent, then any |`,
		Table: orders,
		Step:  func(w *World) any { return w.eachOfThemOnlyGoesForwardIn },
	},
	{
		text:        `these happen in order`,
		Description: "Waits until every row has happened, and demands that none happened before the row above it.",
		Example: `Then these happen in order:
  | object                             | field         | value   |
  | the ReplicaSet of Deployment "web" |               | appears |
  | the Pod of Deployment "web"        |               | appears |
  | the Pod of Deployment "web"        | spec.nodeName | any     |`,
		Table: moments,
		Step:  func(w *World) any { return w.theseHappenInOrder },
	},
}

// moment is one row of a table of things that come in order.
type moment struct {
	object string
	field  string
	value  string
	expect field.Expectation
}

// The values of a row without a field: they speak of the object itself.
const (
	appears = "appears"
	isGone  = "no longer exists"
)

func readMoments(table *godog.Table, object string) ([]moment, error) {
	lines, err := rows(table)
	if err != nil {
		return nil, err
	}
	var all []moment
	for _, line := range lines {
		next := moment{object: cmp.Or(line["object"], object), field: line["field"], value: line["value"]}
		if next.field == "" {
			if next.value != appears && next.value != isGone {
				return nil, CouldNotRun{fmt.Errorf("a row without a field says %q or %q, not %q", appears, isGone, next.value)}
			}
		} else if next.expect, err = field.Expect(next.field, next.value); err != nil {
			return nil, CouldNotRun{err}
		}
		all = append(all, next)
	}
	return all, nil
}

func (m moment) String() string {
	if m.field == "" {
		return m.object + " " + m.value
	}
	return fmt.Sprintf("%s with %s %s", m.object, m.field, m.value)
}

// holds is what the row says of its object.
func (m moment) holds() string {
	switch {
	case m.field != "":
		return fmt.Sprintf("has %s %s", m.field, m.value)
	case m.value == isGone:
		return "says that it " + isGone
	}
	return m.value
}

// happened returns nil if the version is what the row says.
func (w *World) happened(record history.Record, m moment, subject reference, version history.Version) error {
	switch {
	case m.field == "" && m.value == appears:
		return nil
	case m.field == "":
		if version.Type == watch.Deleted {
			return nil
		}
		return fmt.Errorf("it exists")
	case version.Type == watch.Deleted:
		return fmt.Errorf("it no longer exists")
	}
	return w.check(record, &subject, version.Object, []field.Expectation{m.expect})
}

// passesThrough waits until versions of one object match the rows in order,
// each not earlier than the one before.
func (w *World) passesThrough(ctx context.Context, what string, find func(history.Record) (reference, error), table *godog.Table) error {
	steps, err := readMoments(table, what)
	if err != nil {
		return err
	}
	return w.await(ctx, what+" to go through all of the table", func(record history.Record) error {
		subject, err := find(record)
		if err != nil {
			return err
		}
		versions := subject.versions(record)
		at := 0
		for _, step := range steps {
			last := fmt.Errorf("it has not appeared")
			for ; at < len(versions); at++ {
				if last = w.happened(record, step, subject, versions[at]); last == nil {
					break
				}
			}
			if at == len(versions) {
				return fmt.Errorf("no version, from where the row before it held on, %s: %w", step.holds(), last)
			}
		}
		return nil
	})
}

func (w *World) goesThrough(ctx context.Context, text string, table *godog.Table) error {
	return w.passesThrough(ctx, text, func(record history.Record) (reference, error) { return w.find(record, text) }, table)
}

func (w *World) eachOfThemGoesThrough(ctx context.Context, table *godog.Table) error {
	return w.each(func(one reference) error {
		return w.passesThrough(ctx, one.text, func(history.Record) (reference, error) { return one, nil }, table)
	})
}

// theseHappenInOrder waits until every row has happened, and demands that none was written
// before the row that it follows (CHAIN-03).
func (w *World) theseHappenInOrder(ctx context.Context, table *godog.Table) error {
	steps, err := readMoments(table, "")
	if err != nil {
		return err
	}
	return w.await(ctx, "the rows in order", func(record history.Record) error {
		previous, from := moment{}, history.Version{}
		for _, step := range steps {
			subject, err := w.find(record, step.object)
			if err != nil {
				return err
			}
			last := fmt.Errorf("it has not appeared")
			found := false
			for _, version := range subject.versions(record) {
				// A row about the object of the row before may match the same version.
				if last = w.happened(record, step, subject, version); last == nil && (version.Seq >= from.Seq || step.object != previous.object) {
					if from.Object != nil && version.Before(from) {
						return history.Final{Err: fmt.Errorf("%s came before %s", step, previous)}
					}
					previous, from, found = step, version, true
					break
				}
			}
			if !found {
				return fmt.Errorf("%s has not happened: %w", step, last)
			}
		}
		return nil
	})
}

// onlyGoesForwardIn demands of every version so far that the fields only go on in their
// order: a stage may be skipped, never gone back, and "any" is one value for
// good. The order "rising" is that of numbers.
func (w *World) onlyGoesForwardIn(ctx context.Context, text string, table *godog.Table) error {
	subject, err := w.resolve(ctx, text)
	if err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	return w.goesForward(subject, table)
}

func (w *World) eachOfThemOnlyGoesForwardIn(ctx context.Context, table *godog.Table) error {
	if err := w.settle(ctx); err != nil {
		return err
	}
	return w.each(func(one reference) error { return w.goesForward(one, table) })
}

func (w *World) goesForward(subject reference, table *godog.Table) error {
	lines, err := rows(table)
	if err != nil {
		return err
	}
	versions := subject.versions(w.History.Now())
	for _, line := range lines {
		path, err := field.ParsePath(line["field"])
		if err != nil {
			return CouldNotRun{err}
		}
		check := rising
		if line["order"] != "rising" {
			order, err := stages(line["order"])
			if err != nil {
				return err
			}
			check = inStages(order)
		}
		var before any
		position := 0
		for _, version := range versions {
			value, found := path.Get(version.Object.Object)
			next, err := check(position, before, value, found)
			if err != nil {
				return &Wrong{version, fmt.Errorf("%s of %s, %s, went back (order: %s): %w", line["field"], subject.text, history.Describe(version), line["order"], err)}
			}
			position, before = next, value
		}
	}
	return nil
}

// stages parses an order such as "Pending, then Running, then Succeeded or
// Failed".
func stages(text string) ([]field.Matcher, error) {
	var all []field.Matcher
	for _, stage := range strings.Split(text, ", then ") {
		alternatives := strings.Split(stage, " or ")
		if len(alternatives) > 1 {
			stage = "one of " + strings.Join(alternatives, ", ")
		}
		matcher, err := field.ParseMatcher(stage)
		if err != nil {
			return nil, CouldNotRun{err}
		}
		all = append(all, matcher)
	}
	return all, nil
}

func inStages(order []field.Matcher) func(int, any, any, bool) (int, error) {
	return func(position int, before, value any, found bool) (int, error) {
		for at := position; at < len(order); at++ {
			if order[at].Match(value, found, nil) != nil {
				continue
			}
			if at == position && order[at].String() == "any" && before != nil && field.Render(before) != field.Render(value) {
				return position, fmt.Errorf("from %s to %s", field.Render(before), field.Render(value))
			}
			return at, nil
		}
		return position, fmt.Errorf("from %s to %s", field.Render(before), field.Render(value))
	}
}

func rising(position int, before, value any, _ bool) (int, error) {
	earlier, _ := before.(int64)
	later, _ := value.(int64)
	if later < earlier {
		return position, fmt.Errorf("from %d to %d", earlier, later)
	}
	return position, nil
}
