package diagnosis

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
)

// Recording returns as events what was observed in a namespace of a cluster: what was
// written and who was notified of it, and what runtimes were called for. Times are from
// when it began.
func Recording(ctx context.Context, cluster implementation.Cluster, record history.Record, namespace string, began time.Time) (writes []events.Write, calls []events.Call, err error) {
	attribution, err := Known(ctx, cluster)
	if err != nil {
		return nil, nil, err
	}
	if watched, ok := implementation.As[implementation.WatchObserver](cluster); ok {
		notices, err := watched.Notices(ctx)
		if err != nil {
			return nil, nil, err
		}
		attribution.Notify(notices)
	}
	if runtime, ok := implementation.As[implementation.Runtime](cluster); ok {
		all, err := runtime.Calls(ctx)
		if err != nil {
			return nil, nil, err
		}
		calls = callsFor(all, namespace, began)
	}
	writes, err = writesOf(record, attribution, began)
	return writes, calls, err
}

// writesOf returns every version of the record as an event, with times from when the
// scenario began: the first of an object whole, the others by what has changed.
// Leases and the nodes of other scenarios are left out.
func writesOf(record history.Record, attribution Attribution, began time.Time) ([]events.Write, error) {
	var all []events.Write
	known := map[types.UID][]byte{}
	for _, version := range record.All() {
		object := version.Object
		if object.GetKind() == "Lease" || object.GetKind() == "Node" && isOthers(record, object) {
			continue
		}
		write := events.Write{
			Number: version.Seq, At: version.At.Sub(began).Seconds(), Type: string(version.Type), Kind: object.GetKind(),
			Namespace: object.GetNamespace(), Name: object.GetName(),
			UID: string(object.GetUID()), ResourceVersion: object.GetResourceVersion(),
		}
		if made, ok := attribution.Of(record, version); ok {
			answered := made.Time.Sub(began).Seconds()
			write.Writer, write.Subresource, write.Answered = string(made.Link), made.Subresource, &answered
		} else {
			write.Writer, write.Subresource = manager(record, version)
		}
		for _, notice := range attribution.Notified(version) {
			write.Notified = append(write.Notified, events.Notice{Link: string(notice.Link), At: notice.Time.Sub(began).Seconds()})
		}
		now, err := json.Marshal(plain(object))
		if err == nil {
			if before := known[object.GetUID()]; before == nil {
				write.Object = now
			} else {
				write.Patch, err = jsonpatch.CreateMergePatch(before, now)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", history.Describe(version), err)
		}
		known[object.GetUID()] = now
		all = append(all, write)
	}
	return all, nil
}

// callsFor returns as events those that were for the Pods of a namespace.
func callsFor(calls []implementation.Call, namespace string, began time.Time) []events.Call {
	var all []events.Call
	for _, call := range calls {
		if call.PodName == "" || call.PodNamespace != namespace {
			continue
		}
		all = append(all, events.Call{At: call.Time.Sub(began).Seconds(), Node: call.Node, Method: call.Method,
			Pod: call.PodName, Container: call.Container, Image: call.Image, Error: call.Error})
	}
	return all
}

// manager is the field manager that the object names as the writer of a version.
func manager(record history.Record, version history.Version) (who, subresource string) {
	if version.Type == watch.Deleted {
		return "", ""
	}
	who, rest, _ := strings.Cut(Writer(record, version), " (")
	return who, strings.TrimSuffix(rest, ")")
}

// plain is an object without the bookkeeping of its managers.
func plain(object *unstructured.Unstructured) map[string]any {
	object = object.DeepCopy()
	object.SetManagedFields(nil)
	return object.Object
}
