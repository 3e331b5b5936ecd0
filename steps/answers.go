package steps

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
)

// ask sends a request whose answer the scenario asserts, whatever it is.
func (w *World) ask(ctx context.Context, request request) error {
	w.stimulus()
	got, err := w.send(ctx, request)
	w.answers = []answer{got}
	return err
}

// post POSTs the object, with a query and fields over its manifest.
func (w *World) post(ctx context.Context, kind, name, query string, table *godog.Table) error {
	object, err := w.manifest(ctx, kind, name, "", table)
	if err != nil {
		return err
	}
	path, err := w.path(kind, "", "")
	if err != nil {
		return err
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return CouldNotRun{err}
	}
	if err := w.ask(ctx, request{method: "POST", path: path, body: object, query: values}); err != nil {
		return err
	}
	if w.answers[0].code < 300 {
		w.made.Insert(kind + "/" + name)
	}
	return nil
}

// putBack reads the object, changes the fields of the table, and PUTs it. A
// resourceVersion of "the first" is that of the object's first version. If
// somebody else wrote in between, it is done again, unless the table itself says
// which version or uid to send.
func (w *World) putBack(ctx context.Context, subresource, text string, table *godog.Table) error {
	object, err := w.object(ctx, text)
	if err != nil {
		return err
	}
	path, err := w.path(object.GetKind(), object.GetName(), subresource)
	if err != nil {
		return err
	}
	for {
		got, err := w.demand(ctx, request{method: "GET", path: path})
		if err != nil {
			return err
		}
		version, uid := identity(got.body)
		if table != nil {
			if err := w.edit(ctx, got.body, table); err != nil {
				return err
			}
			if spec := podSpec(got.body); spec != nil {
				w.nameImages(spec)
			}
		}
		wantVersion, wantUID := identity(got.body)
		if wantVersion == "the first" {
			first := reference{kind: object.GetKind(), name: object.GetName()}.versions(w.History.Now())[0]
			if err := unstructured.SetNestedField(got.body, first.Object.GetResourceVersion(), "metadata", "resourceVersion"); err != nil {
				return CouldNotRun{err}
			}
		}
		err = w.ask(ctx, request{method: "PUT", path: path, body: got.body})
		if err != nil || w.answers[0].code != 409 || wantVersion != version || wantUID != uid {
			return err
		}
	}
}

// identity returns resourceVersion and uid of an object.
func identity(object map[string]any) (version, uid string) {
	whole := unstructured.Unstructured{Object: object}
	return whole.GetResourceVersion(), string(whole.GetUID())
}

// patch PATCHes the object with a document as it is written.
func (w *World) patch(ctx context.Context, text, subresource, kind, query string, body *godog.DocString) error {
	contentType, known := patchTypes[kind]
	if !known {
		return CouldNotRun{fmt.Errorf("%q is no kind of patch", kind)}
	}
	subject, err := w.find(w.History.Now(), text)
	if err != nil {
		return err
	}
	path, err := w.path(subject.kind, subject.name, subresource)
	if err != nil {
		return err
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return CouldNotRun{err}
	}
	return w.ask(ctx, request{method: "PATCH", path: path, contentType: contentType, query: values,
		body: []byte(w.fill(body.Content))})
}

// discard DELETEs the object, with the fields of DeleteOptions.
func (w *World) discard(ctx context.Context, text string, table *godog.Table) error {
	subject, err := w.find(w.History.Now(), text)
	if err != nil {
		return err
	}
	options := map[string]any{"apiVersion": "v1", "kind": "DeleteOptions"}
	if table != nil {
		if err := w.edit(ctx, options, table); err != nil {
			return err
		}
	}
	path, err := w.path(subject.kind, subject.name, "")
	if err != nil {
		return err
	}
	return w.ask(ctx, request{method: "DELETE", path: path, body: options})
}

// request sends a request as a feature about HTTP writes it.
func (w *World) request(ctx context.Context, method, path, accept, contentType string, body *godog.DocString) error {
	sent := request{method: method, path: w.fill(path), accept: accept, contentType: contentType}
	if body != nil {
		sent.body = []byte(w.fill(body.Content))
	}
	return w.ask(ctx, sent)
}

// fill replaces what a feature cannot know.
func (w *World) fill(text string) string { return strings.ReplaceAll(text, "{namespace}", w.Namespace) }

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
	if _, known := kinds[shown.GetKind()]; !known || shown.GetName() == "" {
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

// atOnce sends as many requests at the same time and keeps all answers.
func (w *World) atOnce(ctx context.Context, count string, send func(index int) (answer, error)) error {
	total, err := number(count)
	if err != nil {
		return err
	}
	w.stimulus()
	answers, faults := make([]answer, total), make([]error, total)
	var group sync.WaitGroup
	for i := range total {
		group.Go(func() { answers[i], faults[i] = send(i) })
	}
	group.Wait()
	w.answers = answers
	return errors.Join(faults...)
}

// postAtOnce has several clients POST the same object (API-CREATE-14).
func (w *World) postAtOnce(ctx context.Context, count, kind, name string) error {
	object, err := w.manifest(ctx, kind, name, "", nil)
	if err != nil {
		return err
	}
	path, err := w.path(kind, "", "")
	if err != nil {
		return err
	}
	return w.atOnce(ctx, count, func(int) (answer, error) {
		return w.send(ctx, request{method: "POST", path: path, body: object})
	})
}

// modifyAtOnce has several clients change one object by reading, changing and
// writing, again on conflict (API-UPDATE-03, IDEMP-05).
func (w *World) modifyAtOnce(ctx context.Context, count, text, what string) error {
	object, err := w.object(ctx, text)
	if err != nil {
		return err
	}
	path, err := w.path(object.GetKind(), object.GetName(), "")
	if err != nil {
		return err
	}
	return w.atOnce(ctx, count, func(index int) (answer, error) {
		for {
			got, err := w.demand(ctx, request{method: "GET", path: path})
			if err != nil {
				return got, err
			}
			var fault error
			if what == oneMore {
				current := &unstructured.Unstructured{Object: got.body}
				fault = unstructured.SetNestedField(got.body, history.Int(current, "spec", "replicas")+1, "spec", "replicas")
			} else {
				fault = unstructured.SetNestedField(got.body, "here", "metadata", "labels", fmt.Sprintf("client-%d", index+1))
			}
			if fault != nil {
				return got, CouldNotRun{fault}
			}
			put, err := w.send(ctx, request{method: "PUT", path: path, body: got.body})
			if err != nil || put.code != 409 {
				return put, err
			}
		}
	})
}

// oneMore is what clients may want that modify an object at the same time.
const oneMore = "to one replica more"

// createAtOnce has as many objects of a kind created at the same time, named
// kind-1 and so on. They are "them" from then on (IDEMP-06).
func (w *World) createAtOnce(ctx context.Context, count, kind, replicas string, table *godog.Table) error {
	total, err := number(count)
	if err != nil {
		return err
	}
	path, err := w.path(kind, "", "")
	if err != nil {
		return err
	}
	bodies := make([]map[string]any, total)
	group := make([]reference, total)
	for i := range total {
		name := fmt.Sprintf("%s-%d", strings.ToLower(kind), i+1)
		if bodies[i], err = w.manifest(ctx, kind, name, replicas, table); err != nil {
			return err
		}
		group[i] = reference{text: fmt.Sprintf("%s %q", kind, name), kind: kind, name: name}
	}
	if err := w.atOnce(ctx, count, func(index int) (answer, error) {
		return w.demand(ctx, request{method: "POST", path: path, body: bodies[index]})
	}); err != nil {
		return err
	}
	w.group = group
	return nil
}

// awaitVersion waits until the record holds the version that a GET returned, so
// that what follows can compare with what was before.
func (w *World) awaitVersion(ctx context.Context, subject reference, object *unstructured.Unstructured) error {
	if !kinds[subject.kind].watched {
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

// bindAtOnce has several clients bind the same Pod, each to a node of its own
// (SCHED-03).
func (w *World) bindAtOnce(ctx context.Context, count, text string) error {
	pod, err := w.object(ctx, text)
	if err != nil {
		return err
	}
	path, err := w.path("Pod", pod.GetName(), "binding")
	if err != nil {
		return err
	}
	return w.atOnce(ctx, count, func(index int) (answer, error) {
		return w.send(ctx, request{method: "POST", path: path, body: binding(pod, fmt.Sprintf("node-of-client-%d", index+1))})
	})
}
