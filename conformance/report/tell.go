package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/printable"
	"github.com/podchain/podchain/conformance/specification"
)

// Tell returns what happened to a scenario that did not pass, for people: the
// requirement, the first link that did not do its part, the step with expected
// and actual, the chain as observed, the last writes, and how to run it again.
func Tell(of *events.ScenarioRecord) string { return printable.Text(tell(of)) }

func tell(of *events.ScenarioRecord) string {
	var text strings.Builder
	evidence := of.Verdict.Evidence
	fmt.Fprintf(&text, "\n%s  %s (%s)\n", strings.ToUpper(string(of.Verdict.Outcome)), of.Requirement.ID, of.Requirement.Level)
	fmt.Fprintf(&text, "%s\n%s\n  %s\n", wrap(of.Requirement.Sentence, "  "), wrap(of.Name, "  "), of.Location)
	if evidence == nil {
		fmt.Fprintf(&text, "\n%s\n", wrap(of.Verdict.Reason, "    "))
		return text.String()
	}
	switch {
	case evidence.Missing != "":
		fmt.Fprintf(&text, "\n%s\n", wrap(fmt.Sprintf("The chain broke at the %s: %s.", evidence.Blamed, evidence.Missing), "  "))
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
		for _, row := range stepRows(step) {
			fmt.Fprintln(&text, wrap(row, "        "))
		}
		if failed {
			break
		}
	}
	fmt.Fprintf(&text, "\n%s\n", indent(evidence.Error, "    "))
	block(&text, "The chain as observed", evidence.Observed)
	block(&text, "The last writes: when, resourceVersion, what", evidence.LastWrites)
	block(&text, "The requests that met a fault", evidence.Disturbed)
	if of.Verdict.Rerun != "" {
		fmt.Fprintf(&text, "\n  Again: %s\n", of.Verdict.Rerun)
	}
	return text.String()
}

// stepRows are the lines below a step. The cells of a table stand below each other where
// that fits into a terminal.
func stepRows(step specification.Step) []string {
	var rows []string
	for _, line := range strings.Split(step.Doc, "\n") {
		if step.Doc != "" {
			rows = append(rows, line)
		}
	}
	var widths []int
	total := len("        |")
	for _, cells := range step.Table {
		for i, cell := range cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, width := range widths {
		total += width + len("  |")
	}
	for _, cells := range step.Table {
		row := "|"
		for i, cell := range cells {
			if total <= columns {
				cell += strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			}
			row += " " + cell + " |"
		}
		rows = append(rows, row)
	}
	return rows
}

func block(text *strings.Builder, title string, lines []string) {
	if len(lines) > 0 {
		fmt.Fprintf(text, "\n  %s\n%s\n", title, indent(strings.Join(lines, "\n"), "    "))
	}
}

// indent moves the lines of a block to the right, and continues those that are too
// long below.
func indent(block, by string) string {
	lines := strings.Split(strings.TrimRight(block, "\n"), "\n")
	for i, line := range lines {
		lines[i] = wrap(line, by)
	}
	return strings.Join(lines, "\n")
}

// columns of a terminal, and of a page on which nothing is to be scrolled.
const columns = 80

// wrap breaks a line between words where it would be longer than a terminal is wide.
// Every line begins with the indent, those after the first with some more of it than
// the text itself begins with. A line of a diff stays as it is.
func wrap(text, by string) string {
	if strings.ContainsAny(text, "\t\u00a0") {
		return by + text
	}
	own := text[:len(text)-len(strings.TrimLeft(text, " "))]
	var lines []string
	line := by + own
	for i, word := range strings.SplitAfter(text[len(own):], " ") {
		if i > 0 && utf8.RuneCountInString(line)+utf8.RuneCountInString(strings.TrimRight(word, " ")) > columns {
			lines = append(lines, strings.TrimRight(line, " "))
			line = by + own + "  "
		}
		line += word
	}
	return strings.Join(append(lines, strings.TrimRight(line, " ")), "\n")
}
