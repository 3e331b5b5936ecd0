package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
)

// published is the folder of the reports that are committed.
const published = "../../reports"

// ofOneMachine matches what only makes sense where a report was made.
var ofOneMachine = regexp.MustCompile(`127\.0\.0\.1|localhost|\[::1\]|/tmp/|/root/|/home/`)

// TestPublished: every published report can be read, is about the specification
// that is here, and says nothing of the machine that it was made on.
func TestPublished(t *testing.T) {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	ids := map[string]string{}
	for _, requirement := range whole.Requirements {
		ids[requirement.ID] = requirement.Link
	}
	readme, err := os.ReadFile(filepath.Join(published, "README.md"))
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(published, "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, found := readReport(t, file)
			assert.NotEmpty(t, found.Requirements)
			assert.Equal(t, found.Specification.Requirements, len(found.Requirements))
			for _, entry := range found.Requirements {
				assert.Equal(t, ids[entry.ID], entry.Link, "%s, in the specification that is here", entry.ID)
				for _, failure := range entry.Failures {
					if failure.Blamed != "" {
						_, err := chain.ParseLink(string(failure.Blamed))
						assert.NoError(t, err, entry.ID)
					}
				}
			}
			assert.Empty(t, ofOneMachine.FindAllString(content, -1))
			assert.Contains(t, string(readme), "`"+filepath.Base(file)+"`", "the README says what it is and how it was made")
		})
	}
}

// TestPublishedVerdicts: real Kubernetes and the reference do all that they can be
// asked for; whatever KWOK does not do is the kubelet's.
func TestPublishedVerdicts(t *testing.T) {
	for _, name := range []string{"kubernetes.json", "reference.json"} {
		_, found := readReport(t, filepath.Join(published, name))
		for _, entry := range found.Requirements {
			assert.Contains(t, []events.Outcome{events.Passed, events.NotApplicable}, entry.Outcome, "%s: %s", name, entry.ID)
		}
	}
	_, kwok := readReport(t, filepath.Join(published, "kwok.json"))
	failed := 0
	for _, entry := range kwok.Requirements {
		assert.NotEqual(t, events.CouldNotRun, entry.Outcome, entry.ID)
		for _, failure := range entry.Failures {
			failed++
			assert.Equal(t, chain.Kubelet, failure.Blamed, "%s: %s", entry.ID, failure.Error)
			if entry.Link != string(chain.Kubelet) {
				assert.NotEmpty(t, failure.Missing, "%s says what it follows from", entry.ID)
			}
		}
	}
	assert.Positive(t, failed)
}

// readReport reads a report; what the format does not know is a fault.
func readReport(t *testing.T, file string) (content string, found document) {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&found), file)
	return string(raw), found
}
