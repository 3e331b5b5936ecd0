package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
)

var versionSentences = []Sentence{
	{
		text: ref + ` has`,
		Description: "Waits until a version of the object is as the table says: the one at the last change that the scenario made, or any " +
			"since. What holds only for a moment counts.",
		Example: `Then Deployment "web" has:
  | field                | value |
  | status.readyReplicas | 3     |`,
		Table: fieldsToCheck,
		Step:  func(w *World) any { return w.has },
	},
	{
		text:        `these ([A-Z]\w+?)s have`,
		Description: "Waits, row by row, until a version of the object is as the row says; the versions that count are those of “has”.",
		Example: `Then these Pods have:
  | name | spec.nodeName |
  | a    | n1            |
  | b    | absent        |`,
		Table: objectsToCheck,
		Step:  func(w *World) any { return w.theseHave },
	},
	{
		text:        ref + ` keeps for ` + count + ` seconds?`,
		Description: "Waits until the object is as the table says, and demands that every version of the following seconds is so, too.",
		Example: `Then Pod "a" keeps for 3 seconds:
  | field        | value   |
  | status.phase | Pending |`,
		Table: fieldsToCheck,
		Step:  func(w *World) any { return w.keepsForSeconds },
	},
	{
		text:        ref + ` no longer exists`,
		Description: "Waits until the object, which has existed, is removed from the API.",
		Example:     `Then the Pod of Deployment "web" no longer exists`,
		Step:        func(w *World) any { return w.noLongerExists },
	},
	{
		text: `no version of (?:a ([A-Z]\w+) of )?` + ref + ` has`,
		Description: "When the cluster is at rest, demands that no version so far, from the first one on, is as all rows of the table say. " +
			"With “a KIND of”, it looks at all objects of that kind which the object controls.",
		Example: `Then no version of a Pod of Deployment "web" has:
  | field        | value  |
  | status.phase | Failed |`,
		Table: fieldsToCheck,
		Step:  func(w *World) any { return w.noVersionHas },
	},
	{
		text:        `the first version of (?:a ([A-Z]\w+) of )?` + ref + ` has`,
		Description: "Demands that the object was as the table says when it was created, or each of the objects of that kind which it controls.",
		Example: `Then the first version of a Pod of Deployment "web" has:
  | field         | value  |
  | spec.nodeName | absent |`,
		Table: fieldsToCheck,
		Step:  func(w *World) any { return w.firstVersionHas },
	},
	{
		text:        `the last version of ` + ref + ` has`,
		Description: "When the cluster is at rest, demands that the last version of the object is as the table says, also if the object no longer exists.",
		Example: `Then the last version of Pod "a" has:
  | field        | value     |
  | status.phase | Succeeded |`,
		Table: fieldsToCheck,
		Step:  func(w *World) any { return w.lastVersionHas },
	},
	{
		text: `nothing of ` + ref + ` changes(?:, while (.+)| for ` + count + ` seconds)`,
		Description: "Demands that neither the object nor anything that it controls is written: with a witness, since the last change that the " +
			"scenario made and until the witness shows its effect; otherwise for that many seconds from now.",
		Example: `Then nothing of Deployment "web" changes, while a new Deployment gets a ReplicaSet`,
		Step:    func(w *World) any { return w.nothingOfChanges },
	},
	{
		text:        `each of them has`,
		Description: "As “has”, for each of the objects that appeared, or were created, in the last sentence about a number of objects.",
		Example: `And each of them has:
  | field                | value |
  | metadata.labels[app] | web   |`,
		Table: fieldsToCheck,
		Step:  func(w *World) any { return w.eachOfThemHas },
	},
	{
		text:        `each of them keeps for ` + count + ` seconds?`,
		Description: "As “keeps”, for each of them, one after the other.",
		Example: `And each of them keeps for 2 seconds:
  | field         | value  |
  | spec.nodeName | absent |`,
		Table: fieldsToCheck,
		Step:  func(w *World) any { return w.eachOfThemKeepsForSeconds },
	},
	{
		text:        `no two of them have the same (\S+)`,
		Description: "Demands that all of them exist, and that the field has a different value in each.",
		Example:     `And no two of them have the same spec.nodeName`,
		Step:        func(w *World) any { return w.noTwoOfThemHaveTheSame },
	},
}

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

// theseHave waits until each row is true of the object that it names.
func (w *World) theseHave(ctx context.Context, kind string, table *godog.Table) error {
	return each(table, func(name string, fields *godog.Table) error {
		return w.has(ctx, fmt.Sprintf("%s %q", kind, name), fields)
	})
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

func (w *World) keepsForSeconds(ctx context.Context, text, seconds string, table *godog.Table) error {
	return w.keep(ctx, func(record history.Record) (reference, error) { return w.find(record, text) }, text, seconds, table)
}

// noLongerExists waits until the object does not exist any more.
func (w *World) noLongerExists(ctx context.Context, text string) error {
	return w.await(ctx, text+" to be removed", func(record history.Record) error {
		found, err := w.find(record, text)
		if err != nil {
			return err
		}
		versions := found.versions(record)
		if len(versions) == 0 {
			return fmt.Errorf("it has never existed")
		}
		if object := found.live(record); object != nil {
			if object.GetDeletionTimestamp() == nil {
				return errors.New("it exists, and was not deleted")
			}
			return fmt.Errorf("it exists, was deleted at %s, and has the finalizers %v", object.GetDeletionTimestamp().UTC().Format(time.RFC3339), object.GetFinalizers())
		}
		return nil
	})
}

// noVersionHas demands that no version so far is as all rows of the table say.
func (w *World) noVersionHas(ctx context.Context, kind, text string, table *godog.Table) error {
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
			return &Wrong{version, fmt.Errorf("%s matches the table, which no version may", history.Describe(version))}
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

// firstVersionHas demands that the first version of the object, or of each of its
// objects of a kind, is as the table says.
func (w *World) firstVersionHas(ctx context.Context, kind, text string, table *godog.Table) error {
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

// lastVersionHas compares the last version of an object, also of one that no longer exists.
func (w *World) lastVersionHas(ctx context.Context, text string, table *godog.Table) error {
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

// nothingOfChanges demands that since the last stimulus neither the object nor
// anything that it controls was written.
func (w *World) nothingOfChanges(ctx context.Context, text, witness, seconds string) error {
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
	subject, err := w.find(record, text)
	if err != nil {
		return err
	}
	family := descendants(record, subject)
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

// difference describes a version by what it changed.
func (w *World) difference(record history.Record, version history.Version) string {
	versions := record.Until(version.Seq - 1).ByUID(version.Object.GetUID())
	if len(versions) == 0 {
		return history.Describe(version)
	}
	return history.Describe(version) + "\n" + history.Diff(versions[len(versions)-1].Object, version.Object)
}

// them returns what "each of them" refers to, as references.
func (w *World) them() ([]reference, error) {
	if w.group == nil {
		return nil, CouldNotRun{errors.New(`"them" refers to nothing: say which objects appear before`)}
	}
	return w.group, nil
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

// eachOfThemHas waits until every one of them is as the table says.
func (w *World) eachOfThemHas(ctx context.Context, table *godog.Table) error {
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

func (w *World) eachOfThemKeepsForSeconds(ctx context.Context, seconds string, table *godog.Table) error {
	return w.each(func(one reference) error {
		return w.keep(ctx, func(history.Record) (reference, error) { return one, nil }, one.text, seconds, table)
	})
}

// noTwoOfThemHaveTheSame demands that no two of them have the same value in a field.
func (w *World) noTwoOfThemHaveTheSame(_ context.Context, fieldPath string) error {
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
