package steps

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/objects"
)

var requestSentences = []Sentence{
	{
		text: `a client POSTs ` + object + `(?: with the query "([^"]*)")?`,
		Description: "Sends a POST of the manifest of the kind, with a query if one is named. Whatever the API server answers, the scenario continues: " +
			"sentences about the answer examine it.",
		Example: `When a client POSTs Deployment "web" with the query "dryRun=All"`,
		Step:    func(w *World) any { return w.clientPOSTs },
	},
	{
		text:        `a client POSTs ` + object + `(?: with the query "([^"]*)" and)? with`,
		Description: "As without a table; the fields of the table are set over the manifest.",
		Example: `When a client POSTs Pod "a" with:
  | field           | value  |
  | spec.containers | absent |`,
		Table: fieldsToSet,
		Step:  func(w *World) any { return w.clientPOSTsWith },
	},
	{
		text:        `a client reads ` + ref + ` and PUTs it back`,
		Description: "Sends a GET of the object, and a PUT of what it got. It does so again if another client has written in between.",
		Example:     `When a client reads ConfigMap "a" and PUTs it back`,
		Step:        func(w *World) any { return w.clientReadsAndPUTsBack },
	},
	{
		text: `a client reads (?:the (status|scale) of )?` + ref + ` and PUTs it back with`,
		Description: "Sends a GET of the object, or of its subresource, sets the fields of the table in what it got, and sends a PUT of that. It does so " +
			"again if another client has written in between, unless the table sets resourceVersion or uid. “the first” is the resourceVersion of the first version.",
		Example: `When a client reads ConfigMap "a" and PUTs it back with:
  | field                    | value     |
  | metadata.resourceVersion | the first |
  | data[k]                  | v2        |`,
		Table: fieldsToSet,
		Step:  func(w *World) any { return w.clientReadsAndPUTsBackWith },
	},
	{
		text: `a client PATCHes (?:the (status|scale) of )?` + ref + ` by ([A-Za-z ]+?)(?: with the query "([^"]*)")?`,
		Description: "Sends a PATCH with the document as it stands: by JSON patch, merge patch, strategic merge patch, apply, or unknown patch (a media type " +
			"that no API server has).",
		Example: `When a client PATCHes the status of Pod "a" by merge patch:
  """
  {"status": {"phase": "Failed"}}
  """`,
		Document: true,
		Step:     func(w *World) any { return w.clientPATCHes },
	},
	{
		text:        `a client DELETEs ` + ref,
		Description: "Sends a DELETE of the object.",
		Example:     `When a client DELETEs Deployment "web"`,
		Step:        func(w *World) any { return w.clientDELETEs },
	},
	{
		text:        `a client DELETEs ` + ref + ` with`,
		Description: "Sends a DELETE of the object, with DeleteOptions that have the fields of the table.",
		Example: `When a client DELETEs Pod "a" with:
  | field             | value |
  | preconditions.uid | other |`,
		Table: fieldsToSet,
		Step:  func(w *World) any { return w.clientDELETEsWith },
	},
	{
		text:        `a client sends ([A-Z]+) "([^"]+)"(?: accepting "([^"]+)")?`,
		Description: "Sends a request without a body to a path, with an Accept header if one is named.",
		Example:     `When a client sends GET "/api/v1/namespaces/{namespace}/pods?limit=2"`,
		Step:        func(w *World) any { return w.clientSends },
	},
	{
		text:        `a client sends ([A-Z]+) "([^"]+)" with`,
		Description: "Sends a request to a path with the document as its JSON body.",
		Example: `When a client sends POST "/api/v1/namespaces/{namespace}/configmaps" with:
  """
  {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
  """`,
		Document: true,
		Step:     func(w *World) any { return w.clientSendsWith },
	},
	{
		text:        count + ` clients POST ` + object + ` at the same time`,
		Description: "Sends that many POSTs of the same object concurrently, and keeps all answers.",
		Example:     `When 10 clients POST ConfigMap "a" at the same time`,
		Step:        func(w *World) any { return w.clientsPOST },
	},
	{
		text:        count + ` clients bind ` + ref + ` at the same time`,
		Description: "Creates that many Bindings of the Pod concurrently, each to a node of its own, and keeps all answers.",
		Example:     `When 10 clients bind Pod "a" at the same time`,
		Step:        func(w *World) any { return w.clientsBind },
	},
	{
		text: count + ` clients modify ` + ref + ` at the same time, each (setting a label of its own|adding one replica), retrying on conflict`,
		Description: "That many clients concurrently read the object, change it and PUT it, from the start after each 409 Conflict. The other answers are " +
			"kept. The labels are client-1, client-2, …",
		Example: `When 10 clients modify ConfigMap "a" at the same time, each setting a label of its own, retrying on conflict`,
		Step:    func(w *World) any { return w.clientsModify },
	},
}

// ask sends a request whose answer the scenario asserts, whatever it is.
func (w *World) ask(ctx context.Context, request request) error {
	w.stimulus()
	got, err := w.send(ctx, request)
	w.answers = []answer{got}
	return err
}

func (w *World) clientPOSTs(ctx context.Context, kind, name, query string) error {
	return w.clientPOSTsWith(ctx, kind, name, query, nil)
}

func (w *World) clientPOSTsWith(ctx context.Context, kind, name, query string, table *godog.Table) error {
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

func (w *World) clientReadsAndPUTsBack(ctx context.Context, text string) error {
	return w.clientReadsAndPUTsBackWith(ctx, "", text, nil)
}

// clientReadsAndPUTsBackWith reads the object, changes the fields of the table, and PUTs it. A
// resourceVersion of "the first" is that of the object's first version. If
// another client wrote in between, it is done again, unless the table itself says
// which version or uid to send.
func (w *World) clientReadsAndPUTsBackWith(ctx context.Context, subresource, text string, table *godog.Table) error {
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

func (w *World) clientPATCHes(ctx context.Context, subresource, text, kind, query string, body *godog.DocString) error {
	contentType, known := patchTypes[kind]
	if !known {
		return CouldNotRun{fmt.Errorf("%q is not a type of patch", kind)}
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

func (w *World) clientDELETEs(ctx context.Context, text string) error {
	return w.clientDELETEsWith(ctx, text, nil)
}

func (w *World) clientDELETEsWith(ctx context.Context, text string, table *godog.Table) error {
	subject, err := w.find(w.History.Now(), text)
	if err != nil {
		return err
	}
	options := deleteOptions()
	if table != nil {
		if err := w.edit(ctx, options, table); err != nil {
			return err
		}
	}
	deletion, err := w.deletion(subject.kind, subject.name, options)
	if err != nil {
		return err
	}
	return w.ask(ctx, deletion)
}

func (w *World) clientSends(ctx context.Context, method, path, accept string) error {
	return w.ask(ctx, request{method: method, path: w.fill(path), accept: accept})
}

func (w *World) clientSendsWith(ctx context.Context, method, path string, body *godog.DocString) error {
	return w.ask(ctx, request{method: method, path: w.fill(path), body: []byte(w.fill(body.Content))})
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

// clientsPOST has several clients POST the same object (API-CREATE-14).
func (w *World) clientsPOST(ctx context.Context, count, kind, name string) error {
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

// clientsModify has several clients change one object by reading, changing and
// writing, again on conflict (API-UPDATE-03, IDEMP-05).
func (w *World) clientsModify(ctx context.Context, count, text, what string) error {
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
				fault = unstructured.SetNestedField(got.body, objects.Int(current, "spec", "replicas")+1, "spec", "replicas")
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

// oneMore is one of the changes that clients make at the same time.
const oneMore = "adding one replica"

// clientsBind has several clients bind the same Pod, each to a node of its own
// (SCHED-03).
func (w *World) clientsBind(ctx context.Context, count, text string) error {
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
