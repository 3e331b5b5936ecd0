package steps

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/cucumber/godog"

	"github.com/podchain/podchain/conformance/chain"
)

var objectSentences = []Sentence{
	{
		text:        object + replicas + ` is created`,
		Description: "Creates the object from the manifest of its kind, and fails if the API server does not accept it.",
		Example:     `Given Deployment "web" with 3 replicas is created`,
		Step:        func(w *World) any { return w.isCreated },
	},
	{
		text:        object + replicas + ` is created with`,
		Description: "Creates the object from the manifest of its kind with the fields of the table set, and fails if the API server does not accept it.",
		Example: `Given Pod "a" is created with:
  | field         | value  |
  | spec.nodeName | node-1 |`,
		Table: fieldsToSet,
		Step:  func(w *World) any { return w.isCreatedWith },
	},
	{
		text:        `these ([A-Z]\w+?)s are created`,
		Description: "Creates an object from each row, one after the other, and fails if the API server does not accept one.",
		Example: `When these Pods are created:
  | name | spec.nodeSelector |
  | a    | {disk: ssd}       |
  | b    |                   |`,
		Table: objectsToCreate,
		Step:  func(w *World) any { return w.theseAreCreated },
	},
	{
		text: count + ` ([A-Z]\w+?)s` + replicas + ` are created at the same time with`,
		Description: "Creates the objects concurrently, named by their kind (deployment-1, deployment-2, …), and fails if the API " +
			"server does not accept one. They are “them” from then on.",
		Example: `When 10 Deployments with 2 replicas are created at the same time with:
  | field                | value |
  | spec.minReadySeconds | 1     |`,
		Table: fieldsToSet,
		Step:  func(w *World) any { return w.areCreatedAtTheSameTimeWith },
	},
	{
		text: object + replicas + ` is applied`,
		Description: "Sends the manifest of the kind as a server-side apply with the field manager podchain, and fails if the API server " +
			"does not accept it.",
		Example: `When Deployment "web" with 2 replicas is applied`,
		Step:    func(w *World) any { return w.isApplied },
	},
	{
		text: `(?:the (status) of )?` + ref + ` is modified with`,
		Description: "Patches the fields of the table, and no others, in the object or its status: by a merge patch, in the status by a " +
			"strategic merge patch. Fails if the API server does not accept it.",
		Example: `When Deployment "web" is modified with:
  | field                                  | value |
  | spec.template.spec.containers[0].image | web:2 |`,
		Table: fieldsToSet,
		Step:  func(w *World) any { return w.isModifiedWith },
	},
	{
		text: ref + ` is deleted(?: in the (foreground|background))?`,
		Description: "Deletes the object, with that propagation policy or without one, and fails if the API server does not accept it. " +
			"It does not wait until the object no longer exists.",
		Example: `When Deployment "web" is deleted in the foreground`,
		Step:    func(w *World) any { return w.isDeleted },
	},
}

func (w *World) isCreated(ctx context.Context, kind, name, replicas string) error {
	return w.isCreatedWith(ctx, kind, name, replicas, nil)
}

func (w *World) isCreatedWith(ctx context.Context, kind, name, replicas string, table *godog.Table) error {
	w.stimulus()
	object, err := w.manifest(ctx, kind, name, replicas, table)
	if err != nil {
		return err
	}
	path, err := w.path(kind, "", "")
	if err != nil {
		return err
	}
	if _, err := w.demand(ctx, request{method: "POST", path: path, body: object}); err != nil {
		return err
	}
	w.made.Insert(kind + "/" + name)
	if chain.KindOf(kind).ClusterScoped {
		w.cleanup = append(w.cleanup, func(ctx context.Context) error { return w.deleteByName(ctx, kind, name) })
	}
	return nil
}

func (w *World) deleteByName(ctx context.Context, kind, name string) error {
	deletion, err := w.deletion(kind, w.real(kind, name), nil)
	if err != nil {
		return err
	}
	got, err := w.send(ctx, deletion)
	if err == nil && got.code >= 300 && got.code != 404 {
		err = fmt.Errorf("cannot remove what the scenario created: %s", got)
	}
	return err
}

func (w *World) isApplied(ctx context.Context, kind, name, replicas string) error {
	w.stimulus()
	object, err := w.manifest(ctx, kind, name, replicas, nil)
	if err != nil {
		return err
	}
	path, err := w.path(kind, w.real(kind, name), "")
	if err != nil {
		return err
	}
	_, err = w.demand(ctx, request{method: "PATCH", path: path, body: object,
		contentType: patchTypes["apply"], query: url.Values{"fieldManager": {"podchain"}}})
	w.made.Insert(kind + "/" + name)
	return err
}

func (w *World) theseAreCreated(ctx context.Context, kind string, table *godog.Table) error {
	return each(table, func(name string, fields *godog.Table) error {
		return w.isCreatedWith(ctx, kind, name, "", fields)
	})
}

func (w *World) areCreatedAtTheSameTimeWith(ctx context.Context, count, kind, replicas string, table *godog.Table) error {
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

func (w *World) isModifiedWith(ctx context.Context, subresource, text string, table *godog.Table) error {
	object, err := w.object(ctx, text)
	if err != nil {
		return err
	}
	w.stimulus()
	patch, err := w.fieldPatch(ctx, object, table)
	if err != nil {
		return err
	}
	path, err := w.path(object.GetKind(), object.GetName(), subresource)
	if err != nil {
		return err
	}
	way := "merge patch"
	if subresource == "status" {
		// Conditions merge by type: those of others stay.
		way = "strategic merge patch"
	}
	_, err = w.demand(ctx, request{method: "PATCH", path: path, body: patch, contentType: patchTypes[way]})
	return err
}

func (w *World) isDeleted(ctx context.Context, text, policy string) error {
	object, err := w.object(ctx, text)
	if err != nil {
		return err
	}
	w.stimulus()
	options := deleteOptions()
	if policy != "" {
		options["propagationPolicy"] = strings.ToUpper(policy[:1]) + policy[1:]
	}
	deletion, err := w.deletion(object.GetKind(), object.GetName(), options)
	if err != nil {
		return err
	}
	_, err = w.demand(ctx, deletion)
	return err
}

func deleteOptions() map[string]any {
	return map[string]any{"apiVersion": "v1", "kind": "DeleteOptions"}
}

// deletion is the request that deletes an object.
func (w *World) deletion(kind, name string, options map[string]any) (request, error) {
	path, err := w.path(kind, name, "")
	return request{method: "DELETE", path: path, body: options}, err
}
