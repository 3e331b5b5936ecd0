package steps

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

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
