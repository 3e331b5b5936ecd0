package steps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/podchain/podchain/conformance/implementation"
)

var durabilitySentences = []Sentence{
	{
		text:        `the store goes down`,
		Description: "Ends the store as a crash does, until it comes back or the scenario ends. The scenario needs the tag @needs-outage.",
		Example:     `When the store goes down`,
		cutsOff:     theStore,
		Step:        func(w *World) any { return w.storeGoesDown },
	},
	{
		text:        `the store comes back`,
		Description: "Starts the store again, with what it held.",
		Example:     `When the store comes back`,
		Step:        func(w *World) any { return w.storeComesBack },
	},
	{
		text:        `the API server is (not )?ready`,
		Description: "Waits until GET /readyz answers 200, or does not.",
		Example:     `Then the API server is not ready`,
		Step:        func(w *World) any { return w.apiServerIsReady },
	},
	{
		text:        `the API server cannot store ` + object,
		Description: "Sends a POST of the object, and demands that it is answered with an error of the server (5xx), or not in time.",
		Example:     `Then the API server cannot store ConfigMap "b"`,
		Step:        func(w *World) any { return w.apiServerCannotStore },
	},
	{
		text:        `the ` + link + ` is stopped while ` + count + ` clients POST ([A-Z]\w+?)s`,
		Description: "That many clients concurrently POST objects, one after the other, until they get no answer; the link is stopped when 20 were answered.",
		Example:     `When the api-server is stopped while 5 clients POST ConfigMaps`,
		cutsOff:     "$1",
		Step:        func(w *World) any { return w.linkIsStoppedWhileClientsPOST },
	},
	{
		text: `every acknowledged ([A-Z]\w+) is stored as answered, and every other one completely or not at all`,
		Description: "Demands of all objects that those clients have sent: a GET returns exactly what was answered; where nothing was answered, the whole " +
			"object or 404.",
		Example: `Then every acknowledged ConfigMap is stored as answered, and every other one completely or not at all`,
		Step:    func(w *World) any { return w.everyAcknowledgedIsStored },
	},
	{
		text:        ref + ` is stored as before`,
		Description: "Demands that a GET returns exactly the version that the object had before the last change that the scenario made.",
		Example:     `Then ConfigMap "a" is stored as before`,
		Step:        func(w *World) any { return w.isStoredAsBefore },
	},
}

// outage is the capability to have the store away.
func (w *World) outage() (implementation.Outage, error) {
	outage, err := implementation.Need[implementation.Outage](w.Cluster)
	if err != nil {
		return nil, CouldNotRun{err}
	}
	return outage, nil
}

// storeGoesDown ends the store. It is back at the end of the scenario, whatever comes.
func (w *World) storeGoesDown(ctx context.Context) error {
	outage, err := w.outage()
	if err != nil {
		return err
	}
	w.stimulus()
	w.cleanup = append(w.cleanup, outage.StartStore)
	return outage.StopStore(ctx)
}

func (w *World) storeComesBack(ctx context.Context) error {
	outage, err := w.outage()
	if err != nil {
		return err
	}
	w.stimulus()
	return outage.StartStore(ctx)
}

// writeTimeout is how long the API server is given to say that a write has failed.
const writeTimeout = 10 * time.Second

// apiServerCannotStore demands that a POST is answered as a fault of the server's, or not
// in time (STORE-08).
func (w *World) apiServerCannotStore(ctx context.Context, kind, name string) error {
	object, err := w.manifest(ctx, kind, name, "", nil)
	if err != nil {
		return err
	}
	path, err := w.path(kind, "", "")
	if err != nil {
		return err
	}
	w.stimulus()
	got, err := w.exchange(ctx, request{method: http.MethodPost, path: path, body: object,
		query: url.Values{"timeout": {writeTimeout.String()}}})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil
	case err != nil:
		return err
	case got.code < 500:
		return fmt.Errorf("expected a server error or no answer in time, the answer to %s", got)
	}
	return nil
}

// probePause is the time between two requests to a probe, which cannot be watched.
const probePause = 100 * time.Millisecond

// apiServerIsReady waits until the API server says that it is ready, or that it is not.
func (w *World) apiServerIsReady(ctx context.Context, not string) error {
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	ticker := time.NewTicker(probePause)
	defer ticker.Stop()
	last := errors.New("there was no answer")
	for {
		got, err := w.exchange(ctx, request{method: http.MethodGet, path: "/readyz", accept: "text/plain"})
		switch {
		case err == nil && (got.code == http.StatusOK) == (not == ""):
			return nil
		case err == nil:
			last = fmt.Errorf("the answer to %s", got)
		case ctx.Err() == nil:
			last = err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waited %s for the API server to be %sready; last seen: %w", w.Timeout, not, last)
		}
	}
}

// isStoredAsBefore demands that a GET returns the last version that was recorded
// before the stimulus, to the last field (STORE-07).
func (w *World) isStoredAsBefore(ctx context.Context, text string) error {
	before := w.History.Now().Until(w.mark)
	subject, err := w.find(before, text)
	if err != nil {
		return err
	}
	object := subject.live(before)
	if object == nil {
		return CouldNotRun{fmt.Errorf("%s did not exist before", text)}
	}
	got, err := w.fetch(ctx, subject)
	if err != nil {
		return err
	}
	if got.code != http.StatusOK {
		return fmt.Errorf("expected it unchanged, the answer to %s", got)
	}
	if diff := cmp.Diff(object.Object, got.body); diff != "" {
		return fmt.Errorf("%s is not as it was (-before +now):\n%s", text, diff)
	}
	return nil
}

// sent is one POST, to which the API server may not have answered any more.
type sent struct {
	object   map[string]any
	answered map[string]any // nil: nothing
}

// acknowledged is how many POSTs are answered before the API server goes.
const acknowledged = 20

// linkIsStoppedWhileClientsPOST ends the API server while clients POST objects, each one after
// the other (STORE-07).
func (w *World) linkIsStoppedWhileClientsPOST(ctx context.Context, link, clients, kind string) error {
	count, err := number(clients)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	w.stimulus()
	posted := make([][]sent, count)
	faults := make([]error, count)
	answers := make(chan struct{}, acknowledged)
	var group sync.WaitGroup
	for client := range count {
		group.Go(func() {
			for n := 1; faults[client] == nil; n++ {
				one, err := w.postNumbered(ctx, kind, fmt.Sprintf("c-%d-%d", client+1, n))
				posted[client], faults[client] = append(posted[client], one), err
				select {
				case answers <- struct{}{}:
				default: // there are enough
				}
			}
		})
	}
	for range acknowledged {
		select {
		case <-answers:
		case <-ctx.Done():
		}
	}
	stopped := w.linkIsStopped(ctx, link)
	group.Wait()
	w.sent = slices.Concat(posted...)
	for _, fault := range faults {
		if !errors.Is(fault, ErrNoAnswer) {
			stopped = errors.Join(stopped, fault)
		}
	}
	return stopped
}

// postNumbered POSTs one of many objects. An error says that there will be no
// further answer.
func (w *World) postNumbered(ctx context.Context, kind, name string) (sent, error) {
	object, err := w.manifest(ctx, kind, name, "", nil)
	if err != nil {
		return sent{}, err
	}
	object["data"] = map[string]any{"first": name, "long": strings.Repeat(name, 500), "last": name}
	path, err := w.path(kind, "", "")
	if err != nil {
		return sent{}, err
	}
	got, err := w.exchange(ctx, request{method: http.MethodPost, path: path, body: object})
	one := sent{object: object}
	switch {
	case err != nil:
		return one, err
	case got.code == http.StatusCreated:
		one.answered = got.body
	case got.code >= 500:
		return one, ErrNoAnswer // it says itself that it is going
	default:
		return one, fmt.Errorf("the api-server refused it: %s", got)
	}
	return one, nil
}

// everyAcknowledgedIsStored demands that what was acknowledged is stored as it was answered, and
// all else whole or not at all (STORE-07).
func (w *World) everyAcknowledgedIsStored(ctx context.Context, kind string) error {
	kept := 0
	for _, one := range w.sent {
		name := (&unstructured.Unstructured{Object: one.object}).GetName()
		got, err := w.fetch(ctx, reference{kind: kind, name: name})
		if err != nil {
			return err
		}
		switch {
		case one.answered != nil:
			kept++
			if diff := cmp.Diff(one.answered, got.body); diff != "" {
				return fmt.Errorf("%s %q was acknowledged and is not as it was answered (-answered +now, %s):\n%s", kind, name, got, diff)
			}
		case got.code == http.StatusNotFound:
		default:
			_, uid := identity(got.body)
			if diff := cmp.Diff(one.object["data"], got.body["data"]); got.code != http.StatusOK || uid == "" || diff != "" {
				return fmt.Errorf("%s %q was not acknowledged and is neither whole nor absent (-sent +now, %s):\n%s", kind, name, got, diff)
			}
		}
	}
	if kept == 0 {
		return CouldNotRun{fmt.Errorf("the sentence proves nothing: no %s was acknowledged", kind)}
	}
	return nil
}
