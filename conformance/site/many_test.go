package site_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/site"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
)

// twice is the specification two times over, the second time under other ids: more
// than 300 requirements, of the length that they have.
func twice(tb testing.TB) *specification.Specification {
	tb.Helper()
	id := regexp.MustCompile(`@([A-Z]+(?:-[A-Z]+)*-[0-9]+)`)
	files := fstest.MapFS{}
	require.NoError(tb, fs.WalkDir(features.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(features.Files, name)
		files[name] = &fstest.MapFile{Data: content}
		files[strings.TrimSuffix(name, ".feature")+"-again.feature"] = &fstest.MapFile{Data: id.ReplaceAll(content, []byte("@AGAIN-$1"))}
		return err
	}))
	whole, err := specification.Load(files)
	require.NoError(tb, err)
	require.Greater(tb, len(whole.Requirements), 300)
	return whole
}

// manyRuns are made up: each is of an implementation of its own, and in each other
// requirements failed, with a timeline, or are not applicable. All of them differ.
func manyRuns(tb testing.TB, whole *specification.Specification, count int) []*events.RunRecord {
	tb.Helper()
	var runs []*events.RunRecord
	for number := range count {
		run := &events.RunRecord{}
		take := func(event events.Event) { require.NoError(tb, run.Add(event)) }
		take(events.Event{Run: &events.Run{
			Format: events.Format, Specification: events.Specification{Digest: whole.Digest},
			Implementation: chain.Description{Name: "distribution", Version: fmt.Sprintf("v1.%d.0", number)},
			Started:        time.Date(2026, 1, 2, 3, number, 0, 0, time.UTC),
		}})
		for i, requirement := range whole.Requirements {
			written := &events.Requirement{ID: requirement.ID, Level: requirement.Level, Link: requirement.Link,
				Sentence: requirement.Sentence, Location: requirement.Location}
			for _, example := range requirement.Examples {
				written.Scenarios = append(written.Scenarios, events.Example{Location: example.Location, Name: example.Name, Steps: example.Steps})
			}
			take(events.Event{Requirement: written})
			for at, example := range written.Scenarios {
				outcome := events.Verdict{Scenario: example.Location.String(), Outcome: events.Passed}
				switch {
				case (i+number)%(count/2) == 0 && at == 0:
					outcome.Outcome, outcome.Reason = events.Failed, "it is not so"
					outcome.Evidence = &events.Evidence{Step: new(int), Error: "it is not so", Blamed: chain.Scheduler, Missing: "Pod has no node"}
					take(events.Event{Step: &events.Step{Scenario: outcome.Scenario, Failed: true}})
					for _, write := range chainOfWrites(tb, outcome.Scenario) {
						take(events.Event{Write: &write})
					}
				case (i+number)%(count/4) == 1:
					outcome.Outcome, outcome.Reason = events.NotApplicable, "the implementation does not offer nodes"
				}
				take(events.Event{Verdict: &outcome})
			}
		}
		take(events.Event{End: &events.End{}})
		runs = append(runs, run)
	}
	return runs
}

// chainOfWrites are what a Deployment with three Pods may come to.
func chainOfWrites(tb testing.TB, scenario string) []events.Write {
	tb.Helper()
	var all []events.Write
	add := func(writer, kind, name string, fields ...string) {
		for i, field := range fields {
			write := events.Write{Scenario: scenario, Number: len(all) + 1, At: float64(len(all)) / 100, Type: "MODIFIED", Kind: kind,
				Name: name, UID: name, ResourceVersion: fmt.Sprint(len(all) + 1), Writer: writer}
			content, err := json.Marshal(map[string]any{"metadata": map[string]string{"name": name}, "status": map[string]string{field: "True"}})
			require.NoError(tb, err)
			if write.Patch = content; i == 0 {
				write.Type, write.Object, write.Patch = "ADDED", content, nil
			}
			all = append(all, write)
		}
	}
	add("podchain", "Deployment", "web", "observed", "available")
	add("deployment-controller", "ReplicaSet", "web-1", "observed", "available")
	for pod := range 3 {
		add("replicaset-controller", "Pod", fmt.Sprint("web-1-", pod), "created", "bound", "started", "ready")
	}
	return all
}

const runsOfMany = 100

// TestManyRuns: with a hundred implementations the front can still be taken in, and
// the pages do not get heavy.
func TestManyRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes so much to see how much that is")
	}
	whole := twice(t)
	directory := t.TempDir()
	require.NoError(t, site.Build(directory, whole, manyRuns(t, whole, runsOfMany)))
	for name, limit := range map[string]int64{"index.html": 300_000, "compare.html": 1_000_000, "timelines.html": 300_000} {
		info, err := os.Stat(filepath.Join(directory, name))
		require.NoError(t, err)
		assert.Less(t, info.Size(), limit, name)
	}
	front := read(t, os.DirFS(directory), "index.html").text
	assert.Contains(t, front, "how many of 100 implementations")
	assert.Contains(t, front, "<details><summary>100 implementations</summary>", "folded: it would take half of the first paint")
	assert.Contains(t, front, "All 700 recorded scenarios")
}

// BenchmarkBuild makes the site of a hundred runs. PODCHAIN_TEST_SITE names the
// directory where it stays, for a browser.
func BenchmarkBuild(b *testing.B) {
	whole := twice(b)
	runs := manyRuns(b, whole, runsOfMany)
	directory := os.Getenv("PODCHAIN_TEST_SITE")
	if directory == "" {
		directory = b.TempDir()
	}
	for b.Loop() {
		require.NoError(b, site.Build(directory, whole, runs))
	}
}
