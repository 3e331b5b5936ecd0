package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cucumber/godog"

	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
)

var runtimeSentences = []Sentence{
	{
		text:        `image "([^"]+)" is published`,
		Description: "Publishes an image of the fixtures that the registry did not have so far. The scenario needs the tag @needs-images.",
		Example:     `When image "unpublished:1" is published`,
		Step:        func(w *World) any { return w.imageIsPublished },
	},
	{
		text:        `the container runtime is called for ` + ref,
		Description: "Waits until the runtime of the Pod's node was called for the Pod as the rows say, in their order. The scenario needs the tag @needs-cri.",
		Example: `Then the container runtime is called for Pod "a":
  | call            | container |
  | RunPodSandbox   |           |
  | CreateContainer | app       |
  | StartContainer  | app       |`,
		Table: callsOfRuntime,
		Step:  func(w *World) any { return w.containerRuntimeIsCalled },
	},
	{
		text: `([A-Z]\w+) is (never called|called once|called twice|called \d+ times) for ` + ref,
		Description: "Waits until the method of the CRI was called for the Pod that many times with success, and demands that it is not called more often " +
			"until the cluster is at rest. The scenario needs the tag @needs-cri.",
		Example: `And StartContainer is called twice for Pod "a"`,
		Step:    func(w *World) any { return w.isCalled },
	},
}

// imageIsPublished makes an image available that was missing so far.
func (w *World) imageIsPublished(ctx context.Context, name string) error {
	images, err := implementation.Need[implementation.Images](w.Cluster)
	if err != nil {
		return CouldNotRun{err}
	}
	w.stimulus()
	return images.Publish(ctx, w.scoped(name))
}

// calls returns what the container runtimes were called for a Pod, at rest.
func (w *World) calls(ctx context.Context, pod string) ([]implementation.Call, error) {
	runtime, err := implementation.Need[implementation.Runtime](w.Cluster)
	if err != nil {
		return nil, CouldNotRun{err}
	}
	subject, err := w.resolve(ctx, pod)
	if err != nil {
		return nil, err
	}
	if err := w.settle(ctx); err != nil {
		return nil, err
	}
	versions := subject.versions(w.History.Now())
	if len(versions) == 0 {
		return nil, CouldNotRun{fmt.Errorf("%s never existed", pod)}
	}
	uid := versions[len(versions)-1].Object.GetUID() // of the last of that name, which may be gone
	calls, err := runtime.Calls(ctx)
	if err != nil {
		return nil, CouldNotRun{fmt.Errorf("the calls of the kubelets: %w", err)}
	}
	return slices.DeleteFunc(calls, func(call implementation.Call) bool {
		return call.PodUID != string(uid)
	}), nil
}

// askAgain is how long after an answer that does not do the runtimes are asked again
// for their calls, which cannot be watched.
const askAgain = 200 * time.Millisecond

// awaitCalls asks for the calls for a Pod until holds returns nil.
func (w *World) awaitCalls(ctx context.Context, pod string, holds func([]implementation.Call) error) error {
	waiting, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	for {
		calls, err := w.calls(ctx, pod)
		if err != nil {
			return err
		}
		fault := holds(calls)
		if final := (history.Final{}); fault == nil || errors.As(fault, &final) {
			return fault
		}
		timer := time.NewTimer(askAgain)
		select {
		case <-timer.C:
		case <-waiting.Done():
			timer.Stop()
			return fmt.Errorf("waited %s: %w; the calls were: %s", w.Timeout, fault, describeCalls(calls))
		}
	}
}

// containerRuntimeIsCalled waits until calls for the Pod match the rows, in that order; others
// may lie in between.
func (w *World) containerRuntimeIsCalled(ctx context.Context, pod string, table *godog.Table) error {
	lines, err := rows(table)
	if err != nil {
		return err
	}
	return w.awaitCalls(ctx, pod, func(calls []implementation.Call) error {
		at := 0
		for i, line := range lines {
			for at < len(calls) && w.isCall(calls[at], line) != nil {
				at++
			}
			if at == len(calls) {
				return fmt.Errorf("row %d, %s, was not called after the rows before it", i+1, line["call"])
			}
			at++
		}
		return nil
	})
}

func (w *World) isCall(call implementation.Call, line map[string]string) error {
	if call.Error != "" {
		return fmt.Errorf("the runtime refused it")
	}
	actual := map[string]string{"call": call.Method, "container": call.Container, "image": call.Image, "uid": call.PodUID}
	for column, text := range line {
		if text == "" {
			continue
		}
		matcher, err := field.ParseMatcher(w.image(text))
		if err != nil {
			return err
		}
		value := actual[column]
		resolve := func(reference string) (any, error) { return w.lookup(w.History.Now(), nil)(column, reference) }
		if err := matcher.Match(value, value != "", resolve); err != nil {
			return err
		}
	}
	return nil
}

func describeCalls(calls []implementation.Call) string {
	var all []string
	for _, call := range calls {
		text := call.Method
		for _, detail := range []string{call.Container, call.Image} {
			if detail != "" {
				text += " " + detail
			}
		}
		if call.Error != "" {
			text += " (" + call.Error + ")"
		}
		all = append(all, text)
	}
	return cmp.Or(strings.Join(all, ", "), "none")
}

// isCalled waits until a call that succeeded was made for the Pod so often,
// and demands that it was not made more often.
func (w *World) isCalled(ctx context.Context, method, times, pod string) error {
	want, known := map[string]int{"never called": 0, "called once": 1, "called twice": 2}[times]
	if !known {
		var err error
		if want, err = number(strings.TrimSuffix(strings.TrimPrefix(times, "called "), " times")); err != nil {
			return err
		}
	}
	return w.awaitCalls(ctx, pod, func(calls []implementation.Call) error {
		count := 0
		for _, call := range calls {
			if call.Method == method && call.Error == "" {
				count++
			}
		}
		switch fault := fmt.Errorf("expected that %s is %s, it was called %d times", method, times, count); {
		case count > want:
			return history.Final{Err: fmt.Errorf("%w: %s", fault, describeCalls(calls))}
		case count < want:
			return fault
		}
		return nil
	})
}
