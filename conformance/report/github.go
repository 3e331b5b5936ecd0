package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/printable"
	"github.com/podchain/podchain/conformance/specification"
)

// GitHub writes a summary in Markdown, as a step of a GitHub workflow shows it
// (GITHUB_STEP_SUMMARY): the table by link, and the stories to fold out.
func GitHub(out io.Writer, run *events.RunRecord) error {
	var text strings.Builder
	fmt.Fprintf(&text, "### %s podchain: %s\n\n%s\n\n", mark(run), markdown(run.Run.Implementation.String()), sum(run))
	counts, blamed := tally(run)
	text.WriteString("| link | passed | failed | could not run | not applicable | blamed for |\n|---|---|---|---|---|---|\n")
	for _, link := range links(counts, blamed) {
		fmt.Fprintf(&text, "| %s ", link)
		for _, verdict := range events.Outcomes {
			fmt.Fprintf(&text, "| %s ", dash(counts[link][verdict], ""))
		}
		fmt.Fprintf(&text, "| %s |\n", dash(blamed[link], " scenario"))
	}
	for _, scenario := range bad(run) {
		fmt.Fprintf(&text, "\n<details><summary><b>%s</b> %s: %s</summary>\n\n%s\n</details>\n",
			scenario.Requirement.ID, scenario.Verdict.Outcome, markdown(printable.Text(scenario.Verdict.Reason)), fence(Tell(scenario)))
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// Annotations writes the commands by which a GitHub workflow marks the lines of the
// features that did not hold: for stdout, in a repository that has the features below
// the directory.
func Annotations(directory string) func(io.Writer, *events.RunRecord) error {
	return func(out io.Writer, run *events.RunRecord) error {
		for _, scenario := range bad(run) {
			_, err := fmt.Fprintf(out, "::error file=%s,line=%d,title=%s::%s\n",
				property(directory+place(scenario).File), place(scenario).Line,
				property(fmt.Sprintf("%s %s", scenario.Requirement.ID, scenario.Verdict.Outcome)), message(Tell(scenario)))
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// place is the step that did not hold, or the scenario.
func place(scenario *events.ScenarioRecord) specification.Location {
	if evidence := scenario.Verdict.Evidence; evidence != nil && evidence.Step != nil {
		return scenario.Steps[*evidence.Step].Location
	}
	return scenario.Location
}

// bad are the scenarios that need attention.
func bad(run *events.RunRecord) []*events.ScenarioRecord {
	var all []*events.ScenarioRecord
	for _, requirement := range run.Requirements {
		for _, scenario := range requirement.Scenarios {
			if scenario.Verdict.Outcome.Bad() {
				all = append(all, scenario)
			}
		}
	}
	return all
}

func mark(run *events.RunRecord) string {
	if run.ExitStatus() == 0 {
		return "✅"
	}
	return "❌"
}

// fence is a block of text as it is, whatever is in it.
func fence(text string) string {
	ticks := "```"
	for strings.Contains(text, ticks) {
		ticks += "`"
	}
	return ticks + "text" + strings.TrimRight(text, "\n") + "\n" + ticks + "\n"
}

var (
	markdown = strings.NewReplacer("<", "&lt;", ">", "&gt;", "|", `\|`, "\n", " ").Replace
	// What the values of workflow commands may not hold as it is.
	message  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace
)
