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

var answerSentences = []Sentence{
	{
		text:        `the API server answers (\d{3}) ([A-Za-z ]+)`,
		Description: "Demands the status code of the last answer, and its reason: that of the Status, or else the text of the code.",
		Example:     `Then the API server answers 409 AlreadyExists`,
		Step:        func(w *World) any { return w.apiServerAnswers },
	},
	{
		text:        `the API server refuses it`,
		Description: "Demands that the last answer is an error, whichever it is.",
		Example:     `Then the API server refuses it`,
		Step:        func(w *World) any { return w.apiServerRefusesIt },
	},
	{
		text:        count + ` (?:answer is|answers are) (\d{3}) ([A-Za-z ]+)`,
		Description: "Demands how many of the answers to concurrent requests have that code and reason.",
		Example:     `Then 9 answers are 409 AlreadyExists`,
		Step:        func(w *World) any { return w.answersAre },
	},
	{
		text:        `the answer has`,
		Description: "Demands that the object in the last answer is as the table says.",
		Example: `And the answer has:
  | field               | value |
  | metadata.generation | 1     |`,
		Table: fieldsToCheck,
		Step:  func(w *World) any { return w.answerHas },
	},
	{
		text:        `the answer has a warning that contains "([^"]+)"`,
		Description: "Demands a Warning header of the last answer that contains the text.",
		Example:     `And the answer has a warning that contains "spec.replica"`,
		Step:        func(w *World) any { return w.answerHasWarning },
	},
	{
		text:        `the answer has no warning`,
		Description: "Demands that the last answer has no Warning header.",
		Example:     `And the answer has no warning`,
		Step:        func(w *World) any { return w.answerHasNoWarning },
	},
	{
		text:        `the causes are`,
		Description: "Demands that every row is among the causes in the details of the last answer.",
		Example: `And the causes are:
  | field           | reason             |
  | spec.containers | FieldValueRequired |`,
		Table: causes,
		Step:  func(w *World) any { return w.causesAre },
	},
	{
		text:        ref + ` is stored with`,
		Description: "Demands that the object, as a GET returns it at this moment, is as the table says.",
		Example: `Then Deployment "web" is stored with:
  | field               | value     |
  | metadata.generation | unchanged |`,
		Table: fieldsToCheck,
		Step:  func(w *World) any { return w.isStoredWith },
	},
	{
		text: ref + ` is not stored`,
		Description: "When the cluster is at rest, demands that a GET answers 404 and that no watch has brought the object since the last change that the " +
			"scenario made.",
		Example: `And Deployment "web" is not stored`,
		Step:    func(w *World) any { return w.isNotStored },
	},
}

// answer returns the one answer that a sentence is about.
func (w *World) answer() (answer, error) {
	if len(w.answers) != 1 {
		return answer{}, CouldNotRun{fmt.Errorf("the sentence is about one answer, there are %d", len(w.answers))}
	}
	return w.answers[0], nil
}

// apiServerAnswers demands code and reason.
func (w *World) apiServerAnswers(_ context.Context, code, reason string) error {
	got, err := w.answer()
	if err != nil {
		return err
	}
	if fmt.Sprint(got.code) != code || got.reason != strings.ReplaceAll(reason, " ", "") {
		return fmt.Errorf("expected %s %s, the answer to %s", code, reason, got)
	}
	return nil
}

// apiServerRefusesIt demands any answer that is not a success.
func (w *World) apiServerRefusesIt(_ context.Context) error {
	got, err := w.answer()
	if err == nil && got.code < 300 {
		err = fmt.Errorf("expected a refusal, the answer to %s", got)
	}
	return err
}

// answersAre demands how many of several answers were of one kind.
func (w *World) answersAre(_ context.Context, count, code, reason string) error {
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
		return fmt.Errorf("the answer is not an object: %.200s", got.raw)
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

func (w *World) answerHasWarning(_ context.Context, text string) error {
	got, err := w.answer()
	if err != nil {
		return err
	}
	for _, warning := range got.warnings {
		if strings.Contains(warning, text) {
			return nil
		}
	}
	return fmt.Errorf("expected a warning with %q, the answer has: %q", text, got.warnings)
}

func (w *World) answerHasNoWarning(context.Context) error {
	got, err := w.answer()
	if err == nil && len(got.warnings) > 0 {
		err = fmt.Errorf("expected no warning, the answer has: %q", got.warnings)
	}
	return err
}

// causesAre demands that every row is among the causes of a refusal.
func (w *World) causesAre(_ context.Context, table *godog.Table) error {
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

// isStoredWith compares the object, as a GET returns it right now, with a table.
func (w *World) isStoredWith(ctx context.Context, text string, table *godog.Table) error {
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

// isNotStored demands that the object is not there, and that since the last
// stimulus no watch has brought it.
func (w *World) isNotStored(ctx context.Context, text string) error {
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
