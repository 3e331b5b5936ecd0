package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/objects"
)

var workloadSentences = []Sentence{
	{
		text: object + replicas + ` is ready`,
		Description: "Waits until the object is ready: a controller has observed its present generation and all its Pods are available; " +
			"a Pod or Node has the condition Ready, a Job the condition Complete. Before a Then, it creates the object first unless the scenario has.",
		Example: `Given Deployment "web" with 3 replicas is ready`,
		Step:    func(w *World) any { return w.isReady },
	},
	{
		text:        object + replicas + ` is ready with`,
		Description: "As “is ready”; the object is created with the fields of the table set.",
		Example: `Given Deployment "web" with 2 replicas is ready with:
  | field              | value    |
  | spec.strategy.type | Recreate |`,
		Table: fieldsToSet,
		Step:  func(w *World) any { return w.isReadyWith },
	},
	{
		text: ref + ` is scaled to ` + count + ` replicas?(?: by ([A-Za-z ]+))?`,
		Description: "Sets spec.replicas, and fails if the API server does not accept it: by a merge patch, or by JSON patch, strategic merge " +
			"patch, apply, PUT, or scale (the subresource).",
		Example: `When Deployment "web" is scaled to 5 replicas by PUT`,
		Step:    func(w *World) any { return w.isScaledTo },
	},
	{
		text: `the readiness gate of ` + ref + ` is set to (True|False)`,
		Description: "Waits until the Pod exists, and sets the condition " + readinessGate + " in its status. A Pod whose " +
			"spec.readinessGates names it is ready exactly when the scenario says so.",
		Example: `When the readiness gate of Pod "a" is set to True`,
		Step:    func(w *World) any { return w.readinessGateIsSetTo },
	},
	{
		text: `the readiness gates of (?:the|` + count + `) Pods? of ` + ref + ` are set to (True|False)`,
		Description: "Waits until the owner has as many active Pods as it asks for, and sets the readiness gate of all of them, or of that " +
			"many whose gate has another value.",
		Example: `When the readiness gates of 2 Pods of Deployment "web" are set to True`,
		Step:    func(w *World) any { return w.readinessGatesAreSetTo },
	},
}

func (w *World) isReady(ctx context.Context, kind, name, replicas string) error {
	return w.isReadyWith(ctx, kind, name, replicas, nil)
}

// isReadyWith waits until the object is ready. As something given, the object is
// made first unless the scenario has done so already.
func (w *World) isReadyWith(ctx context.Context, kind, name, replicas string, table *godog.Table) error {
	if !w.outcome && !w.made.Has(kind+"/"+name) && kind != "Node" {
		if err := w.isCreatedWith(ctx, kind, name, replicas, table); err != nil {
			return err
		}
	}
	return w.awaitReady(ctx, fmt.Sprintf("%s %q", kind, name))
}

// awaitReady waits until the object does what was asked for.
func (w *World) awaitReady(ctx context.Context, text string) error {
	var found reference
	if err := w.await(ctx, text+" to be ready", func(record history.Record) (err error) {
		if found, err = w.find(record, text); err != nil {
			return err
		}
		object := found.live(record)
		if object == nil {
			return errors.New("it does not exist")
		}
		return chain.Unready(object)
	}); err != nil {
		return err
	}
	// What the watches of other kinds bring of it may come a moment later.
	for _, kind := range chain.Family(found.kind) {
		if err := w.awaitListed(ctx, kind.Name); err != nil {
			return err
		}
	}
	return w.awaitRecorded(ctx)
}

// isScaledTo changes the number of replicas, in one of the ways there are to
// write it (SCALE-01).
func (w *World) isScaledTo(ctx context.Context, text, replicas, way string) error {
	object, err := w.object(ctx, text)
	if err != nil {
		return err
	}
	count, err := strconv.ParseInt(replicas, 10, 32)
	if err != nil {
		return CouldNotRun{err}
	}
	w.stimulus()
	way = cmp.Or(way, "merge patch")
	spec := map[string]any{"spec": map[string]any{"replicas": count}}
	path, err := w.path(object.GetKind(), object.GetName(), "")
	if err != nil {
		return err
	}
	change := request{method: "PATCH", path: path, body: spec, contentType: patchTypes[way]}
	switch way {
	case "PUT":
		return w.putReplicas(ctx, path, count)
	case "JSON patch":
		change.body = []any{map[string]any{"op": "replace", "path": "/spec/replicas", "value": count}}
	case "apply":
		spec["apiVersion"], spec["kind"] = object.GetAPIVersion(), object.GetKind()
		spec["metadata"] = map[string]any{"name": object.GetName()}
		change.query = url.Values{"fieldManager": {"podchain"}, "force": {"true"}}
	case "scale":
		change.path, change.contentType = path+"/scale", patchTypes["merge patch"]
	case "merge patch", "strategic merge patch":
	default:
		return CouldNotRun{fmt.Errorf("%q is not a way to modify an object", way)}
	}
	_, err = w.demand(ctx, change)
	return err
}

// putReplicas reads, changes and writes, and again after a conflict
// (API-UPDATE-03).
func (w *World) putReplicas(ctx context.Context, path string, count int64) error {
	for {
		got, err := w.demand(ctx, request{method: "GET", path: path})
		if err != nil {
			return err
		}
		if err := unstructured.SetNestedField(got.body, count, "spec", "replicas"); err != nil {
			return CouldNotRun{err}
		}
		put, err := w.send(ctx, request{method: "PUT", path: path, body: got.body})
		if err != nil || put.code == 200 {
			return err
		}
		if put.code != 409 {
			return fmt.Errorf("the api-server refused it: %s", put)
		}
	}
}

// readinessGate is the readiness gate that the suite itself sets: a Pod is
// ready exactly when a scenario says so, on any implementation.
const readinessGate = "podchain.dev/gate"

func (w *World) readinessGateIsSetTo(ctx context.Context, text, status string) error {
	pod, err := w.object(ctx, text)
	if err != nil {
		return err
	}
	w.stimulus()
	return w.setGate(ctx, pod, status)
}

func (w *World) readinessGatesAreSetTo(ctx context.Context, count, owner, status string) error {
	want := 0
	if count != "" {
		var err error
		if want, err = number(count); err != nil {
			return err
		}
	}
	var pods []*unstructured.Unstructured
	err := w.await(ctx, owner+" to have Pods whose readiness gate is not "+status, func(record history.Record) error {
		active, err := w.activePods(record, owner)
		if err != nil {
			return err
		}
		pods = slices.DeleteFunc(slices.Clone(active), func(pod *unstructured.Unstructured) bool {
			return objects.Condition(pod, readinessGate) == status
		})
		switch asked := w.asked(record, owner); {
		case len(active) < asked:
			return fmt.Errorf("it has %d of %d Pods", len(active), asked)
		case len(pods) < want:
			return fmt.Errorf("%d of %d Pods match", len(pods), want)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if count != "" {
		pods = pods[:want]
	}
	w.stimulus()
	for _, pod := range pods {
		if err := w.setGate(ctx, pod, status); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) setGate(ctx context.Context, pod *unstructured.Unstructured, status string) error {
	path, err := w.path("Pod", pod.GetName(), "status")
	if err != nil {
		return err
	}
	condition := map[string]any{"type": readinessGate, "status": status,
		"lastTransitionTime": time.Now().UTC().Format(time.RFC3339)}
	_, err = w.demand(ctx, request{method: "PATCH", path: path, contentType: patchTypes["strategic merge patch"],
		body: map[string]any{"status": map[string]any{"conditions": []any{condition}}}})
	return err
}
