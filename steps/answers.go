package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
)

// answer returns the one answer that a sentence is about.
func (w *World) answer() (answer, error) {
	if len(w.answers) != 1 {
		return answer{}, CouldNotRun{fmt.Errorf("the sentence is about one answer, there are %d", len(w.answers))}
	}
	return w.answers[0], nil
}

// answered demands code and reason.
func (w *World) answered(_ context.Context, code, reason string) error {
	got, err := w.answer()
	if err != nil {
		return err
	}
	if fmt.Sprint(got.code) != code || got.reason != strings.ReplaceAll(reason, " ", "") {
		return fmt.Errorf("expected %s %s, the answer to %s", code, reason, got)
	}
	return nil
}

// refused demands any answer that is not a success.
func (w *World) refused(_ context.Context) error {
	got, err := w.answer()
	if err == nil && got.code < 300 {
		err = fmt.Errorf("expected a refusal, the answer to %s", got)
	}
	return err
}

// counted demands how many of several answers were of one kind.
func (w *World) counted(_ context.Context, count, code, reason string) error {
	want, err := number(count)
	if err != nil {
		return err
	}
	total := 0
	for _, got := range w.answers {
		if fmt.Sprint(got.code) == code && got.reason == strings.ReplaceAll(reason, " ", "") {
			total++
		}
	}
	if total != want {
		return fmt.Errorf("expected %d answers %s %s, %d are: %v", want, code, reason, total, w.answers)
	}
	return nil
}

// answerHas compares the answer's body with a table.
func (w *World) answerHas(ctx context.Context, table *godog.Table) error {
	got, err := w.answer()
	if err != nil {
		return err
	}
	expected, err := w.expectations(ctx, table)
	if err != nil {
		return err
	}
	if got.body == nil {
		return fmt.Errorf("the answer is no object: %.200s", got.raw)
	}
	if err := field.Check(got.body, expected, w.lookup(w.History.Now(), subjectOf(got))); err != nil {
		return fmt.Errorf("the answer to %s: %w", got, err)
	}
	return nil
}

// subjectOf returns the object that an answer shows, nil if it shows none.
func subjectOf(got answer) *reference {
	shown := unstructured.Unstructured{Object: got.body}
	if chain.KindOf(shown.GetKind()).Name == "" || shown.GetName() == "" {
		return nil
	}
	return &reference{text: got.request, kind: shown.GetKind(), name: shown.GetName(), uid: shown.GetUID()}
}

// warned demands a Warning that contains the text; "" demands none.
func (w *World) warned(_ context.Context, text string) error {
	got, err := w.answer()
	if err != nil {
		return err
	}
	if text == "" {
		if len(got.warnings) > 0 {
			return fmt.Errorf("expected no warning, the answer has: %q", got.warnings)
		}
		return nil
	}
	for _, warning := range got.warnings {
		if strings.Contains(warning, text) {
			return nil
		}
	}
	return fmt.Errorf("expected a warning with %q, the answer has: %q", text, got.warnings)
}

// causes demands that every row is among the causes of a refusal.
func (w *World) causes(_ context.Context, table *godog.Table) error {
	got, err := w.answer()
	if err != nil {
		return err
	}
	lines, err := rows(table)
	if err != nil {
		return err
	}
	list, _, err := unstructured.NestedSlice(got.body, "details", "causes")
	if err != nil {
		return fmt.Errorf("details.causes of the answer: %w", err)
	}
	var faults []error
	for _, line := range lines {
		found := false
		for _, entry := range list {
			cause, _ := entry.(map[string]any)
			found = found || (cause["field"] == line["field"] && (line["reason"] == "" || cause["reason"] == line["reason"]))
		}
		if !found {
			faults = append(faults, fmt.Errorf("expected a cause %s on %s", line["reason"], line["field"]))
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("%w\nthe answer has: %s", errors.Join(faults...), field.Render(list))
	}
	return nil
}

// stored compares the object, as a GET returns it right now, with a table.
func (w *World) stored(ctx context.Context, text string, table *godog.Table) error {
	expected, err := w.expectations(ctx, table)
	if err != nil {
		return err
	}
	subject, err := w.find(w.History.Now(), text)
	if err != nil {
		return err
	}
	got, err := w.fetch(ctx, subject)
	if err != nil {
		return err
	}
	if got.code != 200 {
		return fmt.Errorf("expected to find it stored, the answer to %s", got)
	}
	object := &unstructured.Unstructured{Object: got.body}
	if err := w.awaitVersion(ctx, subject, object); err != nil {
		return err
	}
	return w.check(w.History.Now(), &subject, object, expected)
}

func (w *World) fetch(ctx context.Context, subject reference) (answer, error) {
	path, err := w.path(subject.kind, subject.name, "")
	if err != nil {
		return answer{}, err
	}
	return w.send(ctx, request{method: "GET", path: path})
}

// awaitVersion waits until the record holds the version that a GET returned, so
// that what follows can compare with what was before.
func (w *World) awaitVersion(ctx context.Context, subject reference, object *unstructured.Unstructured) error {
	if !chain.KindOf(subject.kind).Watched {
		return nil
	}
	return w.await(ctx, subject.text+" in the version that was read", func(record history.Record) error {
		for _, version := range subject.versions(record) {
			if version.Object.GetResourceVersion() == object.GetResourceVersion() {
				return nil
			}
		}
		return errors.New("no watcher was notified of it")
	})
}

// notStored demands that the object is not there, and that since the last
// stimulus nobody was notified that it is.
func (w *World) notStored(ctx context.Context, text string) error {
	if err := w.settle(ctx); err != nil {
		return err
	}
	subject, err := w.find(w.History.Now(), text)
	if err != nil {
		return err
	}
	got, err := w.fetch(ctx, subject)
	if err != nil {
		return err
	}
	if got.code != 404 {
		return fmt.Errorf("expected that nothing is stored, the answer to %s", got)
	}
	for _, version := range subject.versions(w.History.Now()) {
		if version.Seq > w.mark && version.Type == watch.Added {
			return fmt.Errorf("expected that nothing was stored, the watchers were notified of it: %s", history.Describe(version))
		}
	}
	return nil
}
