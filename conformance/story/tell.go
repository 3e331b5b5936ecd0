package story

import (
	"fmt"
	"strings"

	"github.com/podchain/podchain/conformance/events"
)

// Tell returns what happened to a scenario that did not pass, as a story: the
// requirement, the first link that did not do its part, the step with expected
// and actual, the chain as observed, the last writes, and how to run it again.
func Tell(of *events.ScenarioRecord) string {
	var text strings.Builder
	evidence := of.Outcome.Evidence
	fmt.Fprintf(&text, "\n%s  %s (%s)\n", strings.ToUpper(string(of.Outcome.Outcome)), of.Requirement.ID, of.Requirement.Level)
	fmt.Fprintf(&text, "  %s\n  %s\n  %s\n", of.Requirement.Sentence, of.Name, of.Location)
	if evidence == nil {
		fmt.Fprintf(&text, "\n    %s\n", of.Outcome.Reason)
		return text.String()
	}
	switch {
	case evidence.Missing != "":
		fmt.Fprintf(&text, "\n  The chain broke at the %s: %s.\n", evidence.Blamed, evidence.Missing)
	case evidence.Blamed != "":
		fmt.Fprintf(&text, "\n  No link has left anything undone; it is about the %s.\n", evidence.Blamed)
	}
	fmt.Fprintln(&text)
	for i, step := range of.Steps {
		failed := evidence.Step != nil && *evidence.Step == i
		mark := "  "
		if failed {
			mark = "✗ "
		}
		fmt.Fprintf(&text, "    %s%s %s\n", mark, step.Keyword, step.Text)
		if failed {
			break
		}
	}
	fmt.Fprintf(&text, "\n%s\n", indent(evidence.Error, "    "))
	block(&text, "The chain as observed", evidence.Observed)
	block(&text, "The last writes", evidence.LastWrites)
	block(&text, "The requests that met a fault", evidence.Disturbed)
	if of.Outcome.Again != "" {
		fmt.Fprintf(&text, "\n  Again: %s\n", of.Outcome.Again)
	}
	return text.String()
}

func block(text *strings.Builder, title string, lines []string) {
	if len(lines) > 0 {
		fmt.Fprintf(text, "\n  %s\n%s\n", title, indent(strings.Join(lines, "\n"), "    "))
	}
}

func indent(block, by string) string {
	return by + strings.ReplaceAll(strings.TrimRight(block, "\n"), "\n", "\n"+by)
}
