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
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/history"
)

var watchSentences = []Sentence{
	{
		text: `(?:a client watches|` + count + ` clients watch) ([A-Z]\w+?)s(?: with the (label|field) selector "([^"]*)")? ` +
			`(from now on|without a resourceVersion|from resourceVersion \d+|from the first version of .+|from where the last watch ended)`,
		Description: "Opens a watch, or that many, in the namespace of the scenario: from the resourceVersion of a LIST of this moment (from now on), or from " +
			"another one. Later sentences are about the watch that was opened last.",
		Example: `When a client watches ConfigMaps with the label selector "tier=web" from now on`,
		Step:    func(w *World) any { return w.clientWatches },
	},
	{
		text:        `the watcher is notified of`,
		Description: "Waits until the watch has brought the events of the table, and demands that no other one comes before, between or shortly after them.",
		Example: `Then the watcher is notified of:
  | event    | metadata.name | metadata.resourceVersion |
  | ADDED    | a             | any                      |
  | MODIFIED | a             | > the row before         |`,
		Table: watchEvents,
		Step:  func(w *World) any { return w.watcherIsNotifiedOf },
	},
	{
		text:        `all watchers are notified of the same events in the same order`,
		Description: "When the cluster is at rest, demands that all watches of the scenario have brought the same events, and at least one.",
		Example:     `Then all watchers are notified of the same events in the same order`,
		Step:        func(w *World) any { return w.allWatchersAreNotified },
	},
	{
		text:        `the watch ends`,
		Description: "Waits until the API server ends the watch, with or without an error.",
		Example:     `Then the watch ends`,
		Step:        func(w *World) any { return w.watchEnds },
	},
	{
		text:        `the watch ends with 410 Expired`,
		Description: "Waits until the watch ends because its resourceVersion is too old: refused, or with an ERROR event.",
		Example:     `Then the watch ends with 410 Expired`,
		Step:        func(w *World) any { return w.watchEndsWithExpired },
	},
	{
		text:        `the watch ends with 410 Expired, or the watcher is notified of`,
		Description: "As “the watcher is notified of”, unless the API server no longer has the resourceVersion and the watch ends with 410 Expired.",
		Example: `Then the watch ends with 410 Expired, or the watcher is notified of:
  | event | metadata.name |
  | ADDED | b             |`,
		Table: watchEvents,
		Step:  func(w *World) any { return w.watchEndsWithExpiredOrWatcherIsNotifiedOf },
	},
}

// watcher is a watch that a scenario is about. What it receives goes into a
// history of its own.
type watcher struct {
	history *history.History
	stream  watch.Interface
	from    string // resourceVersion; "": with what there was
	done    chan struct{}
	ended   error // why the stream ended, for ERROR events
}

func (w *watcher) stop() {
	w.stream.Stop()
	<-w.done
}

func (w *watcher) follow() {
	defer close(w.done)
	for event := range w.stream.ResultChan() {
		object, ok := event.Object.(*unstructured.Unstructured)
		if event.Type == watch.Error || !ok {
			w.ended = apierrors.FromObject(event.Object)
			w.history.Break(w.ended)
			continue
		}
		w.history.Record(event.Type, object)
	}
}

// watchFrom opens a watch on a kind, with options in the form of a query.
func (w *World) watchFrom(ctx context.Context, kind string, options metav1.ListOptions) error {
	collection, err := w.collection(kind)
	if err != nil {
		return CouldNotRun{err}
	}
	opened := &watcher{history: history.New(), from: options.ResourceVersion, done: make(chan struct{})}
	opened.stream, err = collection.Watch(context.WithoutCancel(ctx), options)
	switch {
	case isExpired(err):
		opened.stream, opened.ended = watch.NewEmptyWatch(), err
		close(opened.done)
	case err != nil:
		return fmt.Errorf("the watch was refused: %w", err)
	default:
		go opened.follow()
	}
	w.watchers = append(w.watchers, opened)
	return nil
}

// clientWatches opens watches as a sentence describes them: how many, of which kind,
// with which selector, from where on.
func (w *World) clientWatches(ctx context.Context, number, kind, selector, expression, from string) error {
	options := metav1.ListOptions{}
	switch selector {
	case "label":
		options.LabelSelector = expression
	case "field":
		options.FieldSelector = expression
	}
	var err error
	if options.ResourceVersion, err = w.versionOf(ctx, kind, from); err != nil {
		return err
	}
	total := 1
	if number != "" {
		if total, err = strconv.Atoi(number); err != nil {
			return CouldNotRun{err}
		}
	}
	for range total {
		if err := w.watchFrom(ctx, kind, options); err != nil {
			return err
		}
	}
	return nil
}

// versionOf returns the resourceVersion that words such as "from now on" mean.
func (w *World) versionOf(ctx context.Context, kind, from string) (string, error) {
	if from == "without a resourceVersion" {
		return "", nil
	}
	if version, found := strings.CutPrefix(from, "from resourceVersion "); found {
		return version, nil
	}
	if from == "from where the last watch ended" {
		return w.lastReceived(), nil
	}
	if text, found := strings.CutPrefix(from, "from the first version of "); found {
		var first string
		err := w.await(ctx, text, func(record history.Record) error {
			subject, err := w.find(record, text)
			if err != nil {
				return err
			}
			versions := subject.versions(record)
			if len(versions) == 0 {
				return errors.New("it has not appeared")
			}
			first = versions[0].Object.GetResourceVersion()
			return nil
		})
		return first, err
	}
	collection, err := w.collection(kind)
	if err != nil {
		return "", CouldNotRun{err}
	}
	list, err := collection.List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", fmt.Errorf("cannot list %ss: %w", kind, err)
	}
	return list.GetResourceVersion(), nil
}

// watcherIsNotifiedOf waits until the last watcher received exactly the rows, in order,
// and nothing else.
func (w *World) watcherIsNotifiedOf(ctx context.Context, table *godog.Table) error {
	last, err := w.lastWatcher()
	if err != nil {
		return err
	}
	lines, err := rows(table)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	exact := func(record history.Record) error {
		events := slices.DeleteFunc(slices.Clone(record.All()), isPublishedCA)
		for i, line := range lines {
			if i >= len(events) {
				return fmt.Errorf("it received %d of %d rows: %s", len(events), len(lines), last.received())
			}
			var before *unstructured.Unstructured
			if i > 0 {
				before = events[i-1].Object
			}
			if err := w.isRow(events[i], line, before); err != nil {
				return history.Final{Err: fmt.Errorf("row %d: %w; it received: %s", i+1, err, last.received())}
			}
		}
		if len(events) > len(lines) {
			return history.Final{Err: fmt.Errorf("it received more than the %d rows: %s", len(lines), last.received())}
		}
		return nil
	}
	if err := last.history.Await(waiting, "the watcher to be notified", exact); err != nil {
		return err
	}
	if err := last.history.Quiet(waiting, calm, time.Now(), func(history.Version) bool { return true }); err != nil {
		return err
	}
	return exact(last.history.Now())
}

// isPublishedCA is true for the ConfigMap that every namespace gets, maybe after the
// scenario has begun: no table lists it.
func isPublishedCA(version history.Version) bool {
	return version.Object.GetKind() == "ConfigMap" && version.Object.GetName() == "kube-root-ca.crt"
}

func (w *watcher) received() string {
	var all []string
	for _, event := range w.history.Now().All() {
		all = append(all, history.Describe(event))
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

// isRow compares an event with a row: the column event, and any other column as
// a field path.
func (w *World) isRow(event history.Version, line map[string]string, before *unstructured.Unstructured) error {
	if want := line["event"]; want != "" && want != string(event.Type) {
		return fmt.Errorf("expected %s, it is %s", want, event.Type)
	}
	for column, text := range line {
		if column == "event" || text == "" {
			continue
		}
		if rest, found := strings.CutSuffix(text, " "+rowBefore); found && before != nil {
			value, err := valueAt(before.Object, column)
			if err != nil {
				return err
			}
			text = fmt.Sprintf("%s %v", rest, value)
		}
		if err := w.fieldIs(event.Object, column, text); err != nil {
			return fmt.Errorf("%s: %w", column, err)
		}
	}
	return nil
}

// rowBefore stands for the same field in the row before.
const rowBefore = "the row before"

// allWatchersAreNotified demands that all watchers received the same events in the same order.
func (w *World) allWatchersAreNotified(ctx context.Context) error {
	if len(w.watchers) < 2 {
		return CouldNotRun{errors.New("the sentence needs at least two watchers")}
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	var first []string
	for i, watcher := range w.watchers {
		waiting, cancel := context.WithTimeout(ctx, w.Timeout)
		err := watcher.history.Quiet(waiting, calm, time.Now(), func(history.Version) bool { return true })
		cancel()
		if err != nil {
			return err
		}
		var received []string
		for _, event := range watcher.history.Now().All() {
			received = append(received, history.Describe(event))
		}
		if len(received) == 0 {
			return fmt.Errorf("watcher %d received nothing", i+1)
		}
		if i == 0 {
			first = received
		} else if diff := cmp.Diff(first, received); diff != "" {
			return fmt.Errorf("watcher %d received other events than the first (-first +this):\n%s", i+1, diff)
		}
	}
	return nil
}

// lastReceived is the version that the last watcher received last, or began with.
func (w *World) lastReceived() string {
	if len(w.watchers) == 0 {
		return ""
	}
	last := w.watchers[len(w.watchers)-1]
	if all := last.history.Now().All(); len(all) > 0 {
		return all[len(all)-1].Object.GetResourceVersion()
	}
	return last.from
}

// lastWatcher is the one that was opened last.
func (w *World) lastWatcher() (*watcher, error) {
	if len(w.watchers) == 0 {
		return nil, CouldNotRun{errors.New("no client watches: open a watch before")}
	}
	return w.watchers[len(w.watchers)-1], nil
}

// watchEnds waits until the last watch has ended, with or without an error.
func (w *World) watchEnds(context.Context) error {
	last, err := w.lastWatcher()
	if err != nil {
		return err
	}
	timer := time.NewTimer(w.Timeout)
	defer timer.Stop()
	select {
	case <-last.done:
		return nil
	case <-timer.C:
		return fmt.Errorf("waited %s for the watch to end; it received: %s", w.Timeout, last.received())
	}
}

// watchEndsWithExpired waits until the last watch has ended because its version is not
// kept any more (WATCH-09): by an ERROR event, or by a refusal.
func (w *World) watchEndsWithExpired(ctx context.Context) error {
	if err := w.watchEnds(ctx); err != nil {
		return err
	}
	if last := w.watchers[len(w.watchers)-1]; !isExpired(last.ended) {
		return fmt.Errorf("expected 410 Expired, the watch ended with: %w", last.ended)
	}
	return nil
}

// watchEndsWithExpiredOrWatcherIsNotifiedOf is for a server that may say that it does
// not know any more what came after a version (WATCH-16).
func (w *World) watchEndsWithExpiredOrWatcherIsNotifiedOf(ctx context.Context, table *godog.Table) error {
	last, err := w.lastWatcher()
	if err != nil {
		return err
	}
	err = w.watcherIsNotifiedOf(ctx, table)
	select {
	case <-last.done:
		if isExpired(last.ended) {
			return nil
		}
	default:
	}
	return err
}

func isExpired(err error) bool { return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) }
