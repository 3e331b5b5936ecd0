package events_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/events"
)

// split makes streams of so many shards of the stream of a whole run.
func split(t *testing.T, whole string, count int) [][]events.Event {
	t.Helper()
	shards := make([][]events.Event, count)
	owner := map[string]int{} // by scenario
	requirements := 0
	for line := range strings.Lines(whole) {
		var event events.Event
		require.NoError(t, json.Unmarshal([]byte(line), &event))
		mine := -1 // all
		switch {
		case event.Requirement != nil:
			mine = requirements % count
			requirements++
			for _, scenario := range event.Requirement.Scenarios {
				owner[scenario.Location.String()] = mine
			}
		case event.Scenario != nil:
			mine = owner[event.Scenario.Scenario]
		case event.Step != nil:
			mine = owner[event.Step.Scenario]
		case event.Write != nil:
			mine = owner[event.Write.Scenario]
		case event.Call != nil:
			mine = owner[event.Call.Scenario]
		case event.Verdict != nil:
			mine = owner[event.Verdict.Scenario]
		}
		for i := range shards {
			own := event
			switch {
			case event.Run != nil:
				run := *event.Run
				run.Shard = &events.Shard{Index: i + 1, Count: count}
				run.Specification.Requirements = -1 // those of the merged run are counted
				own.Run = &run
			case event.Requirement != nil && mine != i:
				own = events.Event{OtherShard: &events.OtherShard{Shard: mine + 1, Requirement: event.Requirement}}
			case mine >= 0 && mine != i:
				continue
			}
			shards[i] = append(shards[i], own)
		}
	}
	return shards
}

// recordings are the streams as who reads them knows them.
func recordings(t *testing.T, shards [][]events.Event) []*events.RunRecord {
	t.Helper()
	var all []*events.RunRecord
	for _, shard := range shards {
		var text bytes.Buffer
		stream := events.NewStream(&text)
		for _, event := range shard {
			stream.Add(event)
		}
		require.NoError(t, stream.Err())
		read, err := events.Read(&text)
		require.NoError(t, err)
		all = append(all, read)
	}
	return all
}

var exported = cmpopts.IgnoreUnexported(events.RunRecord{})

// TestMerge: shards, in whatever order they come, come to what the whole run came to.
func TestMerge(t *testing.T) {
	text, _ := stream(t)
	whole, err := events.Read(strings.NewReader(text))
	require.NoError(t, err)
	for count := range 5 {
		shards := recordings(t, split(t, text, count+1))
		slices.Reverse(shards)
		merged, err := events.Merge(shards)
		require.NoError(t, err)
		assert.Empty(t, cmp.Diff(whole, merged, exported), "%d shards", count+1)
		runs, err := events.Runs(append([]*events.RunRecord{whole}, shards...))
		require.NoError(t, err)
		assert.Empty(t, cmp.Diff([]*events.RunRecord{whole, merged}, runs, exported), "a whole run, and another in %d shards", count+1)
	}
}

// TestMergeWithout: what a shard that is not there, or was killed, would have executed
// could not run.
func TestMergeWithout(t *testing.T) {
	text, whole := stream(t)
	shards := split(t, text, 3)
	shards[1] = slices.DeleteFunc(shards[1], func(event events.Event) bool { return event.Verdict != nil || event.End != nil })
	for name, test := range map[string]struct {
		shards []*events.RunRecord
		reason string
	}{
		"one that is not there":  {recordings(t, [][]events.Event{shards[0], shards[2]}), "shard 2/3 is not there"},
		"one that was killed":    {recordings(t, shards), events.NotReached},
		"none but it, not there": {recordings(t, shards[:1]), "shard 2/3 is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			merged, err := events.Merge(test.shards)
			require.NoError(t, err)
			assert.Nil(t, merged.End)
			assert.NotZero(t, merged.ExitStatus())
			assert.Equal(t, whole.Run.Specification, merged.Run.Specification)
			require.Len(t, merged.Requirements, len(whole.Requirements))
			for i, requirement := range merged.Requirements {
				assert.Equal(t, whole.Requirements[i].ID, requirement.ID)
				if i%3 == 1 {
					assert.Equal(t, events.CouldNotRun, requirement.Outcome())
					assert.Equal(t, test.reason, requirement.Reason())
				}
			}
		})
	}
}

// TestMergeKeepsTheTime: however long a run took, to the nanosecond.
func TestMergeKeepsTheTime(t *testing.T) {
	text, _ := stream(t)
	for _, nanoseconds := range []time.Duration{16159253722, 4033761413, 16897296276, 29} {
		shards := recordings(t, split(t, text, 1))
		shards[0].End.Seconds = nanoseconds.Seconds()
		merged, err := events.Merge(shards)
		require.NoError(t, err)
		assert.Equal(t, nanoseconds.Seconds(), merged.End.Seconds)
	}
}

// TestMergeTimes: a run lasts from the first start to the last end, and its lags are not
// made better than they were.
func TestMergeTimes(t *testing.T) {
	text, _ := stream(t)
	shards := recordings(t, split(t, text, 3))
	began := shards[0].Run.Started
	shards[1].Run.Started = began.Add(-time.Second)
	for i, end := range []events.End{
		{Seconds: 5, Lag: &events.Lag{Count: 10, P50: 1, P90: 2, P99: 8, Max: 8}},
		{Seconds: 7, Error: "it did not end well"},
		{Seconds: 6.5, Lag: &events.Lag{Count: 1, P50: 3, P90: 3, P99: 3, Max: 3}},
	} {
		shards[i].Run.ID = []string{"a", "b", "c"}[i]
		shards[i].End = &end
	}
	merged, err := events.Merge(shards)
	require.NoError(t, err)
	assert.Equal(t, began.Add(-time.Second), merged.Run.Started)
	assert.Equal(t, "a b c", merged.Run.ID)
	assert.Equal(t, &events.End{Seconds: 7.5, Error: "shard 2/3: it did not end well",
		Lag: &events.Lag{Count: 11, P50: 3, P90: 3, P99: 8, Max: 8}}, merged.End)
	assert.NotZero(t, merged.ExitStatus())
}

// TestMergeRefuses what is not one run.
func TestMergeRefuses(t *testing.T) {
	text, whole := stream(t)
	for name, test := range map[string]struct {
		change func(run *events.Run)
		says   string
	}{
		"another specification":  {func(run *events.Run) { run.Specification.Digest = "d" }, "shards 1/2 and 2/2 are not of one run: specification "},
		"another implementation": {func(run *events.Run) { run.Implementation.Version = "v0" }, "not of one run: implementation "},
		"another command":        {func(run *events.Run) { run.Command = "podchain verify --timeout 1s" }, "not of one run: command podchain verify, and command podchain verify --timeout 1s"},
		"another seed":           {func(run *events.Run) { run.Seed = 7 }, "not of one run: seed 1, and seed 7"},
		"other shards":           {func(run *events.Run) { run.Shard.Count = 3 }, "shards 1/2 and 2/3 are not of one run: number of shards 2, and number of shards 3"},
		"another time":           {func(run *events.Run) { run.Virtual = !run.Virtual }, "not of one run: virtual time"},
		"a shard twice":          {func(run *events.Run) { run.Shard.Index = 1 }, "other scenarios were selected"},
		"a whole run":            {func(run *events.Run) { run.Shard = nil }, "a whole run is no shard"},
	} {
		t.Run(name, func(t *testing.T) {
			shards := split(t, text, 2)
			test.change(shards[1][0].Run)
			_, err := events.Merge(recordings(t, shards))
			require.ErrorContains(t, err, test.says)
		})
	}
	_, err := events.Merge(nil)
	require.ErrorContains(t, err, "there is no shard to merge")
	_, err = events.Merge([]*events.RunRecord{whole})
	require.ErrorContains(t, err, "a whole run is no shard")
	shards := split(t, text, 2)
	twice := recordings(t, [][]events.Event{shards[0], shards[1], shards[1]})
	_, err = events.Merge(twice)
	require.ErrorContains(t, err, "shard 2/2 is there twice")
	_, err = events.Runs(twice)
	require.ErrorContains(t, err, "shard 2/2 is there twice")
	shards[1] = slices.DeleteFunc(shards[1], func(event events.Event) bool {
		return event.Requirement != nil || event.Scenario != nil || event.Step != nil || event.Write != nil || event.Verdict != nil
	})
	_, err = events.Merge(recordings(t, shards))
	require.ErrorContains(t, err, "other scenarios were selected, or one breaks off before it has named them all")
	_, err = events.Read(strings.NewReader(`{"run":{"format":"podchain.dev/events/v1","shard":{"index":3,"count":2}}}`))
	require.ErrorContains(t, err, "line 1: there is no shard 3/2")
}
