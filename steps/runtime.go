package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cucumber/godog"

	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/implementation"
)

// calls returns what the container runtimes were called for a Pod, at rest.
func (w *World) calls(ctx context.Context, pod string) ([]implementation.Call, error) {
	runtime, ok := implementation.Offered[implementation.Runtime](w.Cluster)
	if !ok {
		return nil, CouldNotRun{errors.New("the implementation does not show the calls of its kubelets: tag the scenario @needs-cri")}
	}
	subject, err := w.object(ctx, pod)
	if err != nil {
		return nil, err
	}
	if err := w.settle(ctx); err != nil {
		return nil, err
	}
	calls, err := runtime.Calls(ctx)
	if err != nil {
		return nil, CouldNotRun{fmt.Errorf("the calls of the kubelets: %w", err)}
	}
	return slices.DeleteFunc(calls, func(call implementation.Call) bool {
		return call.PodUID != string(subject.GetUID())
	}), nil
}

// called demands that calls for the Pod match the rows, in that order; others
// may lie in between.
func (w *World) called(ctx context.Context, pod string, table *godog.Table) error {
	lines, err := rows(table)
	if err != nil {
		return err
	}
	calls, err := w.calls(ctx, pod)
	if err != nil {
		return err
	}
	at := 0
	for i, line := range lines {
		for at < len(calls) && w.isCall(calls[at], line) != nil {
			at++
		}
		if at == len(calls) {
			return fmt.Errorf("row %d, %s, was not called after the rows before it; the calls were: %s", i+1, line["call"], describeCalls(calls))
		}
		at++
	}
	return nil
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
	return orElse(strings.Join(all, ", "), "none")
}

// calledTimes demands how often a call that succeeded was made for the Pod.
func (w *World) calledTimes(ctx context.Context, method, times, pod string) error {
	want, known := map[string]int{"never": 0, "once": 1, "twice": 2}[times]
	if !known {
		number, err := strconv.Atoi(strings.TrimSuffix(times, " times"))
		if err != nil {
			return CouldNotRun{fmt.Errorf("%q is no number of times", times)}
		}
		want = number
	}
	calls, err := w.calls(ctx, pod)
	if err != nil {
		return err
	}
	count := 0
	for _, call := range calls {
		if call.Method == method && call.Error == "" {
			count++
		}
	}
	if count != want {
		return fmt.Errorf("expected %s to be called %s, it was called %d times: %s", method, times, count, describeCalls(calls))
	}
	return nil
}
