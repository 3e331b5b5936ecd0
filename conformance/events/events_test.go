package events_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/reference"
)

// schema is that of a line.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	content, err := jsonschema.UnmarshalJSON(bytes.NewReader(events.Schema))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("events.json", content))
	compiled, err := compiler.Compile("events.json")
	require.NoError(t, err)
	return compiled
}

// stream is of some of the specification run without a scheduler, so that there are
// all kinds of events and outcomes.
func stream(t *testing.T) (string, *events.RunRecord) {
	t.Helper()
	streamed.once.Do(func() { streamed.text, streamed.recording = streamOf(t, events.Shard{}) })
	return streamed.text, streamed.recording
}

// streamed is what several tests look at.
var streamed struct {
	once      sync.Once
	text      string
	recording *events.RunRecord
}

func streamOf(t *testing.T, shard events.Shard) (string, *events.RunRecord) {
	t.Helper()
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	selected, err := whole.Select([]string{"CHAIN-01", "RS-05", "API-CREATE-03", "STORE-01", "KUBELET-03"})
	require.NoError(t, err)
	var lines bytes.Buffer
	written := events.NewStream(&lines)
	recording, err := conformance.Run(t.Context(), conformance.Options{
		Specification: selected, Shard: shard, Testing: t, Events: written.Add, Seed: 1,
		Implementation: reference.New(reference.Options{Without: []chain.Link{chain.Scheduler}}),
		KeepHistory:    func(example *specification.Example) bool { return recorded(example.Requirement.ID) },
	})
	require.NoError(t, err)
	require.NoError(t, written.Err())
	return lines.String(), recording
}

// recorded are those of which everything is kept: a Pod that the scheduler has no
// part in is one of them.
func recorded(id string) bool { return id == "RS-05" || id == "KUBELET-03" }

// TestStream: every line is as the schema says, all kinds of events are there, and
// who reads the stream knows what whoever ran it knows.
func TestStream(t *testing.T) {
	text, recording := stream(t)
	shard, _ := streamOf(t, events.Shard{Index: 2, Count: 3})
	compiled := schema(t)
	kinds := map[string]int{}
	for line := range strings.Lines(text + shard) {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		require.NoError(t, err)
		require.NoError(t, compiled.Validate(value), line)
		for kind := range value.(map[string]any) {
			kinds[kind]++
		}
	}
	for _, kind := range []string{"run", "feature", "requirement", "elsewhere", "scenario", "step", "write", "call", "outcome", "end"} {
		assert.Positive(t, kinds[kind], kind)
	}
	assert.Contains(t, text, `"notified":[{"link":"`)
	verdicts := recording.Count()
	assert.Positive(t, verdicts[events.Passed])
	assert.Positive(t, verdicts[events.Failed])
	assert.Positive(t, verdicts[events.NotApplicable])

	read, err := events.Read(strings.NewReader(text))
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff(recording, read, cmpopts.IgnoreUnexported(events.RunRecord{})))
	for _, requirement := range read.Requirements {
		for _, scenario := range requirement.Scenarios {
			kept := recorded(requirement.ID) || scenario.Verdict.Outcome.Bad()
			assert.Equal(t, kept, len(scenario.Writes) > 0, scenario.Location)
			assert.Equal(t, scenario.Verdict.Outcome.Bad(), scenario.Verdict.Rerun != "", scenario.Location)
		}
	}
}

// TestPatches: the versions of an object can be had from the first and the patches.
func TestPatches(t *testing.T) {
	_, recording := stream(t)
	seen := 0
	for _, requirement := range recording.Requirements {
		for _, scenario := range requirement.Scenarios {
			for _, version := range scenario.Versions() {
				var object struct {
					Metadata struct{ UID, ResourceVersion string }
				}
				require.NoError(t, json.Unmarshal(version.Object, &object))
				assert.Equal(t, version.UID, object.Metadata.UID)
				assert.Equal(t, version.ResourceVersion, object.Metadata.ResourceVersion)
				seen++
			}
		}
	}
	assert.Positive(t, seen)
}

// TestExitStatus: a run in which everything passed is not well if its cluster did not end
// well.
func TestExitStatus(t *testing.T) {
	for end, status := range map[events.End]int{{}: 0, {Error: "it is still there"}: 2} {
		run := &events.RunRecord{}
		at := specification.Location{File: "a", Line: 2}
		for _, event := range []events.Event{
			{Run: &events.Run{Format: events.Format}},
			{Requirement: &events.Requirement{ID: "A-01", Scenarios: []events.Example{{Location: at}}}},
			{Verdict: &events.Verdict{Scenario: at.String(), Outcome: events.Passed}},
			{End: &end},
		} {
			require.NoError(t, run.Add(event))
		}
		assert.Equal(t, status, run.ExitStatus())
	}
}

// TestKnown: what is known to fail is no failure, and stale as soon as nothing that the
// requirement has on the list for the same reason fails; the plain verdict knows no list.
func TestKnown(t *testing.T) {
	type came struct {
		outcome events.Outcome
		known   string
	}
	const why = "the first that failed"
	const passed, failed, unable, not = events.Passed, events.Failed, events.CouldNotRun, events.NotApplicable
	for name, test := range map[string]struct {
		scenarios      []came
		killed         bool
		verdict, plain events.Outcome
		status         int
	}{
		"not listed":                   {scenarios: []came{{passed, ""}, {not, ""}}, verdict: passed, plain: passed},
		"it fails":                     {scenarios: []came{{failed, "a"}}, verdict: events.KnownFailing, plain: failed},
		"it passes":                    {scenarios: []came{{passed, "a"}, {passed, ""}}, verdict: events.Stale, plain: passed, status: 1},
		"what applies passes":          {scenarios: []came{{passed, "a"}, {not, "a"}}, verdict: events.Stale, plain: passed, status: 1},
		"some of it passes":            {scenarios: []came{{passed, "a"}, {failed, "a"}}, verdict: events.KnownFailing, plain: failed},
		"some of it could not run":     {scenarios: []came{{passed, "a"}, {unable, "a"}}, verdict: unable, plain: unable, status: 2},
		"one of two reasons has gone":  {scenarios: []came{{passed, "a"}, {failed, "b"}}, verdict: events.Stale, plain: failed, status: 1},
		"another fails":                {scenarios: []came{{failed, "a"}, {failed, ""}}, verdict: failed, plain: failed, status: 1},
		"the run was killed before it": {scenarios: []came{{passed, "a"}}, killed: true, verdict: passed, plain: passed},
	} {
		t.Run(name, func(t *testing.T) {
			run, requirement := &events.RunRecord{}, &events.Requirement{ID: "A-01"}
			stream := []events.Event{{Run: &events.Run{Format: events.Format}}, {Requirement: requirement}}
			for i, scenario := range test.scenarios {
				at := specification.Location{File: "a", Line: i + 1}
				requirement.Scenarios = append(requirement.Scenarios, events.Example{Location: at})
				outcome := &events.Verdict{Scenario: at.String(), Outcome: scenario.outcome}
				if scenario.outcome == failed {
					outcome.Reason = why
				}
				outcome.MarkKnownFailing(scenario.known)
				stream = append(stream, events.Event{Verdict: outcome})
			}
			if !test.killed {
				stream = append(stream, events.Event{End: &events.End{}})
			}
			for _, event := range stream {
				require.NoError(t, run.Add(event))
			}
			assert.Equal(t, map[events.Outcome]int{test.verdict: 1}, run.Count())
			assert.Equal(t, map[events.Outcome]int{test.plain: 1}, run.CountIgnoringKnown())
			assert.Equal(t, test.status, run.ExitStatus())
			if test.plain == failed {
				assert.Contains(t, run.Requirements[0].ReasonIgnoringKnown(), why)
			}
		})
	}
}

// TestBrokenStreams: what is no stream is refused with the line; what a killed run
// has left is not.
func TestBrokenStreams(t *testing.T) {
	const (
		run         = `{"run":{"format":"podchain.dev/events/v1","implementation":{"name":"a","version":"1"},"specification":{"digest":"d","requirements":1,"scenarios":1},"started":"2026-01-01T00:00:00Z","seed":0}}` + "\n"
		requirement = `{"requirement":{"id":"A-01","level":"MUST","link":"chain","sentence":"s","location":{"file":"a","line":1},"scenarios":[{"location":{"file":"a","line":2},"name":"n","steps":[]}]}}` + "\n"
	)
	for name, test := range map[string]struct{ text, says string }{
		"empty":                 {"", "it is empty"},
		"no JSON":               {"hello\n", "line 1: not an event"},
		"no run":                {requirement, "line 1: it is no stream of a run"},
		"another format":        {`{"run":{"format":"podchain.dev/events/v2"}}`, `line 1: the format is "podchain.dev/events/v2", expected "podchain.dev/events/v1"`},
		"garbage in the middle": {run + "x\n" + requirement, "line 2: not an event"},
		"an unknown scenario":   {run + `{"outcome":{"scenario":"b:1","outcome":"passed","seconds":0}}`, `line 2: scenario "b:1" is of no requirement`},
		"a killed run":          {run + requirement + `{"outcome":{"scen`, ""},
		"a later event":         {run + requirement + `{"weather":{}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			recording, err := events.Read(strings.NewReader(test.text))
			if test.says != "" {
				require.ErrorContains(t, err, test.says)
				return
			}
			require.NoError(t, err)
			assert.Nil(t, recording.End)
			assert.Equal(t, 2, recording.ExitStatus())
			assert.Equal(t, events.CouldNotRun, recording.Requirements[0].Outcome())
			assert.Equal(t, events.NotReached, recording.Requirements[0].Reason())
		})
	}
}
