package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
)

func TestLoadKnown(t *testing.T) {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		list string
		says []string // none: it is a good one
	}{
		"a good one":       {list: "# of ours\nRS-05: we place them ourselves\n1-api-server/watch.feature: later\n"},
		"an empty one":     {list: ""},
		"no YAML":          {list: "RS-05: {", says: []string{"line 1"}},
		"no pairs":         {list: "- RS-05\n", says: []string{`:1: expected lines of "pattern: reason"`}},
		"no text":          {list: "RS-05:\n  reason: x\n", says: []string{":2: the reason of RS-05 must be a text"}},
		"no reason":        {list: "\nRS-05:\n", says: []string{":2: RS-05 has no reason"}},
		"what is not":      {list: "RS-99: x\n", says: []string{`:1: "RS-99" selects nothing`}},
		"what is excluded": {list: "'!RS-05': x\n", says: []string{":1: !RS-05 excludes"}},
		"twice":            {list: "RS-05: x\nRS: y\n", says: []string{":2: RS lists 3-replicaset-controller/", "which line 1 does already"}},
		"several faults":   {list: "RS-05:\nRS-99: x\n", says: []string{":1: ", ":2: "}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "known.yaml")
			require.NoError(t, os.WriteFile(file, []byte(test.list), 0o600))
			_, err := loadKnown(file, whole)
			if test.says == nil {
				require.NoError(t, err)
			}
			for _, say := range test.says {
				require.ErrorContains(t, err, say)
				require.ErrorContains(t, err, "--known-failing "+file+":")
			}
		})
	}
	none, err := loadKnown("", whole)
	require.NoError(t, err)
	assert.Nil(t, none)
	_, err = loadKnown("nowhere", whole)
	require.ErrorContains(t, err, "nowhere")
}

// TestKnownFailures: what is listed is no failure as long as it fails, and one when it
// passes; what is not listed still is.
func TestKnownFailures(t *testing.T) {
	const reason = "placed by hand (issue 7)"
	breaks := []string{"--mutant", "replicaset-controller/places-its-pods"}
	for name, test := range map[string]struct {
		list, selected string
		by             []string
		status         int
		verdict        string // of the requirement
		terminal       string
		junit          string
		github         string // "": nothing is annotated
	}{
		"it fails": {"RS-05: " + reason, "RS-05", breaks, 0, "known failing",
			"1 requirement, 0 passed, 1 failed (1 known to), 0 could not run", "<skipped>" + reason, ""},
		"it passes": {"RS-05: " + reason, "RS-05", nil, 1, "stale",
			"1 requirement, 1 passed (1 stale), 0 failed, 0 could not run", `<failure message="it passes, and is listed as known to fail: ` + reason, "::error file=features/3-replicaset"},
		"some of it passes": {"RS-01: " + reason, "RS-01", []string{"--link", "scheduler=none", "--timeout", "10s"}, 0, "known failing",
			"1 requirement, 0 passed, 1 failed (1 known to), 0 could not run", "<skipped>" + reason, ""},
		"another fails": {"RS-01: " + reason, "RS-05", breaks, 1, "failed",
			"1 requirement, 0 passed, 1 failed, 0 could not run", "<failure message=", "::error file=features/3-replicaset"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arguments := []string{"verify", "--known-failing", "known.yaml", "--select", test.selected,
				"--report", "json=report.json", "--report", "junit=junit.xml", "--report", "annotations=marks",
				"--report", "events=run.jsonl", "--report", "messages=messages.ndjson"}
			command := podchain(t, append(arguments, test.by...)...)
			require.NoError(t, os.WriteFile(filepath.Join(command.Dir, "known.yaml"), []byte(test.list+"\n"), 0o600))
			status, terminal, stderr := run(t, command)
			require.Equal(t, test.status, status, stderr)
			assert.Contains(t, flat(terminal), flat(test.terminal))
			assert.Contains(t, read(t, filepath.Join(command.Dir, "junit.xml")), test.junit)
			marks := read(t, filepath.Join(command.Dir, "marks"))
			if test.github == "" {
				assert.Empty(t, marks)
				assert.Contains(t, flat(terminal), flat("Known to fail: "+reason))
			} else {
				assert.Contains(t, marks, test.github)
			}
			var report struct {
				Requirements []struct{ ID, Outcome string }
			}
			require.NoError(t, json.Unmarshal([]byte(read(t, filepath.Join(command.Dir, "report.json"))), &report))
			require.Len(t, report.Requirements, 1)
			assert.Equal(t, test.verdict, report.Requirements[0].Outcome)
		})
	}
}
