package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/printable"
)

// The elements of a JUnit report that all its readers know, without the attributes that
// only some of them allow.
type (
	junitSuites struct {
		XMLName xml.Name `xml:"testsuites"`
		Name    string   `xml:"name,attr"`
		junitCount
		Suites []*junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name string `xml:"name,attr"`
		junitCount
		Skipped   int         `xml:"skipped,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCount struct {
		Tests    int     `xml:"tests,attr"`
		Failures int     `xml:"failures,attr"`
		Errors   int     `xml:"errors,attr"`
		Time     seconds `xml:"time,attr"`
	}
	junitCase struct {
		Class   string     `xml:"classname,attr"`
		Name    string     `xml:"name,attr"`
		Time    seconds    `xml:"time,attr"`
		Skipped *string    `xml:"skipped"` // the reason: not all know an attribute for it
		Failure *junitNote `xml:"failure"`
		Error   *junitNote `xml:"error"`
	}
	junitNote struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Story   string `xml:",chardata"`
	}
	// seconds are written as JUnit does it, with three decimals.
	seconds float64
)

// MarshalText implements encoding.TextMarshaler.
func (s seconds) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%.3f", float64(s)), nil }

// JUnit writes what came of a run for CI systems: a suite for each link, a case for
// each scenario. Not applicable and known failing is skipped, could not run is an error;
// the text of what did not pass is that of Tell.
func JUnit(out io.Writer, run *events.RunRecord) error {
	all := junitSuites{Name: "podchain: " + run.Run.Implementation.String()}
	byLink := map[string]*junitSuite{}
	for _, requirement := range run.Requirements {
		suite := byLink[requirement.Link]
		if suite == nil {
			suite = &junitSuite{Name: requirement.Link, Timestamp: run.Run.Started.UTC().Format("2006-01-02T15:04:05")}
			byLink[requirement.Link] = suite
			all.Suites = append(all.Suites, suite)
		}
		for _, scenario := range requirement.Scenarios {
			suite.add(caseOf(scenario))
		}
	}
	for _, suite := range all.Suites {
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Errors += suite.Errors
		all.Time += suite.Time
	}
	if _, err := io.WriteString(out, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(out)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(out, "\n")
	return err
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	s.Time += c.Time
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func caseOf(scenario *events.ScenarioRecord) junitCase {
	outcome := scenario.Verdict
	c := junitCase{
		Class: "podchain." + scenario.Requirement.Link, Time: seconds(outcome.Seconds),
		Name: fmt.Sprintf("%s %s: %s (%s)", scenario.Requirement.ID, scenario.Requirement.Sentence, scenario.Name, scenario.Location),
	}
	switch outcome.Outcome {
	case events.NotApplicable, events.KnownFailing:
		c.Skipped = new(printable.Text(outcome.Reason))
	case events.Failed, events.CouldNotRun, events.Stale:
		note := &junitNote{Message: printable.Text(outcome.Reason), Type: string(outcome.Outcome), Story: Tell(scenario)}
		if outcome.Outcome == events.CouldNotRun {
			c.Error = note
		} else {
			c.Failure = note
		}
	}
	return c
}

// duration of a number of seconds.
func duration(count float64) time.Duration { return time.Duration(count * float64(time.Second)) }
