package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
)

// Terminal writes the result for somebody to read: every example that did not
// pass as a story, then a table by link, then the sum.
func Terminal(out io.Writer, result *conformance.Result) error {
	var text strings.Builder
	for _, requirement := range result.Requirements {
		for _, example := range requirement.Examples {
			if example.Failure != nil {
				text.WriteString(example.Tell())
			}
		}
	}
	table(&text, result)
	notApplicable(&text, result)
	if lag := result.Lag; lag.Count > 0 {
		fmt.Fprintf(&text, "\n%d events were awaited, and decided on after %s (median), %s (99th percentile), %s (longest)\n",
			lag.Count, lag.P50.Round(time.Microsecond), lag.P99.Round(time.Microsecond), lag.Max.Round(time.Microsecond))
	}
	counts := result.Count()
	fmt.Fprintf(&text, "\n%s: %d requirements, %d passed, %d failed, %d could not run, %d not applicable, in %s\n",
		result.Implementation, len(result.Requirements),
		counts[conformance.Passed], counts[conformance.Failed], counts[conformance.CouldNotRun],
		counts[conformance.NotApplicable], result.Elapsed.Round(10*time.Millisecond))
	_, err := io.WriteString(out, text.String())
	return err
}

// outcomes are the columns of the table.
var outcomes = []conformance.Outcome{conformance.Passed, conformance.Failed, conformance.CouldNotRun, conformance.NotApplicable}

func table(text *strings.Builder, result *conformance.Result) {
	counts := map[string]map[conformance.Outcome]int{}
	blamed := map[string]int{}
	for _, requirement := range result.Requirements {
		link := requirement.Requirement.Link
		if counts[link] == nil {
			counts[link] = map[conformance.Outcome]int{}
		}
		counts[link][requirement.Outcome()]++
		for _, example := range requirement.Examples {
			if example.Failure != nil && example.Failure.Blamed != "" {
				blamed[string(example.Failure.Blamed)]++
			}
		}
	}
	fmt.Fprintln(text)
	writer := tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(writer, "LINK\tPASSED\tFAILED\tCOULD NOT RUN\tNOT APPLICABLE\tBLAMED FOR")
	for _, link := range links(counts, blamed) {
		fmt.Fprint(writer, link)
		for _, outcome := range outcomes {
			fmt.Fprintf(writer, "\t%s", dash(counts[link][outcome], "%d"))
		}
		fmt.Fprintf(writer, "\t%s\n", dash(blamed[link], "%d scenarios"))
	}
	_ = writer.Flush() // to a builder in memory
}

func dash(count int, format string) string {
	if count == 0 {
		return "-"
	}
	return fmt.Sprintf(format, count)
}

// links returns those that have something to show, in the order of the chain.
func links(counts map[string]map[conformance.Outcome]int, blamed map[string]int) []string {
	order := []string{specification.ChainLink}
	for _, link := range implementation.AllLinks {
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

func notApplicable(text *strings.Builder, result *conformance.Result) {
	byReason := map[string][]string{}
	for _, requirement := range result.Requirements {
		if requirement.Outcome() == conformance.NotApplicable {
			byReason[requirement.Reason()] = append(byReason[requirement.Reason()], requirement.Requirement.ID)
		}
	}
	reasons := make([]string, 0, len(byReason))
	for reason := range byReason {
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	for _, reason := range reasons {
		fmt.Fprintf(text, "\nNot applicable, since %s:\n  %s\n", reason, strings.Join(byReason[reason], " "))
	}
}
