package steps

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/runresources"
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
	if kinds[kind].cluster {
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

// makeReady waits until the object is ready. As something given, the object is
// made first unless the scenario has done so already.
func (w *World) makeReady(ctx context.Context, kind, name, replicas string, table *godog.Table) error {
	if !w.outcome && !w.made.Has(kind+"/"+name) && kind != "Node" {
		if err := w.create(ctx, kind, name, replicas, table); err != nil {
			return err
		}
	}
	return w.isReady(ctx, fmt.Sprintf("%s %q", kind, name))
}

// isReady waits until the object does what was asked for.
func (w *World) isReady(ctx context.Context, text string) error {
	if err := w.await(ctx, text+" to be ready", func(record history.Record) error {
		found, err := w.find(record, text)
		if err != nil {
			return err
		}
		object := found.live(record)
		if object == nil {
			return errors.New("it does not exist")
		}
		return readiness(object)
	}); err != nil {
		return err
	}
	// What the watches of other kinds bring of it may come a moment later.
	for _, kind := range []string{"ReplicaSet", "Pod"} {
		if err := w.overtake(ctx, kind); err != nil {
			return err
		}
	}
	return w.catchUp(ctx)
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

// replicate changes the number of replicas, in one of the ways there are to
// write it (SCALE-01).
func (w *World) replicate(ctx context.Context, text, replicas, way string) error {
	object, err := w.object(ctx, text)
	if err != nil {
		return err
	}
	count, err := strconv.ParseInt(replicas, 10, 32)
	if err != nil {
		return CouldNotRun{err}
	}
	w.stimulus()
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
		return CouldNotRun{fmt.Errorf("%q is no way to modify an object", way)}
	}
	_, err = w.demand(ctx, change)
	return err
}

// putReplicas reads, changes and writes, and again if somebody else was faster
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

// bind plays the scheduler: it binds the Pod to a node, any ready one if none
// is named (SCHED-02).
func (w *World) bind(ctx context.Context, text, node string) error {
	pod, err := w.object(ctx, text)
	if err != nil {
		return err
	}
	if node == "" {
		if node, err = w.someNode(ctx); err != nil {
			return err
		}
	}
	w.stimulus()
	path, err := w.path("Pod", pod.GetName(), "binding")
	if err != nil {
		return err
	}
	if _, err = w.demand(ctx, request{method: "POST", path: path, body: binding(pod, node)}); err != nil {
		return err
	}
	return w.await(ctx, "the watchers to be notified of the binding", func(record history.Record) error {
		versions := record.ByUID(pod.GetUID())
		if len(versions) == 0 || history.Text(versions[len(versions)-1].Object, "spec", "nodeName") == "" {
			return errors.New("they were not")
		}
		return nil
	})
}

func binding(pod *unstructured.Unstructured, node string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "Binding",
		"metadata": map[string]any{"name": pod.GetName(), "uid": string(pod.GetUID())},
		"target":   map[string]any{"kind": "Node", "name": node},
	}
}

func (w *World) someNode(ctx context.Context) (name string, err error) {
	err = w.await(ctx, "a ready node", func(record history.Record) error {
		for _, node := range record.LiveOf("Node", w.usable) {
			if history.Condition(node, "Ready") == "True" {
				name = node.GetName()
				return nil
			}
		}
		return errors.New("there is none")
	})
	return name, err
}

// usable says whether a node is one on which the scenario's Pods may run: one that
// it brought, if it brought any, and none that another scenario did.
func (w *World) usable(node *unstructured.Unstructured) bool {
	if w.nodes.Len() == 0 {
		return node.GetLabels()[runresources.NodesLabel] == ""
	}
	return w.nodes.Has(node.GetName())
}

// goAheadCondition is the readiness gate that the suite itself opens: a Pod is
// ready exactly when a scenario says so, on any implementation.
const goAheadCondition = "podchain.dev/go-ahead"

// goAhead opens ("get") or closes ("lose") the readiness gate of a Pod, or of a
// number of its active Pods, all of them if number is "".
func (w *World) goAhead(ctx context.Context, number, text, verb string) error {
	status := "True"
	if strings.HasPrefix(verb, "lose") {
		status = "False"
	}
	want := -1
	if number != "" {
		parsed, err := strconv.Atoi(number)
		if err != nil {
			return CouldNotRun{err}
		}
		want = parsed
	}
	var pods []*unstructured.Unstructured
	err := w.await(ctx, text+" to have Pods that wait for it", func(record history.Record) error {
		active, err := w.gated(record, text)
		if err != nil {
			return err
		}
		pods = nil
		for _, pod := range active {
			if history.Condition(pod, goAheadCondition) != status {
				pods = append(pods, pod)
			}
		}
		switch asked := w.asked(record, text); {
		case len(active) < asked:
			return fmt.Errorf("%d of %d are there", len(active), asked)
		case len(pods) < want:
			return fmt.Errorf("%d of %d wait for it", len(pods), want)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if want >= 0 {
		pods = pods[:want]
	}
	w.stimulus()
	for _, pod := range pods {
		path, err := w.path("Pod", pod.GetName(), "status")
		if err != nil {
			return err
		}
		condition := map[string]any{"type": goAheadCondition, "status": status,
			"lastTransitionTime": time.Now().UTC().Format(time.RFC3339)}
		if _, err := w.demand(ctx, request{method: "PATCH", path: path,
			contentType: patchTypes["strategic merge patch"],
			body:        map[string]any{"status": map[string]any{"conditions": []any{condition}}}}); err != nil {
			return err
		}
	}
	return nil
}

// gated returns the Pods that a go-ahead is for: the Pod itself, or the active
// Pods of an owner.
func (w *World) gated(record history.Record, text string) ([]*unstructured.Unstructured, error) {
	found, err := w.find(record, text)
	if err != nil {
		return nil, err
	}
	if found.kind != "Pod" {
		return w.activePods(record, text)
	}
	pod := found.live(record)
	if pod == nil {
		return nil, errors.New("it does not exist")
	}
	return []*unstructured.Unstructured{pod}, nil
}

// stopLink and startLink disturb the chain (capability "links").
func (w *World) stopLink(ctx context.Context, name string) error {
	links, link, err := w.link(name)
	if err != nil {
		return err
	}
	w.stimulus()
	if !w.Stopped.Has(link) {
		w.Stopped.Insert(link)
		// Whatever becomes of the scenario, others are to find the link again.
		w.cleanup = append(w.cleanup, func(ctx context.Context) error {
			if !w.Stopped.Has(link) {
				return nil
			}
			return links.StartLink(ctx, link)
		})
	}
	return links.StopLink(ctx, link)
}

func (w *World) startLink(ctx context.Context, name string) error {
	links, link, err := w.link(name)
	if err != nil {
		return err
	}
	w.stimulus()
	w.Stopped.Delete(link)
	return links.StartLink(ctx, link)
}

func (w *World) link(name string) (implementation.Links, chain.Link, error) {
	link, err := chain.ParseLink(name)
	if err != nil {
		return nil, "", CouldNotRun{err}
	}
	links, err := implementation.Need[implementation.Links](w.Cluster)
	if err != nil {
		return nil, "", CouldNotRun{err}
	}
	return links, link, nil
}

// compact has the API server forget the past versions of everything (WATCH-09).
func (w *World) compact(ctx context.Context) error {
	compactor, err := implementation.Need[implementation.Compactor](w.Cluster)
	if err != nil {
		return CouldNotRun{err}
	}
	w.stimulus()
	return compactor.Compact(ctx)
}

// pass lets time go by, where a requirement is about time: until so many seconds after
// from.
func (w *World) pass(ctx context.Context, from time.Time, seconds string) error {
	number, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		return CouldNotRun{err}
	}
	timer := time.NewTimer(time.Until(from.Add(time.Duration(number * float64(time.Second)))))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
