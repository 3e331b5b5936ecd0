package steps

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/cucumber/godog"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/storehistory"
)

var storeSentences = []Sentence{
	{
		text:        `the store is watched from now on`,
		Description: "Begins a record of what is written to the store, on which the other sentences about it rely. The scenario needs the tag @needs-store.",
		Example:     `Given the store is watched from now on`,
		Step:        func(w *World) any { return w.storeIsWatched },
	},
	{
		text:        `the store holds`,
		Description: "Waits until every object of the table is in the store under its key.",
		Example: `Then the store holds:
  | object           | key                            |
  | Deployment "web" | deployments/{namespace}/{name} |`,
		Table: keysOfStore,
		Step:  func(w *World) any { return w.storeHolds },
	},
	{
		text: `the store holds ` + ref + ` at its resourceVersion`,
		Description: "When the cluster is at rest, demands that the key of the object was created at the revision that is the resourceVersion of its first " +
			"version, and last changed at that of its last one.",
		Example: `Then the store holds Deployment "web" at its resourceVersion`,
		Step:    func(w *World) any { return w.storeHoldsAtItsResourceVersion },
	},
	{
		text:        `the store created ` + ref + ` at the resourceVersion of the answer`,
		Description: "Waits until the store has created the key of the object at the revision that the last answer has as resourceVersion.",
		Example:     `Then the store created ConfigMap "a" at the resourceVersion of the answer`,
		Step:        func(w *World) any { return w.storeCreatedAtTheResourceVersion },
	},
	{
		text:        `the store no longer holds ` + ref,
		Description: "Waits until the key of the object is deleted from the store.",
		Example:     `Then the store no longer holds ConfigMap "a"`,
		Step:        func(w *World) any { return w.storeNoLongerHolds },
	},
	{
		text: `every change of these kinds in the store is a watch event of the same revision, and vice versa`,
		Description: "When the cluster is at rest, demands of each kind that the changes in the store since it is watched and the events of the API's watches " +
			"are the same, each at the same revision.",
		Example: `Then every change of these kinds in the store is a watch event of the same revision, and vice versa:
  | kind       |
  | Deployment |
  | Pod        |`,
		Table: kindsOfStore,
		Step:  func(w *World) any { return w.everyChangeIsWatchEvent },
	},
	{
		text: `nothing is written to the store for ` + ref + `, while a new ([A-Z]\w+) is`,
		Description: "Creates an object of the kind, waits until it is in the store, and demands that since the store is watched the key of the other object " +
			"was not written.",
		Example: `Then nothing is written to the store for ConfigMap "a", while a new ConfigMap is`,
		Step:    func(w *World) any { return w.nothingIsWrittenForWhile },
	},
	{
		text:        `nothing is written to the store for ` + count + ` seconds`,
		Description: "Demands that for that many seconds from now no key of the store is written, whichever it is. What the end of a lease removes does not count.",
		Example:     `Then nothing is written to the store for 5 seconds`,
		Step:        func(w *World) any { return w.nothingIsWrittenForSeconds },
	},
	{
		text:        `the store holds the Events about ` + ref + ` under a lease`,
		Description: "Demands that every Event recorded about the object is in the store with a lease, which removes it when it ends.",
		Example:     `Then the store holds the Events about Deployment "web" under a lease`,
		Step:        func(w *World) any { return w.storeHoldsTheEventsUnderLease },
	},
	{
		text:        `the store refuses clients without the API server's certificate`,
		Description: "Demands that the store answers the API server's certificate, and neither a client without one nor one with a certificate of the API's clients.",
		Example:     `Then the store refuses clients without the API server's certificate`,
		Step:        func(w *World) any { return w.storeRefusesClientsWithoutCertificate },
	},
}

// places are the kinds whose objects are not kept under the name of their resource
// (STORE-01).
var places = map[string]string{"Node": "minions", "Service": "services/specs"}

// folder returns what the keys of a kind's objects begin with, those that the
// scenario sees.
func (w *World) folder(kindName string) (string, error) {
	kind, err := kindOf(kindName)
	if err != nil {
		return "", CouldNotRun{err}
	}
	place := kind.Resource + "/"
	if other, found := places[kindName]; found {
		place = other + "/"
	}
	switch {
	case kind.ClusterScoped:
		return place, nil
	case kindName == "Lease":
		return place + nodeLeases + "/", nil
	}
	return place + w.Namespace + "/", nil
}

// key returns the key of the object that the words name.
func (w *World) key(ctx context.Context, text string) (string, reference, error) {
	subject, err := w.resolve(ctx, text)
	if err != nil {
		return "", subject, err
	}
	folder, err := w.folder(subject.kind)
	return folder + subject.name, subject, err
}

// access asks how the store is reached.
func (w *World) access(ctx context.Context) (implementation.StoreAccess, error) {
	store, err := implementation.Need[implementation.Store](w.Cluster)
	if err != nil {
		return implementation.StoreAccess{}, CouldNotRun{err}
	}
	access, err := store.StoreAccess(ctx)
	if err != nil {
		return access, CouldNotRun{fmt.Errorf("cannot reach the store: %w", err)}
	}
	return access, nil
}

// storeIsWatched begins the record of the store.
func (w *World) storeIsWatched(ctx context.Context) error {
	access, err := w.access(ctx)
	if err != nil {
		return err
	}
	if w.store, err = storehistory.Watch(ctx, access); err != nil {
		return CouldNotRun{fmt.Errorf("the store cannot be watched: %w", err)}
	}
	w.cleanup = append(w.cleanup, func(context.Context) error { return w.store.Close() })
	return nil
}

// awaitStore asks the record of the store until holds returns nil.
func (w *World) awaitStore(ctx context.Context, what string, holds func(storehistory.Record) error) error {
	if w.store == nil {
		return CouldNotRun{errors.New("the store is not watched: begin the watch before the stimulus")}
	}
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	return w.store.Await(ctx, what, holds)
}

// storeUpToNow returns the record of the store as of its present revision.
func (w *World) storeUpToNow(ctx context.Context) (record storehistory.Record, revision int64, err error) {
	if w.store == nil {
		return nil, 0, CouldNotRun{errors.New("the store is not watched: begin the watch before the stimulus")}
	}
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	if revision, err = w.store.Revision(ctx); err != nil {
		return nil, 0, err
	}
	record, err = w.store.Reach(ctx, revision)
	return record, revision, err
}

// storeHolds waits until every object of the table is in the store, under the key
// that stands beside it (STORE-01).
func (w *World) storeHolds(ctx context.Context, table *godog.Table) error {
	lines, err := rows(table)
	if err != nil {
		return err
	}
	for _, line := range lines {
		subject, err := w.resolve(ctx, line["object"])
		if err != nil {
			return err
		}
		key := strings.ReplaceAll(w.fill(line["key"]), "{name}", subject.name)
		err = w.awaitStore(ctx, key+" in the store", func(record storehistory.Record) error {
			return held(record.Of(key))
		})
		if err != nil {
			return fmt.Errorf("%s: %w", line["object"], err)
		}
	}
	return nil
}

// held returns nil if the last change of a key left something in the store.
func held(changes storehistory.Record) error {
	if len(changes) == 0 || changes[len(changes)-1].Deleted {
		return fmt.Errorf("the changes of the key are: %s", changes)
	}
	return nil
}

// storeNoLongerHolds waits until the key of the object is not in the store any more.
func (w *World) storeNoLongerHolds(ctx context.Context, text string) error {
	key, _, err := w.key(ctx, text)
	if err != nil {
		return err
	}
	return w.awaitStore(ctx, key+" to be removed from the store", func(record storehistory.Record) error {
		if changes := record.Of(key); len(changes) == 0 || held(changes) == nil {
			return fmt.Errorf("the changes of the key are: %s", changes)
		}
		return nil
	})
}

// storeCreatedAtTheResourceVersion demands that the revision which made the key of the object is the
// resourceVersion of the answer (STORE-02).
func (w *World) storeCreatedAtTheResourceVersion(ctx context.Context, text string) error {
	got, err := w.answer()
	if err != nil {
		return err
	}
	version, _ := identity(got.body)
	key, _, err := w.key(ctx, text)
	if err != nil {
		return err
	}
	return w.awaitStore(ctx, key+" to be created in the store at revision "+version, func(record storehistory.Record) error {
		for _, c := range record.Of(key) {
			if c.Created() && fmt.Sprint(c.Revision) == version {
				return nil
			}
		}
		return fmt.Errorf("the changes of the key are: %s", record.Of(key))
	})
}

// storeHoldsAtItsResourceVersion waits until the last revision of the object's key is its
// resourceVersion, and the first one still that of its first version (STORE-02).
func (w *World) storeHoldsAtItsResourceVersion(ctx context.Context, text string) error {
	if err := w.settle(ctx); err != nil {
		return err
	}
	key, subject, err := w.key(ctx, text)
	if err != nil {
		return err
	}
	versions := subject.versions(w.History.Now())
	first, last := versions[0].Object.GetResourceVersion(), versions[len(versions)-1].Object.GetResourceVersion()
	what := fmt.Sprintf("%s in the store, created at revision %s and changed at %s", key, first, last)
	return w.awaitStore(ctx, what, func(record storehistory.Record) error {
		changes := record.Of(key)
		if err := held(changes); err != nil {
			return err
		}
		c := changes[len(changes)-1]
		if fmt.Sprint(c.CreateRevision) != first || fmt.Sprint(c.Revision) != last {
			return fmt.Errorf("it was created at revision %d and changed at %d", c.CreateRevision, c.Revision)
		}
		return nil
	})
}

// everyChangeIsWatchEvent demands that of the kinds in the table the store and the API have
// seen the same changes, each at the same revision (STORE-03).
func (w *World) everyChangeIsWatchEvent(ctx context.Context, table *godog.Table) error {
	lines, err := rows(table)
	if err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	stored, revision, err := w.storeUpToNow(ctx)
	if err != nil {
		return err
	}
	for _, line := range lines {
		folder, err := w.folder(line["kind"])
		if err != nil {
			return err
		}
		want := stored.Under(folder)
		if len(want) == 0 {
			return CouldNotRun{fmt.Errorf("the scenario proves nothing: the store has no change of a %s", line["kind"])}
		}
		err = w.await(ctx, "the watchers to be notified of what the store has written of "+line["kind"]+"s", func(record history.Record) error {
			var delivered []string
			for _, version := range record.Of(line["kind"], nil) {
				if at := revisionOf(version.Object); at > w.store.Since() && at <= revision {
					delivered = append(delivered, event(version.Type, folder+version.Object.GetName(), at))
				}
			}
			sort.Strings(delivered)
			if diff := cmp.Diff(events(want), delivered); diff != "" {
				return fmt.Errorf("the changes in the store (-) are not the events of the API (+):\n%s", diff)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// events are the events of the API that changes in the store call for.
func events(changes storehistory.Record) []string {
	var all []string
	for _, c := range changes {
		kind := watch.Modified
		switch {
		case c.Deleted:
			kind = watch.Deleted
		case c.Created():
			kind = watch.Added
		}
		all = append(all, event(kind, c.Key, c.Revision))
	}
	sort.Strings(all)
	return all
}

func event(kind watch.EventType, key string, revision int64) string {
	return fmt.Sprintf("%012d %s %s", revision, kind, key)
}

// revisionOf is the revision that a resourceVersion says, 0 if it says none.
func revisionOf(object *unstructured.Unstructured) int64 {
	revision, err := strconv.ParseInt(object.GetResourceVersion(), 10, 64)
	if err != nil {
		return 0
	}
	return revision
}

// nothingIsWrittenForWhile demands that since the store is watched nothing has been written to
// the key of an object. The witness is written after whatever has been.
func (w *World) nothingIsWrittenForWhile(ctx context.Context, text, kind string) error {
	key, _, err := w.key(ctx, text)
	if err != nil {
		return err
	}
	folder, err := w.folder(kind)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("witness-%d", w.History.Now().Len())
	if err := w.isCreatedWith(ctx, kind, name, "", nil); err != nil {
		return CouldNotRun{fmt.Errorf("the witness could not be created: %w", err)}
	}
	err = w.awaitStore(ctx, "the witness, "+folder+name+", in the store", func(record storehistory.Record) error {
		return held(record.Of(folder + name))
	})
	if err != nil {
		return CouldNotRun{fmt.Errorf("without its witness the sentence proves nothing: %w", err)}
	}
	if changes := w.store.Now().Of(key); len(changes) > 0 {
		return fmt.Errorf("expected no revision of %s, the store has: %s", text, changes)
	}
	return nil
}

// nothingIsWrittenForSeconds demands that for that many seconds no client writes to the store,
// whatever the keys (STORE-05). What the end of a lease removes was not written.
func (w *World) nothingIsWrittenForSeconds(ctx context.Context, seconds string) error {
	_, from, err := w.storeUpToNow(ctx)
	if err != nil {
		return err
	}
	if err := w.pass(ctx, time.Now(), seconds); err != nil {
		return err
	}
	record, _, err := w.storeUpToNow(ctx)
	if err != nil {
		return err
	}
	if changes := record.After(from).Written(); len(changes) > 0 {
		return fmt.Errorf("expected no revision, the store has: %s", changes)
	}
	return nil
}

// storeHoldsTheEventsUnderLease demands that every Event about an object has a lease, by which the
// store removes it (STORE-09).
func (w *World) storeHoldsTheEventsUnderLease(ctx context.Context, text string) error {
	folder, err := w.folder("Event")
	if err != nil {
		return err
	}
	events, err := w.events(w.History.Now(), 0, text)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return CouldNotRun{fmt.Errorf("there is no Event about %s: say that one is recorded before", text)}
	}
	for _, recorded := range events {
		key := folder + recorded.GetName()
		var last storehistory.Change
		if err := w.awaitStore(ctx, key+" in the store", func(record storehistory.Record) error {
			changes := record.Of(key)
			if err := held(changes); err != nil {
				return err
			}
			last = changes[len(changes)-1]
			return nil
		}); err != nil {
			return err
		}
		if last.Lease == 0 {
			return fmt.Errorf("%s has no lease: it does not expire", last)
		}
		granted, left, err := w.store.TimeToLive(ctx, last.Lease)
		if err != nil {
			return fmt.Errorf("%s: %w", last, err)
		}
		if left <= 0 || left > granted {
			return fmt.Errorf("%s has a lease of %s, %s of which are left", last, granted, left)
		}
	}
	return nil
}

// storeRefusesClientsWithoutCertificate demands that the store answers who has the API server's certificate,
// and no other client (STORE-06).
func (w *World) storeRefusesClientsWithoutCertificate(ctx context.Context) error {
	access, err := w.access(ctx)
	if err != nil {
		return err
	}
	if err := storehistory.Ask(ctx, access); err != nil {
		return CouldNotRun{fmt.Errorf("without an answer to the API server's certificate the sentence proves nothing: %w", err)}
	}
	if len(access.Certificate) == 0 {
		return errors.New("the store asks for no certificate: any client that reaches it may read and write")
	}
	for whose, pair := range map[string][2][]byte{
		"no certificate": {},
		"the certificate of a client of the API server": {w.config.CertData, w.config.KeyData},
	} {
		if whose != "no certificate" && len(pair[0]) == 0 {
			continue // these clients have something else
		}
		stranger := access
		stranger.Certificate, stranger.Key = pair[0], pair[1]
		if err := storehistory.Ask(ctx, stranger); err == nil {
			return fmt.Errorf("the store answers a client that shows %s", whose)
		}
	}
	return nil
}
