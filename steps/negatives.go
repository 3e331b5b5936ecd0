package steps

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/history"
)

// witnessPattern is how a sentence names its witness: something of the same
// kind that does get the effect, which proves that the link had the chance.
var witnessPattern = regexp.MustCompile(`^a new (Deployment|ReplicaSet|StatefulSet|DaemonSet|Pod) (gets a (\w+)|is bound|runs|is ready)$`)

// witness makes the sentinel and waits for its effect. Without the effect the
// sentence could not be judged.
func (w *World) witness(ctx context.Context, text string) error {
	match := witnessPattern.FindStringSubmatch(text)
	if match == nil {
		return CouldNotRun{fmt.Errorf("%q is no witness", text)}
	}
	kind, effect, child := match[1], match[2], match[3]
	mark := w.mark
	name := fmt.Sprintf("witness-%d", w.History.Now().Len())
	replicas := ""
	if child == "ReplicaSet" {
		replicas = "0" // it needs no Pods for that
	}
	if err := w.create(ctx, kind, name, replicas, nil); err != nil {
		return CouldNotRun{fmt.Errorf("the witness could not be made: %w", err)}
	}
	w.mark = mark
	subject := fmt.Sprintf("%s %q", kind, name)
	err := w.await(ctx, "the witness, "+text, func(record history.Record) error {
		found, err := w.find(record, subject)
		if err != nil {
			return err
		}
		object := found.live(record)
		if object == nil {
			return fmt.Errorf("it has not appeared")
		}
		switch effect {
		case "is bound":
			if history.Text(object, "spec", "nodeName") == "" {
				return fmt.Errorf("it has no node")
			}
		case "runs":
			if phase := history.Text(object, "status", "phase"); phase != "Running" {
				return fmt.Errorf("its phase is %s", phase)
			}
		case "is ready":
			return readiness(object)
		default:
			children, err := w.children(record, child, subject)
			if err != nil {
				return err
			}
			if len(children) == 0 {
				return fmt.Errorf("it has no %s", child)
			}
		}
		return nil
	})
	if err != nil {
		return CouldNotRun{fmt.Errorf("without its witness the sentence proves nothing: %w", err)}
	}
	return w.settle(ctx)
}

// chance gives the links the chance to do what they must not: a witness, or a
// number of seconds after from.
func (w *World) chance(ctx context.Context, witness string, from time.Time, seconds string) error {
	if witness != "" {
		return w.witness(ctx, witness)
	}
	if err := w.pass(ctx, from, seconds); err != nil {
		return err
	}
	return w.settle(ctx)
}

// noneAppears demands that since the last stimulus no object of the kind has
// appeared that the owner controls, although there was the chance.
func (w *World) noneAppears(ctx context.Context, kind, owner, witness, seconds string) error {
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

// nothingChanges demands that since the last stimulus neither the object nor
// anything that it controls was written.
func (w *World) nothingChanges(ctx context.Context, text, witness, seconds string) error {
	if err := w.settle(ctx); err != nil {
		return err
	}
	record := w.History.Now()
	from := record.Len()
	if witness != "" {
		// The stimulus itself is to have changed nothing.
		from = w.mark
	}
	if err := w.chance(ctx, witness, time.Now(), seconds); err != nil {
		return err
	}
	record = w.History.Now()
	family, err := w.family(record, text)
	if err != nil {
		return err
	}
	for _, version := range record.Since(from) {
		if version.Seq == record.ByUID(version.Object.GetUID())[0].Seq && w.madeByStimulus(record, text, version) {
			continue
		}
		if family[version.Object.GetUID()] {
			return &Wrong{version, fmt.Errorf("expected nothing of %s to change: %s", text, w.difference(record, version))}
		}
	}
	return nil
}

// madeByStimulus says that a version is the first of the object that the last
// stimulus itself has made.
func (w *World) madeByStimulus(record history.Record, text string, version history.Version) bool {
	subject, err := w.find(record, text)
	return err == nil && subject.accepts(version.Object) && len(subject.versions(record.Until(w.mark))) == 0
}

// family returns the object and everything that it controls.
func (w *World) family(record history.Record, text string) (map[types.UID]bool, error) {
	subject, err := w.find(record, text)
	if err != nil {
		return nil, err
	}
	family := map[types.UID]bool{}
	for _, version := range subject.versions(record) {
		family[version.Object.GetUID()] = true
	}
	for grown := true; grown; {
		grown = false
		for _, version := range record.All() {
			if uid := version.Object.GetUID(); !family[uid] && family[history.Controller(version.Object)] {
				family[uid], grown = true, true
			}
		}
	}
	return family, nil
}

// difference describes a version by what it changed.
func (w *World) difference(record history.Record, version history.Version) string {
	versions := record.Until(version.Seq - 1).ByUID(version.Object.GetUID())
	if len(versions) == 0 {
		return history.Describe(version)
	}
	return history.Describe(version) + "\n" + history.Diff(versions[len(versions)-1].Object, version.Object)
}

// noVersion demands that no version so far is as all rows of the table say.
func (w *World) noVersion(ctx context.Context, kind, text string, table *godog.Table) error {
	expected, err := w.expectations(ctx, table)
	if err != nil {
		return err
	}
	versions, err := w.judged(ctx, kind, text)
	if err != nil {
		return err
	}
	record := w.History.Now()
	for _, version := range versions {
		if version.Type != watch.Deleted && w.check(record, nil, version.Object, expected) == nil {
			return &Wrong{version, fmt.Errorf("%s is as the table says no version may be", history.Describe(version))}
		}
	}
	return nil
}

// judged returns, at rest, the versions of an object, or (with a kind) of all
// its objects of that kind. Nothing to look at is no verdict.
func (w *World) judged(ctx context.Context, kind, text string) ([]history.Version, error) {
	if _, err := w.resolve(ctx, text); err != nil {
		return nil, err
	}
	if err := w.settle(ctx); err != nil {
		return nil, err
	}
	record := w.History.Now()
	var versions []history.Version
	if kind == "" {
		subject, err := w.find(record, text)
		if err != nil {
			return nil, err
		}
		versions = subject.versions(record)
	} else {
		children, err := w.children(record, kind, text)
		if err != nil {
			return nil, err
		}
		for _, child := range children {
			versions = append(versions, record.ByUID(child.GetUID())...)
		}
	}
	if len(versions) == 0 {
		return nil, CouldNotRun{fmt.Errorf("there is no version to look at: the sentence would prove nothing")}
	}
	return versions, nil
}

// firstVersion demands that the first version of the object, or of each of its
// objects of a kind, is as the table says.
func (w *World) firstVersion(ctx context.Context, kind, text string, table *godog.Table) error {
	expected, err := w.expectations(ctx, table)
	if err != nil {
		return err
	}
	versions, err := w.judged(ctx, kind, text)
	if err != nil {
		return err
	}
	record := w.History.Now()
	seen := map[types.UID]bool{}
	for _, version := range versions {
		if uid := version.Object.GetUID(); !seen[uid] {
			seen[uid] = true
			if err := w.check(record, nil, version.Object, expected); err != nil {
				return fmt.Errorf("%s: %w", history.Describe(version), err)
			}
		}
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

// neverMoreActive demands an upper bound on active Pods, at every moment.
func (w *World) neverMoreActive(ctx context.Context, owner, limit string) error {
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

// neverAskForMore demands an upper bound on the sum of spec.replicas over the
// owner's ReplicaSets (ROLLOUT-02).
func (w *World) neverAskForMore(ctx context.Context, owner, limit string) error {
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
