package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cucumber/godog"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
)

// calm is how long nothing may be written for a cluster to count as at rest.
const calm = time.Second

// settle returns when the cluster is at rest, as far as the scenario sees:
// nothing in its namespace was written for a while since it has done something. Every
// observation that something did not happen is made then.
func (w *World) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	if settler, ok := implementation.As[implementation.Settler](w.Cluster); ok {
		if err := settler.Settle(ctx); err != nil {
			return err
		}
	}
	return w.History.Quiet(ctx, calm, w.acted, ofInterest)
}

// overtake returns when the watch of a kind has brought what the API server holds of
// it by now, on a cluster that cannot tell when it is at rest.
func (w *World) overtake(ctx context.Context, kind string) error {
	if _, ok := implementation.As[implementation.Settler](w.Cluster); ok {
		return nil
	}
	list, err := w.client.Resource(kinds[kind].GroupVersionResource).Namespace(w.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("cannot list %ss: %w", kind, err)
	}
	return w.await(ctx, "the watch of "+kind+"s to catch up", func(record history.Record) error {
		for i := range list.Items {
			if listed := &list.Items[i]; !record.Has(listed) {
				return fmt.Errorf("%s %q of resourceVersion %s has not arrived", kind, listed.GetName(), listed.GetResourceVersion())
			}
		}
		return nil
	})
}

// catchUp returns when everything that the links have done so far is recorded.
func (w *World) catchUp(ctx context.Context) error {
	if settler, ok := implementation.As[implementation.Settler](w.Cluster); ok {
		return settler.Settle(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	return w.History.Quiet(ctx, lag, time.Now(), ofInterest)
}

// lag is more than the watches of one cluster differ in what they have brought.
const lag = 50 * time.Millisecond

// ofInterest leaves out what is written all the time.
func ofInterest(version history.Version) bool {
	switch version.Object.GetKind() {
	case "Event", "Lease", "Node":
		return false
	}
	return true
}

// AwaitRest returns when the cluster is at rest, or has been given the time for
// it: a cluster that never comes to rest can be looked at too.
func (w *World) AwaitRest(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, restPatience)
	defer cancel()
	if w.endRecord != nil {
		_ = w.settle(ctx) // there is nothing to do about it
	}
}

// restPatience is how long evidence may be waited for.
const restPatience = 5 * time.Second

// has waits until a version of the object is as the table says: the present one
// when the last stimulus began, or any since. What holds for a moment only
// (a waiting reason, a condition in between) counts.
func (w *World) has(ctx context.Context, text string, table *godog.Table) error {
	expected, err := w.expectations(ctx, table)
	if err != nil {
		return err
	}
	return w.await(ctx, text+" to have "+field.Describe(expected), func(record history.Record) error {
		found, err := w.find(record, text)
		if err != nil {
			return err
		}
		return w.someVersion(record, found, expected)
	})
}

// someVersion returns nil if one of the versions that count is as expected, and
// otherwise what the last one lacks.
func (w *World) someVersion(record history.Record, subject reference, expected []field.Expectation) error {
	fault := errors.New("it does not exist")
	for _, version := range w.counting(subject.versions(record)) {
		if version.Type == watch.Deleted {
			fault = errors.New("it does not exist any more")
			continue
		}
		if fault = w.check(record, &subject, version.Object, expected); fault == nil {
			return nil
		}
	}
	return fault
}

// counting returns the versions since the last stimulus, with the one that it
// found.
func (w *World) counting(versions []history.Version) []history.Version {
	from := 0
	for i, version := range versions {
		if version.Seq <= w.mark {
			from = i
		}
	}
	return versions[from:]
}

// lastVersion compares the last version of an object, also of one that is gone.
func (w *World) lastVersion(ctx context.Context, text string, table *godog.Table) error {
	expected, err := w.expectations(ctx, table)
	if err != nil {
		return err
	}
	versions, err := w.judged(ctx, "", text)
	if err != nil {
		return err
	}
	return w.check(w.History.Now(), nil, versions[len(versions)-1].Object, expected)
}

// them returns what "each of them" refers to, as references.
func (w *World) them() ([]reference, error) {
	if w.group == nil {
		return nil, CouldNotRun{errors.New(`"them" refers to nothing: say which objects appear before`)}
	}
	return w.group, nil
}

// eachHas waits until every one of them is as the table says.
func (w *World) eachHas(ctx context.Context, table *godog.Table) error {
	return w.each(func(one reference) error {
		expected, err := w.expectations(ctx, table)
		if err != nil {
			return err
		}
		return w.await(ctx, one.text+" to have "+field.Describe(expected), func(record history.Record) error {
			return w.someVersion(record, one, expected)
		})
	})
}

// eachHasGot waits until every one of them controls as many objects of a kind,
// counting all that ever appeared, and demands that no further one follows.
func (w *World) eachHasGot(ctx context.Context, count, kind string) error {
	want, err := number(count)
	if err != nil {
		return err
	}
	exactly := func(record history.Record, owner reference) error {
		children, err := w.appeared(record, 0, kind, owner.text)
		switch {
		case err != nil:
			return err
		case len(children) > want:
			return history.Final{Err: fmt.Errorf("%s has got %d %ss, not %d: %s", owner.text, len(children), kind, want, names(children))}
		case len(children) < want:
			return fmt.Errorf("%s has got %d", owner.text, len(children))
		}
		return w.observed(record, owner.text)
	}
	if err := w.each(func(one reference) error {
		return w.await(ctx, fmt.Sprintf("%s %ss of %s", count, kind, one.text), func(record history.Record) error { return exactly(record, one) })
	}); err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	record := w.History.Now()
	return w.each(func(one reference) error { return exactly(record, one) })
}

func (w *World) each(check func(reference) error) error {
	group, err := w.them()
	if err != nil {
		return err
	}
	for _, one := range group {
		if err := check(one); err != nil {
			return err
		}
	}
	return nil
}

// keep waits until the object is as the table says, and then looks at every
// version of the given number of seconds.
func (w *World) keep(ctx context.Context, find func(history.Record) (reference, error), what, seconds string, table *godog.Table) error {
	expected, err := w.expectations(ctx, table)
	if err != nil {
		return err
	}
	var subject reference
	var from int
	holds := func(record history.Record) error {
		var err error
		if subject, err = find(record); err != nil {
			return err
		}
		object := subject.live(record)
		if object == nil {
			return errors.New("it does not exist")
		}
		from = record.Len()
		return w.check(record, &subject, object, expected)
	}
	if err := w.await(ctx, what+" to have "+field.Describe(expected), holds); err != nil {
		return err
	}
	if err := w.pass(ctx, time.Now(), seconds); err != nil {
		return err
	}
	record := w.History.Now()
	for _, version := range record.Since(from) {
		if !subject.accepts(version.Object) {
			continue
		}
		if version.Type == watch.Deleted {
			return &Wrong{version, fmt.Errorf("%s did not stay: it was deleted", what)}
		}
		if err := w.check(record, &subject, version.Object, expected); err != nil {
			return fmt.Errorf("%s did not stay so for %s s, %s: %w", what, seconds, history.Describe(version), err)
		}
	}
	return nil
}

func (w *World) keeps(ctx context.Context, text, seconds string, table *godog.Table) error {
	return w.keep(ctx, func(record history.Record) (reference, error) { return w.find(record, text) }, text, seconds, table)
}

func (w *World) eachKeeps(ctx context.Context, seconds string, table *godog.Table) error {
	return w.each(func(one reference) error {
		return w.keep(ctx, func(history.Record) (reference, error) { return one, nil }, one.text, seconds, table)
	})
}

// gone waits until the object does not exist any more.
func (w *World) gone(ctx context.Context, text string) error {
	return w.await(ctx, text+" to be gone", func(record history.Record) error {
		found, err := w.find(record, text)
		if err != nil {
			return err
		}
		versions := found.versions(record)
		if len(versions) == 0 {
			return fmt.Errorf("it has never been there")
		}
		if object := found.live(record); object != nil {
			if object.GetDeletionTimestamp() == nil {
				return errors.New("it is there, and nobody has deleted it")
			}
			return fmt.Errorf("it is there, deleted at %s, with the finalizers %v", object.GetDeletionTimestamp().UTC().Format(time.RFC3339), object.GetFinalizers())
		}
		return nil
	})
}

// number parses a count in a sentence.
func number(text string) (int, error) {
	count, err := strconv.Atoi(text)
	if err != nil {
		return 0, CouldNotRun{err}
	}
	return count, nil
}

// appear waits until exactly count objects of a kind have appeared that the
// owner controls, counted from the scenario's start or (more) from the last
// stimulus, and that no further one follows. They are "them" from then on.
func (w *World) appear(ctx context.Context, count, more, kind, owner string) error {
	want, err := number(count)
	if err != nil {
		return err
	}
	since := 0
	if more != "" {
		since = w.mark
	}
	what := fmt.Sprintf("%d %s%ss of %s", want, more, kind, owner)
	enough := func(record history.Record) error {
		children, err := w.appeared(record, since, kind, owner)
		if err != nil {
			return err
		}
		if len(children) > want {
			return history.Final{Err: fmt.Errorf("expected %s, %d have appeared: %s", what, len(children), names(children))}
		}
		if len(children) < want {
			return fmt.Errorf("%d have appeared: %s", len(children), names(children))
		}
		return w.observed(record, owner)
	}
	if err := w.await(ctx, what, enough); err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	record := w.History.Now()
	if err := enough(record); err != nil {
		return fmt.Errorf("expected %s: %w", what, err)
	}
	children, err := w.appeared(record, since, kind, owner)
	if err != nil {
		return err
	}
	w.group = []reference{}
	for _, object := range children {
		w.group = append(w.group, reference{text: fmt.Sprintf("%s %q", kind, object.GetName()), kind: kind, name: object.GetName(), uid: object.GetUID()})
	}
	return nil
}

// observed returns nil if the owner's controller has acted on its present spec:
// the witness for "there is no further one". Owners that report no
// observedGeneration have nothing to witness.
func (w *World) observed(record history.Record, owner string) error {
	found, err := w.find(record, owner)
	if err != nil {
		return err
	}
	object := found.live(record)
	if object == nil {
		return nil
	}
	if _, runsPods := counters[object.GetKind()]; !runsPods || w.Stopped.Len() > 0 || object.GetDeletionTimestamp() != nil {
		return nil
	}
	if observed := history.Int(object, "status", "observedGeneration"); observed < object.GetGeneration() {
		return fmt.Errorf("its controller has observed generation %d of %d", observed, object.GetGeneration())
	}
	return nil
}

// appeared returns the owner's objects of a kind whose first version is news
// after since.
func (w *World) appeared(record history.Record, since int, kind, owner string) ([]*unstructured.Unstructured, error) {
	if kind == "Event" {
		return w.events(record, since, owner)
	}
	children, err := w.children(record, kind, owner)
	if err != nil {
		return nil, err
	}
	first := map[types.UID]bool{}
	for _, version := range record.News(since) {
		if version.Type == watch.Added {
			first[version.Object.GetUID()] = true
		}
	}
	return slices.DeleteFunc(children, func(object *unstructured.Unstructured) bool { return !first[object.GetUID()] }), nil
}

func names(objects []*unstructured.Unstructured) string {
	if len(objects) == 0 {
		return "none"
	}
	var all []string
	for _, object := range objects {
		all = append(all, object.GetName())
	}
	return strings.Join(all, ", ")
}

// removed waits until exactly count of the owner's objects were told to go, or
// went, since the last stimulus.
func (w *World) removed(ctx context.Context, count, kind, owner string) error {
	want, err := number(count)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("%d %ss of %s to be removed", want, kind, owner)
	enough := func(record history.Record) error {
		leaving, err := w.leaving(record, kind, owner)
		if err != nil {
			return err
		}
		if len(leaving) > want {
			return history.Final{Err: fmt.Errorf("expected %s, %d were", what, len(leaving))}
		}
		if len(leaving) < want {
			return fmt.Errorf("%d were", len(leaving))
		}
		return w.observed(record, owner)
	}
	if err := w.await(ctx, what, enough); err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	return enough(w.History.Now())
}

func (w *World) leaving(record history.Record, kind, owner string) (map[types.UID]bool, error) {
	children, err := w.children(record, kind, owner)
	if err != nil {
		return nil, err
	}
	of := map[types.UID]bool{}
	for _, child := range children {
		of[child.GetUID()] = true
	}
	leaving := map[types.UID]bool{}
	for _, version := range record.News(w.mark) {
		if of[version.Object.GetUID()] && (version.Type == watch.Deleted || version.Object.GetDeletionTimestamp() != nil) {
			leaving[version.Object.GetUID()] = true
		}
	}
	return leaving, nil
}

// another waits for a replacement, and demands that it came before the picked
// one was gone.
func (w *World) another(ctx context.Context, kind, owner, picked string) error {
	var replacement history.Version
	err := w.await(ctx, "another "+kind+" of "+owner, func(record history.Record) error {
		children, err := w.appeared(record, w.mark, kind, owner)
		if err != nil {
			return err
		}
		if len(children) == 0 {
			return errors.New("none has appeared")
		}
		replacement = record.ByUID(children[0].GetUID())[0]
		return nil
	})
	if err != nil {
		return err
	}
	record := w.History.Now()
	old, err := w.find(record, picked)
	if err != nil {
		return err
	}
	for _, version := range old.versions(record) {
		if version.Type == watch.Deleted && version.Seq < replacement.Seq {
			return fmt.Errorf("%s was gone before %q appeared: nobody was to wait for its end", picked, replacement.Object.GetName())
		}
	}
	return nil
}

// distinct demands that no two of them have the same value in a field.
func (w *World) distinct(_ context.Context, fieldPath string) error {
	record := w.History.Now()
	seen := map[string]string{}
	return w.each(func(one reference) error {
		object := one.live(record)
		if object == nil {
			return fmt.Errorf("%s does not exist", one.text)
		}
		value, err := valueAt(object.Object, fieldPath)
		if err != nil {
			return err
		}
		key := field.Render(value)
		if other, taken := seen[key]; taken {
			return fmt.Errorf("%s and %s share %s: %s", other, one.text, fieldPath, key)
		}
		seen[key] = one.text
		return nil
	})
}
