package steps

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

var faultSentences = []Sentence{
	{
		text:        `requests of the ` + link + ` meet these faults`,
		Description: "From now on, disturbs requests of the link on their way to the API server or back. The scenario needs the tag @needs-faults.",
		Example: `When requests of the replicaset-controller meet these faults:
  | verb   | resource | subresource | effect     | times |
  | create | pods     |             | lose reply | 1     |`,
		Table: faultsToInject,
		Step:  func(w *World) any { return w.requestsMeetTheseFaults },
	},
	{
		text:        `the faults end`,
		Description: "Ends all faults of the scenario; delayed requests are sent.",
		Example:     `When the faults end`,
		Step:        func(w *World) any { return w.faultsEnd },
	},
	{
		text:        count + ` seconds pass`,
		Description: "Waits that many seconds, for a requirement that is about time.",
		Example:     `When 3 seconds pass`,
		Step:        func(w *World) any { return w.secondsPass },
	},
}

// injected is a fault that the scenario has put in the way of a link.
type injected struct {
	link  chain.Link
	fault implementation.Fault
	at    time.Time
}

func (i injected) String() string {
	about := i.fault.Verb + " " + i.fault.Resource
	if i.fault.Subresource != "" {
		about += "/" + i.fault.Subresource
	}
	return fmt.Sprintf("%q of the %s: %s", about, i.link, i.fault.Effect)
}

func (w *World) faults() (implementation.Faults, error) {
	faults, err := implementation.Need[implementation.Faults](w.Cluster)
	if err != nil {
		return nil, CouldNotRun{err}
	}
	return faults, nil
}

// requestsMeetTheseFaults has requests of a link meet faults, from the next request on. A request
// that several rows are about meets the first of them, until its times are over.
func (w *World) requestsMeetTheseFaults(ctx context.Context, name string, table *godog.Table) error {
	faults, err := w.faults()
	if err != nil {
		return err
	}
	link, err := chain.ParseLink(name)
	if err != nil {
		return CouldNotRun{err}
	}
	lines, err := rows(table)
	if err != nil {
		return err
	}
	w.stimulus()
	if len(w.injected) == 0 {
		w.cleanup = append(w.cleanup, w.heal)
	}
	for _, line := range lines {
		fault, err := w.fault(line)
		if err != nil {
			return CouldNotRun{err}
		}
		w.injected = append(w.injected, injected{link, fault, time.Now()})
		if err := faults.Inject(ctx, link, fault); err != nil {
			return CouldNotRun{err}
		}
	}
	return nil
}

// fault reads a row: verb, resource and subresource of the requests, the effect
// on them ("lose reply", "cut", "answer 409", "delay 2s"), and how many of them
// meet it, all if it does not say.
func (w *World) fault(line map[string]string) (fault implementation.Fault, err error) {
	fault = implementation.Fault{Verb: line["verb"], Resource: line["resource"], Subresource: line["subresource"], Namespace: w.Namespace}
	if fault.Verb == "watch" || fault.Verb == "list" {
		fault.Namespace = "" // links read all namespaces at once
	}
	if line["times"] != "" {
		if fault.Times, err = strconv.Atoi(line["times"]); err != nil {
			return fault, err
		}
	}
	effect, value, _ := strings.Cut(line["effect"], " ")
	switch effect {
	case string(implementation.Answer):
		fault.Effect = implementation.Answer
		fault.Code, err = strconv.Atoi(value)
	case string(implementation.Delay):
		fault.Effect = implementation.Delay
		fault.Delay, err = time.ParseDuration(value)
	default:
		fault.Effect = implementation.Effect(line["effect"])
	}
	if err == nil {
		err = fault.Check()
	}
	return fault, err
}

// faultsEnd ends all faults of the scenario.
func (w *World) faultsEnd(ctx context.Context) error {
	w.stimulus()
	return w.heal(ctx)
}

func (w *World) heal(ctx context.Context) error {
	faults, err := w.faults()
	if err != nil {
		return err
	}
	var errs []error
	for namespace := range sets.New(w.Namespace, "") {
		errs = append(errs, faults.Heal(ctx, namespace))
	}
	return errors.Join(errs...)
}

// Finish returns an error if the scenario has proved nothing although all its
// steps hold: a fault that no request has met has disturbed nothing.
func (w *World) Finish(ctx context.Context) error {
	if len(w.injected) == 0 {
		return nil
	}
	faults, err := w.faults()
	if err != nil {
		return err
	}
	// A link may be done before it comes to the request that is to meet a fault.
	w.awaitMet(ctx, faults)
	// What is still delayed shows when it is answered.
	if err := w.heal(ctx); err != nil {
		return CouldNotRun{err}
	}
	writes, err := faults.Writes(ctx)
	if err != nil {
		return CouldNotRun{fmt.Errorf("what the links have written: %w", err)}
	}
	for _, i := range w.injected {
		met := 0
		for _, write := range writes {
			if i.metBy(write) {
				met++
			}
		}
		if wanted := max(1, i.fault.Times); met < wanted {
			return CouldNotRun{fmt.Errorf("the scenario proves nothing: %s: %d requests were to meet it, %d have", i, wanted, met)}
		}
	}
	return nil
}

// awaitMet returns when all faults have been met, or the timeout of the run is over:
// Finish says what has not been met.
func (w *World) awaitMet(ctx context.Context, faults implementation.Faults) {
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	for namespace := range sets.New(w.Namespace, "") {
		if faults.AwaitTriggered(ctx, namespace) != nil {
			return
		}
	}
}

func (i injected) metBy(write implementation.Write) bool {
	return write.Link == i.link && write.Fault == i.fault.Effect && !write.Time.Before(i.at) &&
		(i.fault.Verb == "" || write.Verb == i.fault.Verb) &&
		(i.fault.Resource == "" || write.Resource == i.fault.Resource) &&
		write.Subresource == i.fault.Subresource &&
		(i.fault.Namespace == "" || write.Namespace == i.fault.Namespace) &&
		(i.fault.Effect != implementation.Answer || write.Code == i.fault.Code)
}

func (w *World) secondsPass(ctx context.Context, seconds string) error {
	w.stimulus()
	return w.pass(ctx, time.Now(), seconds)
}
