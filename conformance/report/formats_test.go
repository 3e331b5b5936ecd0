package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	messages "github.com/cucumber/messages/go/v21"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/report"
	"github.com/podchain/podchain/conformance/specification"
)

// recorded is a run with a scenario of every outcome, and with what is hard to write
// down.
func recorded(t *testing.T) *events.RunRecord {
	t.Helper()
	run := &events.RunRecord{}
	take := func(event events.Event) { require.NoError(t, run.Add(event)) }
	at := func(line int) specification.Location {
		return specification.Location{File: "4-scheduler/a.feature", Line: line}
	}
	take(events.Event{Run: &events.Run{Format: events.Format, Command: "podchain verify",
		Implementation: chain.Description{Name: "mine", Version: "v1 <&>"}, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Specification: events.Specification{Digest: "d", Requirements: 4, Scenarios: 5}}})
	requirement := func(id, link string, scenarios ...events.Example) {
		take(events.Event{Requirement: &events.Requirement{ID: id, Level: "MUST", Link: link, Sentence: "It is so", Location: at(1), Scenarios: scenarios}})
	}
	example := func(line int, capabilities ...string) events.Example {
		return events.Example{Name: `A "name" | of it`, Location: at(line), Capabilities: capabilities,
			Steps: []specification.Step{{Keyword: "Then", Text: "it is", Location: at(line + 1)}}}
	}
	requirement("A-01", "api-server", example(10))
	requirement("A-02", "scheduler", example(20), example(30))
	requirement("A-03", "scheduler", example(40, "nodes", "links"))
	requirement("A-04", "kubelet", example(50, "containers"))
	step := 0
	for line, outcome := range map[int]events.Verdict{
		10: {Outcome: events.Passed, Seconds: 1.5},
		20: {Outcome: events.Passed},
		30: {Outcome: events.Failed, Reason: "expected <a>, it is \x1b[1mb, 100%", Rerun: "podchain verify --select 4-scheduler/a.feature:30",
			Evidence: &events.Evidence{Step: &step, Error: "expected <a>, 100%\n- b```", Blamed: chain.Scheduler, Missing: "it has not"}},
		40: {Outcome: events.NotApplicable, Reason: "it is not offered", Lacks: []string{"nodes"}},
		50: {Outcome: events.CouldNotRun, Reason: "nobody knows", Evidence: &events.Evidence{Error: "nobody knows"}},
	} {
		outcome.Scenario = at(line).String()
		take(events.Event{Verdict: &outcome})
	}
	take(events.Event{End: &events.End{Seconds: 2}})
	return run
}

// TestMessages: every scenario is a test case with the results of its steps, as
// Cucumber's viewers want them.
func TestMessages(t *testing.T) {
	run := recorded(t)
	run.Features = []*events.Feature{{Path: "4-scheduler/a.feature", Content: `Feature: f
  Rule: r
` + strings.Repeat("\n", 7) + strings.Repeat("    Scenario: s\n      Then it is\n"+strings.Repeat("\n", 8), 5)}}
	statuses, ids := map[string]int{}, map[string]bool{}
	for line := range strings.Lines(written(t, report.Messages, run)) {
		var envelope messages.Envelope
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		require.NoError(t, decoder.Decode(&envelope))
		switch {
		case envelope.Pickle != nil:
			ids[envelope.Pickle.Id] = true
		case envelope.TestCase != nil:
			assert.True(t, ids[envelope.TestCase.PickleId], "a pickle comes before its test case")
			ids[envelope.TestCase.Id] = true
		case envelope.TestCaseStarted != nil:
			assert.True(t, ids[envelope.TestCaseStarted.TestCaseId])
		case envelope.TestStepFinished != nil:
			statuses[string(envelope.TestStepFinished.TestStepResult.Status)]++
		case envelope.TestRunFinished != nil:
			assert.False(t, envelope.TestRunFinished.Success)
		}
	}
	assert.Equal(t, map[string]int{"FAILED": 2, "SKIPPED": 3}, statuses)

	run.Features = nil
	require.ErrorContains(t, report.Messages(io.Discard, run), "scenario 4-scheduler/a.feature:10: the stream has no feature with just that")
}

func written(t *testing.T, write func(io.Writer, *events.RunRecord) error, run *events.RunRecord) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, write(&out, run))
	return out.String()
}

func TestJUnit(t *testing.T) {
	text := written(t, report.JUnit, recorded(t))
	type count struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
	}
	var read struct {
		count
		Suites []struct {
			count
			Name  string `xml:"name,attr"`
			Cases []struct {
				Class   string `xml:"classname,attr"`
				Name    string `xml:"name,attr"`
				Failure string `xml:"failure"`
				Skipped string `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal([]byte(text), &read), text)
	assert.Equal(t, count{5, 1, 1, 0}, read.count)
	got := map[string]count{}
	for _, suite := range read.Suites {
		got[suite.Name] = suite.count
		for _, one := range suite.Cases {
			assert.Equal(t, "podchain."+suite.Name, one.Class)
		}
	}
	assert.Equal(t, map[string]count{"api-server": {1, 0, 0, 0}, "scheduler": {3, 1, 0, 1}, "kubelet": {1, 0, 1, 0}}, got)
	assert.Contains(t, read.Suites[1].Cases[1].Failure, "The chain broke at the scheduler: it has not.")
	assert.Contains(t, read.Suites[1].Cases[1].Name, "A-02 It is so")
	assert.Equal(t, "it is not offered", read.Suites[1].Cases[2].Skipped)
}

func TestGitHub(t *testing.T) {
	text := written(t, report.GitHub, recorded(t))
	assert.Contains(t, text, "| scheduler | - | 1 | - | 1 | 1 scenario |")
	assert.Contains(t, text, "<b>A-02</b> failed: expected &lt;a&gt;")
	assert.Contains(t, text, "````text\n", "a fence that nothing within ends")

	lines := strings.Split(strings.TrimSpace(written(t, report.Annotations("features/"), recorded(t))), "\n")
	require.Len(t, lines, 2, "a command is one line")
	command := regexp.MustCompile(`^::error file=features/4-scheduler/a\.feature,line=\d+,title=[^:,]+::.+$`)
	for _, line := range lines {
		assert.Regexp(t, command, line)
	}
	assert.Contains(t, lines[0], "line=31,", "the step that did not hold")
	assert.Contains(t, lines[0], "100%25")
}

func TestBadge(t *testing.T) {
	run := recorded(t)
	text := written(t, report.Badge, run)
	require.NoError(t, xml.Unmarshal([]byte(text), new(struct{})))
	assert.Contains(t, text, "podchain: 1 of 3 passed")
	run.End = nil
	assert.Contains(t, written(t, report.Badge, run), "podchain: no verdict", "of a run that was killed")
}

// TestConformanceReport: what is written can be read, and what nobody should rely on
// is not valid.
func TestConformanceReport(t *testing.T) {
	whole := &specification.Specification{Digest: "d"}
	for _, requirement := range recorded(t).Requirements {
		stated := &specification.Requirement{ID: requirement.ID, Level: requirement.Level}
		for _, scenario := range requirement.Scenarios {
			stated.Examples = append(stated.Examples, &specification.Example{Location: scenario.Location, Capabilities: scenario.Capabilities})
		}
		whole.Requirements = append(whole.Requirements, stated)
	}
	for name, test := range map[string]struct {
		change func(*report.Conformance)
		says   string // "": it is valid
	}{
		"as it is":            {func(*report.Conformance) {}, ""},
		"nobody to ask":       {func(c *report.Conformance) { c.Implementation.Contact = nil }, "implementation.contact"},
		"no version":          {func(c *report.Conformance) { c.Implementation.Version = "" }, "it needs a name and a version"},
		"claimed and skipped": {func(c *report.Conformance) { c.Capabilities = append(c.Capabilities, "nodes") }, `A-03 was skipped for lack of "nodes", which is claimed`},
		"claimed, and lacked somewhere": {func(c *report.Conformance) {
			c.Capabilities, c.NotPassed[1].Lacks = append(c.Capabilities, "nodes"), nil
		}, `lacking: scenarios were skipped for lack of "nodes"`},
		"claimed, and no capability":       {func(c *report.Conformance) { c.Capabilities = []string{"magic"} }, `"magic" does not exist`},
		"a failure that was taken out":     {func(c *report.Conformance) { c.NotPassed = c.NotPassed[1:] }, "summary.MUST does not count what notPassed lists"},
		"counts that are too few":          {func(c *report.Conformance) { c.Summary = nil }, "summary counts 0 requirements, specification.requirements is 4"},
		"there twice":                      {func(c *report.Conformance) { c.NotPassed = append(c.NotPassed, c.NotPassed[0]) }, "A-02 is listed twice"},
		"passed, among those that are not": {func(c *report.Conformance) { c.NotPassed[0].Outcome = events.Passed }, `A-02 has the outcome "passed"`},
		"without a reason":                 {func(c *report.Conformance) { c.NotPassed[0].Reason = "" }, "A-02 has no reason"},
		"an id that there is not":          {func(c *report.Conformance) { c.NotPassed[0].ID = "B-01" }, "there is no requirement B-01"},
		"another level":                    {func(c *report.Conformance) { c.NotPassed[0].Level = "MAY" }, "A-02 is MUST, not MAY"},
		"a profile that there is not":      {func(c *report.Conformance) { c.Profile = "most" }, `profile: expected full, core or part, found "most"`},
		"full, and not all": {func(c *report.Conformance) {
			c.Specification.Requirements, c.NotPassed, c.Summary = 1, nil, map[string]report.ConformanceCount{"MUST": {Passed: 1}}
		}, "full means all 4 requirements"},
	} {
		t.Run(name, func(t *testing.T) {
			text := written(t, report.YAML(report.Claims{Contact: []string{"a@example.com"}, Specification: whole}), recorded(t))
			c, err := report.ReadConformance([]byte(text))
			require.NoError(t, err)
			assert.Equal(t, []string{"containers", "links"}, c.Capabilities)
			assert.Equal(t, report.ProfileFull, c.Profile)
			test.change(c)
			if test.says == "" {
				require.NoError(t, c.Check(whole))
			} else {
				require.ErrorContains(t, c.Check(whole), test.says)
			}
		})
	}
	_, err := report.ReadConformance([]byte("kind: Pod\napiVersion: v1\n"))
	require.ErrorContains(t, err, "expected apiVersion podchain.dev/v1 and kind ConformanceReport")
	_, err = report.ReadConformance([]byte("kind: ConformanceReport\ncolour: green\n"))
	require.ErrorContains(t, err, "colour")
}

// TestProfile: what was left out decides.
func TestProfile(t *testing.T) {
	run := recorded(t)
	example := func(line int, capabilities ...string) *specification.Example {
		return &specification.Example{Location: specification.Location{File: "4-scheduler/a.feature", Line: line}, Capabilities: capabilities}
	}
	for name, test := range map[string]struct {
		digest  string
		further []*specification.Example
		want    string
	}{
		"all":                          {"d", nil, report.ProfileFull},
		"without what needs something": {"d", []*specification.Example{example(99, "links")}, report.ProfileCore},
		"without what needs nothing":   {"d", []*specification.Example{example(99)}, report.ProfilePart},
		"of another specification":     {"e", nil, report.ProfilePart},
	} {
		t.Run(name, func(t *testing.T) {
			whole := &specification.Specification{Digest: test.digest, Requirements: []*specification.Requirement{
				{Examples: append([]*specification.Example{example(10), example(40, "nodes")}, test.further...)}}}
			assert.Equal(t, test.want, report.ConformanceOf(run, report.Claims{Specification: whole}).Profile)
		})
	}
}

// TestThresholds: a bound is on what was measured; what was not cannot keep below it.
func TestThresholds(t *testing.T) {
	run := recorded(t)
	for i := range 100 {
		outcome := run.Requirements[0].Scenarios[0].Verdict
		outcome.Transitions = append(run.Requirements[0].Scenarios[0].Verdict.Transitions, events.Transition{Name: "bound", Seconds: float64(i+1) / 100})
		require.NoError(t, run.Add(events.Event{Verdict: &outcome}))
	}
	for text, says := range map[string]string{
		"bound p99 < 1s":       "",
		"bound p100 < 1s":      "threshold bound p100 < 1s: measured 1s, over 100",
		"bound p50<500ms":      "threshold bound p50 < 500ms: measured 500ms, over 100",
		" bound  p50 < 501ms ": "",
		"running p50 < 1s":     "no object took this step",
	} {
		threshold, err := report.ParseThreshold(text)
		require.NoError(t, err)
		if err := threshold.Check(run); says == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, says)
		}
	}
	for text, says := range map[string]string{
		"bound":           "expected STEP pPERCENTILE < DURATION",
		"bound p0 < 1s":   "a percentile is from 1 to 100",
		"lunch p50 < 1s":  "lunch is not a step of the chain; the steps are replicaset, pod,",
		"bound p50 < 1":   "1 is not a duration such as 500ms",
		"bound p50 < -1s": "-1s is not a duration",
	} {
		_, err := report.ParseThreshold(text)
		assert.ErrorContains(t, err, says)
	}
	assert.Contains(t, written(t, report.Terminal, run), "bound              100    500ms  900ms  990ms")
	run.Run.Virtual = true
	threshold, err := report.ParseThreshold("bound p99 < 1s")
	require.NoError(t, err)
	assert.ErrorContains(t, threshold.Check(run), "nothing takes any time in virtual time")
}
