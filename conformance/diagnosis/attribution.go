package diagnosis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/objects"
)

// Attribution knows which link has written what, from what the taps have seen.
// The zero value knows nothing: then what the objects themselves say has to do.
type Attribution struct {
	versions map[stored]implementation.Write
	// deletions and bindings are answered with no object, so they have no version.
	deletions map[stored]implementation.Write
	bindings  map[stored]implementation.Write
	disturbed []implementation.Write
	notices   map[stored][]implementation.Notice
}

// stored names an object, or one version of it.
type stored struct{ resource, namespace, name, version string }

// Known is what the taps of a cluster know, if it has any.
func Known(ctx context.Context, cluster implementation.Cluster) (Attribution, error) {
	faults, ok := implementation.As[implementation.Faults](cluster)
	if !ok {
		return Attribution{}, nil
	}
	writes, err := faults.Writes(ctx)
	return Attribute(writes), err
}

// Attribute sorts the writes of links.
func Attribute(writes []implementation.Write) Attribution {
	a := Attribution{
		versions:  map[stored]implementation.Write{},
		deletions: map[stored]implementation.Write{}, bindings: map[stored]implementation.Write{},
	}
	for _, write := range writes {
		if write.Fault != "" {
			a.disturbed = append(a.disturbed, write)
		}
		object := stored{resource: write.Resource, namespace: write.Namespace, name: write.Name}
		switch {
		case !write.Succeeded():
		case write.Verb == "delete":
			a.deletions[object] = write
		case write.Subresource == "binding":
			a.bindings[object] = write
		case write.ResourceVersion != "":
			object.version = write.ResourceVersion
			if _, known := a.versions[object]; !known {
				a.versions[object] = write
			}
		}
	}
	return a
}

// Notify adds what the links were notified of.
func (a *Attribution) Notify(notices []implementation.Notice) {
	a.notices = map[stored][]implementation.Notice{}
	for _, notice := range notices {
		version := stored{notice.Resource, notice.Namespace, notice.Name, notice.ResourceVersion}
		a.notices[version] = append(a.notices[version], notice)
	}
}

// Notified returns the first notice of a version that each link got; clients that are
// not links are left out.
func (a Attribution) Notified(version history.Version) []implementation.Notice {
	var first []implementation.Notice
	for _, notice := range a.notices[storedVersion(version)] {
		again := slices.ContainsFunc(first, func(earlier implementation.Notice) bool { return earlier.Link == notice.Link })
		if !again && slices.Contains(chain.AllLinks, notice.Link) {
			first = append(first, notice)
		}
	}
	return first
}

// storedVersion names a version.
func storedVersion(version history.Version) stored {
	object := version.Object
	resource, _ := meta.UnsafeGuessKindToResource(object.GroupVersionKind())
	return stored{resource.Resource, object.GetNamespace(), object.GetName(), object.GetResourceVersion()}
}

// Of returns the write that made a version, if it is known that a link made it.
func (a Attribution) Of(record history.Record, version history.Version) (write implementation.Write, known bool) {
	object := version.Object
	exact := storedVersion(version)
	name := exact
	name.version = ""
	if version.Type == watch.Deleted {
		write, known = a.deletions[name]
		return write, known
	}
	earlier := record.Until(version.Seq - 1).ByUID(object.GetUID())
	if write, known = a.versions[exact]; known {
		// A write that changes nothing is answered with the same version.
		return write, len(earlier) > 0 || write.Verb == "create"
	}
	if len(earlier) > 0 && objects.Text(object, "spec", "nodeName") != objects.Text(earlier[len(earlier)-1].Object, "spec", "nodeName") {
		write, known = a.bindings[name]
	}
	return write, known
}

// WriterOf returns the write that gave the object the value that it has in a
// field, if it is known that a link did. The initial status of an object does not
// come from its creator.
func (a Attribution) WriterOf(record history.Record, object *unstructured.Unstructured, name string) (write implementation.Write, known bool) {
	path, err := field.ParsePath(name)
	if err != nil {
		return write, false
	}
	versions := record.ByUID(object.GetUID())
	at := slices.IndexFunc(versions, func(version history.Version) bool {
		return version.Object.GetResourceVersion() == object.GetResourceVersion()
	})
	if at < 0 {
		return write, false
	}
	value, found := path.Get(versions[at].Object.Object)
	if !found {
		return write, false
	}
	for at > 0 {
		before, _ := path.Get(versions[at-1].Object.Object)
		if !equality.Semantic.DeepEqual(before, value) {
			break
		}
		at--
	}
	if at == 0 && chain.Within(name, "status") {
		return write, false
	}
	return a.Of(record, versions[at])
}

// Writer returns the writer of a version: the link, where the taps know it, and
// otherwise the one that the object names.
func (a Attribution) Writer(record history.Record, version history.Version) string {
	write, known := a.Of(record, version)
	if !known {
		return Writer(record, version)
	}
	who := string(write.Link)
	switch {
	case version.Type == watch.Deleted:
		who = "a deletion by " + who
	case write.Subresource != "":
		who += " (" + write.Subresource + ")"
	}
	if write.Fault != "" {
		who += ", disturbed: " + string(write.Fault)
	}
	return who
}

// Disturbed returns a line for each request in the namespace, or in none, that
// met a fault after the record began, at most count, the last ones.
func (a Attribution) Disturbed(namespace string, since time.Time, count int) []string {
	var lines []string
	for _, write := range a.disturbed {
		if write.Namespace != "" && write.Namespace != namespace || write.Time.Before(since) {
			continue
		}
		what := strings.Trim(write.Resource+"/"+write.Subresource, "/")
		answer := "not answered"
		if write.Code != 0 {
			answer = fmt.Sprintf("answered %d", write.Code)
		}
		lines = append(lines, strings.Join(strings.Fields(fmt.Sprintf("%9s  %s of the %s: %s %s, %s",
			write.Time.Sub(since).Round(time.Millisecond), write.Fault, write.Link, write.Verb, what+" "+write.Name, answer)), " "))
	}
	return lines[max(0, len(lines)-count):]
}
