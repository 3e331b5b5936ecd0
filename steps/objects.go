package steps

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/chain"
)

// create POSTs the object and demands that it is stored.
func (w *World) create(ctx context.Context, kind, name, replicas string, table *godog.Table) error {
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
	path, err := w.path(kind, w.real(kind, name), "")
	if err != nil {
		return err
	}
	got, err := w.send(ctx, request{method: "DELETE", path: path})
	if err == nil && got.code >= 300 && got.code != 404 {
		err = fmt.Errorf("cannot remove what the scenario made: %s", got)
	}
	return err
}

// apply sends the manifest as a server-side apply, as the client "podchain".
func (w *World) apply(ctx context.Context, kind, name, replicas string, table *godog.Table) error {
	w.stimulus()
	object, err := w.manifest(ctx, kind, name, replicas, table)
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

// createThese makes an object of each row: its name, and what is in its fields.
func (w *World) createThese(ctx context.Context, kind string, table *godog.Table) error {
	return each(table, func(name string, fields *godog.Table) error {
		return w.create(ctx, kind, name, "", fields)
	})
}

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

// patchFields sends the fields of the table as a merge patch.
func (w *World) patchFields(ctx context.Context, text, subresource string, table *godog.Table) error {
	object, err := w.object(ctx, text)
	if err != nil {
		return err
	}
	w.stimulus()
	return w.patchObject(ctx, object, subresource, table)
}

func (w *World) patchObject(ctx context.Context, object *unstructured.Unstructured, subresource string, table *godog.Table) error {
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

// remove deletes an object with a propagation policy ("" for none named).
func (w *World) delete(ctx context.Context, text, policy string) error {
	object, err := w.object(ctx, text)
	if err != nil {
		return err
	}
	w.stimulus()
	path, err := w.path(object.GetKind(), object.GetName(), "")
	if err != nil {
		return err
	}
	options := map[string]any{"apiVersion": "v1", "kind": "DeleteOptions"}
	if policy != "" {
		options["propagationPolicy"] = policy
	}
	_, err = w.demand(ctx, request{method: "DELETE", path: path, body: options})
	return err
}
