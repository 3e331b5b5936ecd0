package conformance

import (
	"fmt"
	"strings"
)

// Tell returns what happened to an example that did not pass, as a story: the
// requirement, the first link that did not do its part, the step with expected
// and actual, the chain as observed, the last writes, and how to run it again.
func (r ExampleResult) Tell() string {
	var text strings.Builder
	failure, requirement := r.Failure, r.Example.Requirement
	fmt.Fprintf(&text, "\n%s  %s (%s)\n", strings.ToUpper(string(r.Outcome)), requirement.ID, requirement.Level)
	fmt.Fprintf(&text, "  %s\n  %s\n  %s\n", requirement.Sentence, r.Example.Name, r.Example.Location)
	if failure == nil {
		fmt.Fprintf(&text, "\n    %s\n", r.Reason)
		return text.String()
	}
	switch {
	case failure.Missing != "":
		fmt.Fprintf(&text, "\n  The chain broke at the %s: %s.\n", failure.Blamed, failure.Missing)
	case failure.Blamed != "":
		fmt.Fprintf(&text, "\n  No link has left anything undone; it is about the %s.\n", failure.Blamed)
	}
	fmt.Fprintln(&text)
	for _, step := range r.Example.Steps {
		mark := "  "
		if failure.Step != nil && step.Location == failure.Step.Location {
			mark = "✗ "
		}
		fmt.Fprintf(&text, "    %s%s %s\n", mark, step.Keyword, step.Text)
		if mark != "  " {
			break
		}
	}
	fmt.Fprintf(&text, "\n%s\n", indent(failure.Error, "    "))
	block(&text, "The chain as observed", failure.Observed)
	block(&text, "The last writes", failure.LastWrites)
	block(&text, "The requests that met a fault", failure.Disturbed)
	fmt.Fprintf(&text, "\n  Again: %s\n", r.Again())
	return text.String()
}

// Again is the command that runs just this example again.
func (r ExampleResult) Again() string {
	return "podchain verify --select " + r.Example.Location.String()
}

func block(text *strings.Builder, title string, lines []string) {
	if len(lines) > 0 {
		fmt.Fprintf(text, "\n  %s\n%s\n", title, indent(strings.Join(lines, "\n"), "    "))
	}
}

func indent(block, by string) string {
	return by + strings.ReplaceAll(strings.TrimRight(block, "\n"), "\n", "\n"+by)
}
