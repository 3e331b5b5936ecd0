package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/printable"
	"github.com/podchain/podchain/conformance/specification"
)

// Terminal writes the result for people: every example that did not pass, as Tell does,
// then a table by link, then the sum.
func Terminal(out io.Writer, result *events.RunRecord) error {
	var text strings.Builder
	for _, scenario := range bad(result) {
		text.WriteString(Tell(scenario))
	}
	table(&text, result)
	byReason(&text, result, events.NotApplicable, "Not applicable, since ")
	byReason(&text, result, events.KnownFailing, "Known to fail: ")
	latencies(&text, result)
	if end := result.End; end != nil && end.Lag != nil {
		fmt.Fprintf(&text, "\n%d events were awaited, and decided on after %v ms (median), %v ms (99th\npercentile), %v ms (longest)\n",
			end.Lag.Count, end.Lag.P50, end.Lag.P99, end.Lag.Max)
	}
	fmt.Fprintf(&text, "\n%s:\n%s\n", result.Run.Implementation, sum(result))
	_, err := io.WriteString(out, text.String())
	return err
}

// sum is the run in one line.
func sum(run *events.RunRecord) string {
	elapsed := "and did not end"
	if run.End != nil {
		elapsed = "in " + duration(run.End.Seconds).Round(10*time.Millisecond).String()
	}
	plain := run.CountIgnoringKnown()
	return fmt.Sprintf("%s, %d passed%s, %d failed%s, %d could not run, %d not applicable, %s",
		several(len(run.Requirements), " requirement"), plain[events.Passed], ofThese(run, events.Passed),
		plain[events.Failed], ofThese(run, events.Failed),
		plain[events.CouldNotRun], plain[events.NotApplicable], elapsed)
}

// ofThese says what the requirements of a plain verdict are besides, by the list of what is
// known to fail; nothing if none is anything.
func ofThese(run *events.RunRecord, plain events.Outcome) string {
	besides := map[events.Outcome]int{}
	for _, requirement := range run.Requirements {
		if requirement.OutcomeIgnoringKnown() == plain {
			besides[requirement.Outcome()]++
		}
	}
	var parts []string
	if count := besides[events.KnownFailing]; count > 0 {
		parts = append(parts, fmt.Sprintf("%d known to", count))
	}
	if count := besides[events.Stale]; count > 0 {
		parts = append(parts, fmt.Sprintf("%d stale", count))
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// tally counts the verdicts on the requirements of each link, and the scenarios that
// each is blamed for.
func tally(run *events.RunRecord) (counts map[string]map[events.Outcome]int, blamed map[string]int) {
	counts, blamed = map[string]map[events.Outcome]int{}, map[string]int{}
	for _, requirement := range run.Requirements {
		if counts[requirement.Link] == nil {
			counts[requirement.Link] = map[events.Outcome]int{}
		}
		counts[requirement.Link][requirement.OutcomeIgnoringKnown()]++
		for _, scenario := range requirement.Scenarios {
			if evidence := scenario.Verdict.Evidence; evidence != nil && evidence.Blamed != "" {
				blamed[string(evidence.Blamed)]++
			}
		}
	}
	return counts, blamed
}

func table(text *strings.Builder, run *events.RunRecord) {
	counts, blamed := tally(run)
	fmt.Fprintln(text)
	writer := tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(writer, "LINK\tPASSED\tFAILED\tNOT RUN\tN/A\tBLAMED FOR")
	for _, link := range links(counts, blamed) {
		fmt.Fprint(writer, link)
		for _, outcome := range events.Outcomes {
			fmt.Fprintf(writer, "\t%s", dash(counts[link][outcome], ""))
		}
		fmt.Fprintf(writer, "\t%s\n", dash(blamed[link], " scenario"))
	}
	_ = writer.Flush() // to a builder in memory
}

// dash is a number in a table, of things if they have a name.
func dash(count int, thing string) string {
	if count == 0 {
		return "-"
	}
	return several(count, thing)
}

// several is a number of things.
func several(count int, thing string) string {
	if count != 1 && thing != "" {
		thing += "s"
	}
	return fmt.Sprint(count) + thing
}

// links returns those that have something to show, in the order of the chain.
func links(counts map[string]map[events.Outcome]int, blamed map[string]int) []string {
	order := []string{specification.ChainLink}
	for _, link := range chain.AllLinks {
		order = append(order, string(link))
	}
	var shown []string
	for _, link := range order {
		if counts[link] != nil || blamed[link] > 0 {
			shown = append(shown, link)
		}
	}
	var others []string
	for link := range counts {
		if !slices.Contains(order, link) {
			others = append(others, link)
		}
	}
	slices.Sort(others)
	return append(shown, others...)
}

// byReason lists the requirements with a verdict by the reasons for it.
func byReason(text *strings.Builder, result *events.RunRecord, verdict events.Outcome, since string) {
	of := map[string][]string{}
	for _, requirement := range result.Requirements {
		if requirement.Outcome() == verdict {
			of[requirement.Reason()] = append(of[requirement.Reason()], requirement.ID)
		}
	}
	reasons := make([]string, 0, len(of))
	for reason := range of {
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	for _, reason := range reasons {
		fmt.Fprintf(text, "\n%s\n%s\n", wrap(since+printable.Text(reason)+":", ""), wrap(strings.Join(of[reason], " "), "  "))
	}
}
