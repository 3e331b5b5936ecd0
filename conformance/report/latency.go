package report

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/podchain/podchain/conformance/events"
)

// Latency is how long the chain took for one of its steps, over a run.
type Latency struct {
	// Transition that it is of, such as "bound".
	Transition string
	// sorted are all that were measured.
	sorted []time.Duration
}

// Count of the objects that took the step.
func (l Latency) Count() int { return len(l.sorted) }

// Percentile is the latency that the given percentage of objects did not exceed.
func (l Latency) Percentile(of int) time.Duration { return l.sorted[(len(l.sorted)*of+99)/100-1] }

// Latencies of a run, in the order of the chain, for the steps that some object took;
// none in virtual time.
func Latencies(run *events.RunRecord) []Latency {
	if run.Run.Virtual {
		return nil
	}
	measured := map[string][]time.Duration{}
	for _, requirement := range run.Requirements {
		for _, scenario := range requirement.Scenarios {
			for _, transition := range scenario.Verdict.Transitions {
				measured[transition.Name] = append(measured[transition.Name], duration(transition.Seconds))
			}
		}
	}
	var all []Latency
	for _, name := range events.TransitionNames {
		if sorted := measured[name]; len(sorted) > 0 {
			slices.Sort(sorted)
			all = append(all, Latency{name, sorted})
		}
	}
	return all
}

func latencies(text *strings.Builder, run *events.RunRecord) {
	all := Latencies(run)
	if len(all) == 0 {
		return
	}
	fmt.Fprintln(text)
	writer := tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(writer, "STEP OF THE CHAIN\tCOUNT\tP50\tP90\tP99")
	for _, l := range all {
		fmt.Fprintf(writer, "%s\t%d\t%s\t%s\t%s\n", l.Transition, l.Count(),
			brief(l.Percentile(50)), brief(l.Percentile(90)), brief(l.Percentile(99)))
	}
	_ = writer.Flush() // to a builder in memory
}

// brief is a duration with as much precision as it is worth.
func brief(d time.Duration) time.Duration {
	switch {
	case d > 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d > 100*time.Millisecond:
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}

// Threshold is a bound on a step of the chain: what is above it is a failure.
type Threshold struct {
	Transition string
	Percentile int
	Limit      time.Duration
}

var thresholdText = regexp.MustCompile(`^\s*([a-z]+)\s+p(\d+)\s*<\s*(\S+)\s*$`)

// ParseThreshold reads one such as "bound p99 < 1s".
func ParseThreshold(text string) (Threshold, error) {
	match := thresholdText.FindStringSubmatch(text)
	if match == nil {
		return Threshold{}, fmt.Errorf("%q: expected STEP pPERCENTILE < DURATION, such as \"bound p99 < 1s\"", text)
	}
	if !slices.Contains(events.TransitionNames, match[1]) {
		return Threshold{}, fmt.Errorf("%q: %s is not a step of the chain; the steps are %s", text, match[1], strings.Join(events.TransitionNames, ", "))
	}
	percentile, err := strconv.Atoi(match[2])
	if err != nil || percentile < 1 || percentile > 100 {
		return Threshold{}, fmt.Errorf("%q: a percentile is from 1 to 100", text)
	}
	limit, err := time.ParseDuration(match[3])
	if err != nil || limit <= 0 {
		return Threshold{}, fmt.Errorf("%q: %s is not a duration such as 500ms", text, match[3])
	}
	return Threshold{match[1], percentile, limit}, nil
}

// String is the threshold as ParseThreshold reads it.
func (t Threshold) String() string {
	return fmt.Sprintf("%s p%d < %s", t.Transition, t.Percentile, t.Limit)
}

// Check returns an error unless the run kept below the threshold; also if nothing was
// measured that could have.
func (t Threshold) Check(run *events.RunRecord) error {
	if run.Run.Virtual {
		return fmt.Errorf("threshold %s: nothing takes any time in virtual time", t)
	}
	for _, l := range Latencies(run) {
		if l.Transition != t.Transition {
			continue
		}
		if measured := l.Percentile(t.Percentile); measured >= t.Limit {
			return fmt.Errorf("threshold %s: measured %s, over %d", t, brief(measured), l.Count())
		}
		return nil
	}
	return fmt.Errorf("threshold %s: no object took this step in a scenario that passed", t)
}
