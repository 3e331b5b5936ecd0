package report

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	gherkin "github.com/cucumber/gherkin/go/v26"
	messages "github.com/cucumber/messages/go/v21"

	"github.com/podchain/podchain/conformance/events"
)

// protocol is the version of the Cucumber Messages that are written.
const protocol = "21.0.1"

// Messages writes what came of a run as Cucumber Messages (NDJSON), which Cucumber's
// own viewers open: each scenario is a test case. The steps of one that is not
// applicable, and those after a step that did not hold, are skipped.
func Messages(out io.Writer, run *events.RunRecord) error {
	m := &messageWriter{out: json.NewEncoder(out), ids: &messages.Incrementing{}, pickles: map[string]*messages.Pickle{}}
	m.out.SetEscapeHTML(false)
	m.begin(run)
	for _, feature := range run.Features {
		if err := m.feature(feature); err != nil {
			return err
		}
	}
	started := timestamp(run.Run.Started)
	m.write(messages.Envelope{TestRunStarted: &messages.TestRunStarted{Timestamp: started}})
	for _, requirement := range run.Requirements {
		for _, scenario := range requirement.Scenarios {
			if err := m.scenario(run, scenario); err != nil {
				return err
			}
		}
	}
	ended := run.Run.Started
	if run.End != nil {
		ended = ended.Add(duration(run.End.Seconds))
	}
	m.write(messages.Envelope{TestRunFinished: &messages.TestRunFinished{Success: run.ExitStatus() == 0, Timestamp: timestamp(ended)}})
	return m.err
}

type messageWriter struct {
	out     *json.Encoder
	err     error
	ids     *messages.Incrementing
	pickles map[string]*messages.Pickle // by the scenario's location
}

func (m *messageWriter) write(envelope messages.Envelope) {
	if m.err == nil {
		m.err = m.out.Encode(envelope)
	}
}

func (m *messageWriter) begin(run *events.RunRecord) {
	m.write(messages.Envelope{Meta: &messages.Meta{
		ProtocolVersion: protocol,
		Implementation:  &messages.Product{Name: "podchain"},
		Runtime:         &messages.Product{Name: run.Run.Implementation.String()},
		Os:              &messages.Product{Name: runtime.GOOS},
		Cpu:             &messages.Product{Name: runtime.GOARCH},
	}})
}

// feature writes a file, what it says, and the pickles of its scenarios.
func (m *messageWriter) feature(feature *events.Feature) error {
	uri := "features/" + feature.Path
	m.write(messages.Envelope{Source: &messages.Source{Uri: uri, Data: feature.Content, MediaType: messages.SourceMediaType_TEXT_X_CUCUMBER_GHERKIN_PLAIN}})
	document, err := gherkin.ParseGherkinDocument(strings.NewReader(feature.Content), m.ids.NewId)
	if err != nil {
		return fmt.Errorf("feature %s: %w", feature.Path, err)
	}
	document.Uri = uri
	m.write(messages.Envelope{GherkinDocument: document})
	lines := linesOf(document)
	for _, pickle := range gherkin.Pickles(*document, uri, m.ids.NewId) {
		m.write(messages.Envelope{Pickle: pickle})
		// The last node is the scenario, or the row of an outline.
		line := lines[pickle.AstNodeIds[len(pickle.AstNodeIds)-1]]
		m.pickles[fmt.Sprintf("%s:%d", feature.Path, line)] = pickle
	}
	return nil
}

// linesOf are the lines of scenarios and of the rows of outlines, by their ids.
func linesOf(document *messages.GherkinDocument) map[string]int64 {
	lines := map[string]int64{}
	scenario := func(s *messages.Scenario) {
		if s == nil {
			return
		}
		lines[s.Id] = s.Location.Line
		for _, table := range s.Examples {
			for _, row := range table.TableBody {
				lines[row.Id] = row.Location.Line
			}
		}
	}
	for _, child := range document.Feature.Children {
		scenario(child.Scenario)
		if child.Rule != nil {
			for _, inner := range child.Rule.Children {
				scenario(inner.Scenario)
			}
		}
	}
	return lines
}

// scenario writes a test case and how it went.
func (m *messageWriter) scenario(run *events.RunRecord, scenario *events.ScenarioRecord) error {
	pickle := m.pickles[scenario.Location.String()]
	if pickle == nil || len(pickle.Steps) != len(scenario.Steps) {
		return fmt.Errorf("scenario %s: the stream has no feature with just that", scenario.Location)
	}
	began := scenario.Began
	if began.IsZero() {
		began = run.Run.Started
	}
	test := &messages.TestCase{Id: m.ids.NewId(), PickleId: pickle.Id}
	for _, step := range pickle.Steps {
		test.TestSteps = append(test.TestSteps, &messages.TestStep{Id: m.ids.NewId(), PickleStepId: step.Id})
	}
	m.write(messages.Envelope{TestCase: test})
	attempt := m.ids.NewId()
	m.write(messages.Envelope{TestCaseStarted: &messages.TestCaseStarted{Id: attempt, TestCaseId: test.Id, Timestamp: timestamp(began)}})
	at, results := began, resultsOf(scenario)
	for i, step := range test.TestSteps {
		if i < len(scenario.Done) {
			at = began.Add(duration(scenario.Done[i].At))
		}
		m.write(messages.Envelope{TestStepStarted: &messages.TestStepStarted{TestCaseStartedId: attempt, TestStepId: step.Id, Timestamp: timestamp(at)}})
		at = at.Add(messages.DurationToGoDuration(*results[i].Duration))
		m.write(messages.Envelope{TestStepFinished: &messages.TestStepFinished{TestCaseStartedId: attempt, TestStepId: step.Id,
			TestStepResult: results[i], Timestamp: timestamp(at)}})
	}
	m.write(messages.Envelope{TestCaseFinished: &messages.TestCaseFinished{TestCaseStartedId: attempt, Timestamp: timestamp(at)}})
	return nil
}

// resultsOf are the results of the steps. What went wrong outside of any step is the
// last one's that was executed, since viewers know of nothing else.
func resultsOf(scenario *events.ScenarioRecord) []*messages.TestStepResult {
	results := make([]*messages.TestStepResult, len(scenario.Steps))
	for i := range results {
		results[i] = &messages.TestStepResult{Status: messages.TestStepResultStatus_SKIPPED, Duration: &messages.Duration{}}
		if i < len(scenario.Done) {
			took := messages.GoDurationToDuration(duration(scenario.Done[i].Seconds))
			results[i].Status, results[i].Duration = messages.TestStepResultStatus_PASSED, &took
		}
	}
	if outcome := scenario.Verdict.Outcome; outcome.NeedsDetail() {
		at := max(0, len(scenario.Done)-1)
		if evidence := scenario.Verdict.Evidence; evidence != nil && evidence.Step != nil {
			at = *evidence.Step
		}
		results[at].Status, results[at].Message = messages.TestStepResultStatus_FAILED, Tell(scenario)
		if !outcome.Bad() {
			results[at].Status = messages.TestStepResultStatus_PENDING // as it needs no attention now
		}
	}
	return results
}

func timestamp(at time.Time) *messages.Timestamp {
	converted := messages.GoTimeToTimestamp(at)
	return &converted
}
