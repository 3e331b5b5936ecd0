package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/history"
)

var dependentSentences = []Sentence{
	{
		text: count + ` (more )?([A-Z]\w+?)s? of ` + ref + ` appears?`,
		Description: "Waits until exactly that many objects of the kind have appeared which the owner controls, and demands that no further one " +
			"follows until the cluster is at rest. It counts from the start of the scenario, with “more” from the last change that the scenario made. They are “them” from then on.",
		Example: `Then 2 more Pods of Deployment "web" appear`,
		Step:    func(w *World) any { return w.appear },
	},
	{
		text: count + ` ([A-Z]\w+?)s? of each of them appears?`,
		Description: "Waits until exactly that many objects of the kind have appeared for each of them since the start of the scenario, and " +
			"demands that no further one follows until the cluster is at rest.",
		Example: `Then 1 ReplicaSet of each of them appears`,
		Step:    func(w *World) any { return w.ofEachOfThemAppear },
	},
	{
		text: count + ` ([A-Z]\w+?)s? of ` + ref + ` (?:is|are) removed`,
		Description: "Waits until exactly that many objects which the owner controls got a deletionTimestamp, or no longer exist, since the last " +
			"change that the scenario made, and demands that no further one follows until the cluster is at rest.",
		Example: `Then 2 Pods of ReplicaSet "web" are removed`,
		Step:    func(w *World) any { return w.areRemoved },
	},
	{
		text: `another ([A-Z]\w+) of ` + ref + ` appears while (that [A-Z]\w+) still exists`,
		Description: "Waits until a further object of the kind appears since the last change that the scenario made, and demands that the one " +
			"picked before still existed then.",
		Example: `Then another Pod of ReplicaSet "web" appears while that Pod still exists`,
		Step:    func(w *World) any { return w.anotherAppears },
	},
	{
		text: `no ([A-Z]\w+) of ` + ref + ` appears(?:, while (.+)| for ` + count + ` seconds)`,
		Description: "Demands that no object of the kind which the owner controls (or no Event about it) has appeared since the last change that " +
			"the scenario made: until a witness shows its effect, or for that many seconds.",
		Example: `Then no Pod of Deployment "web" appears, while a new Deployment gets a ReplicaSet`,
		Step:    func(w *World) any { return w.noKindAppears },
	},
	{
		text:        ref + ` never has more than ` + count + ` active Pods?`,
		Description: "When the cluster is at rest, demands that at no moment so far the object had more Pods that were neither finished nor being deleted.",
		Example:     `And Deployment "web" never has more than 4 active Pods`,
		Step:        func(w *World) any { return w.neverHasMoreActivePods },
	},
	{
		text:        `the ReplicaSets of ` + ref + ` never ask for more than ` + count + ` Pods in total`,
		Description: "When the cluster is at rest, demands that at no moment so far the sum of their spec.replicas was higher.",
		Example:     `And the ReplicaSets of Deployment "web" never ask for more than 4 Pods in total`,
		Step:        func(w *World) any { return w.neverAskForMorePods },
	},
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
	if len(chain.KindOf(object.GetKind()).Ready.Counters) == 0 || w.Stopped.Len() > 0 || object.GetDeletionTimestamp() != nil {
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
	for _, version := range record.WrittenAfter(since) {
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

// ofEachOfThemAppear waits until every one of them controls as many objects of a kind,
// counting all that ever appeared, and demands that no further one follows.
func (w *World) ofEachOfThemAppear(ctx context.Context, count, kind string) error {
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

// areRemoved waits until exactly count of the owner's objects were deleted, or
// removed, since the last stimulus.
func (w *World) areRemoved(ctx context.Context, count, kind, owner string) error {
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
	for _, version := range record.WrittenAfter(w.mark) {
		if of[version.Object.GetUID()] && (version.Type == watch.Deleted || version.Object.GetDeletionTimestamp() != nil) {
			leaving[version.Object.GetUID()] = true
		}
	}
	return leaving, nil
}

// anotherAppears waits for a replacement, and demands that it came before the picked
// one was removed.
func (w *World) anotherAppears(ctx context.Context, kind, owner, picked string) error {
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
			return fmt.Errorf("%s no longer existed when %q appeared: its controller waited for its end", picked, replacement.Object.GetName())
		}
	}
	return nil
}

// noKindAppears demands that since the last stimulus no object of the kind has
// appeared that the owner controls, although there was the chance.
func (w *World) noKindAppears(ctx context.Context, kind, owner, witness, seconds string) error {
	if err := w.chance(ctx, witness, w.acted, seconds); err != nil {
		return err
	}
	children, err := w.appeared(w.History.Now(), w.mark, kind, owner)
	if err != nil {
		return err
	}
	if len(children) > 0 {
		return fmt.Errorf("expected no %s of %s, %d have appeared: %s", kind, owner, len(children), names(children))
	}
	return nil
}

// bound looks at every moment of the record so far: a count over the live
// objects that the owner controls stays within a bound.
func (w *World) bound(ctx context.Context, kind, owner string, count func([]*unstructured.Unstructured) int, judge func(int) error) error {
	if err := w.settle(ctx); err != nil {
		return err
	}
	record := w.History.Now()
	children, err := w.children(record, kind, owner)
	if err != nil {
		return err
	}
	member := map[types.UID]bool{}
	for _, child := range children {
		member[child.GetUID()] = true
	}
	live := map[types.UID]*unstructured.Unstructured{}
	for _, version := range record.All() {
		uid := version.Object.GetUID()
		if !member[uid] {
			continue
		}
		live[uid] = version.Object
		if version.Type == watch.Deleted {
			delete(live, uid)
		}
		objects := make([]*unstructured.Unstructured, 0, len(live))
		for _, object := range live {
			objects = append(objects, object)
		}
		if err := judge(count(objects)); err != nil {
			return &Wrong{version, fmt.Errorf("%s: %w", history.Describe(version), err)}
		}
	}
	return nil
}

func countWhere(accept func(*unstructured.Unstructured) bool) func([]*unstructured.Unstructured) int {
	return func(objects []*unstructured.Unstructured) int {
		total := 0
		for _, object := range objects {
			if accept(object) {
				total++
			}
		}
		return total
	}
}

// neverHasMoreActivePods demands an upper bound on active Pods, at every moment.
func (w *World) neverHasMoreActivePods(ctx context.Context, owner, limit string) error {
	most, err := number(limit)
	if err != nil {
		return err
	}
	return w.bound(ctx, "Pod", owner, countWhere(history.Active), func(count int) error {
		if count > most {
			return fmt.Errorf("%s had %d active Pods, more than %d", owner, count, most)
		}
		return nil
	})
}

// neverAskForMorePods demands an upper bound on the sum of spec.replicas over the
// owner's ReplicaSets (ROLLOUT-02).
func (w *World) neverAskForMorePods(ctx context.Context, owner, limit string) error {
	most, err := number(limit)
	if err != nil {
		return err
	}
	sum := func(sets []*unstructured.Unstructured) int {
		total := 0
		for _, set := range sets {
			total += int(history.Int(set, "spec", "replicas"))
		}
		return total
	}
	return w.bound(ctx, "ReplicaSet", owner, sum, func(count int) error {
		if count > most {
			return fmt.Errorf("the ReplicaSets of %s asked for %d Pods together, more than %d", owner, count, most)
		}
		return nil
	})
}
