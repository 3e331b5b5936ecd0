package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/report"
)

// Every combination is run and told, also when some fail; what has passed is not run
// again.
func TestMatrix(t *testing.T) {
	t.Parallel()
	arguments := []string{"matrix", "--links", "kubelet,scheduler", "--origins", "reference,none", "--select", "RS-01", "--select", "RS-05",
		"--timeout", "5s", "--report", "json=matrix.json", "--report", "markdown=matrix.md"}
	first := podchain(t, append(arguments, "--shard", "1/2")...)
	status, stdout, stderr := run(t, first)
	assert.Equal(t, 1, status, "%s%s", stdout, stderr)
	assert.Contains(t, stdout, "4 combinations, 2 of them run, 1 passed all that applies")

	second := podchain(t, append(arguments, "--resume", "matrix.json")...)
	second.Dir = first.Dir
	_, stdout, stderr = run(t, second)
	assert.Contains(t, stdout, "4 combinations, 4 of them run, 1 passed all that applies")
	assert.NotContains(t, stderr, "combination 1 of 4", "it has passed")
	assert.Contains(t, stderr, "combination 3 of 4: scheduler=none,kubelet=reference", "it has failed")

	content, err := os.ReadFile(filepath.Join(first.Dir, "matrix.json"))
	require.NoError(t, err)
	var whole report.Matrix
	require.NoError(t, json.Unmarshal(content, &whole))
	require.Len(t, whole.Combinations, 4)
	for i, c := range whole.Combinations {
		assert.Equal(t, i+1, c.Number)
		assert.NotNil(t, c.Run)
	}
	page, err := os.ReadFile(filepath.Join(first.Dir, "matrix.md"))
	require.NoError(t, err)
	assert.Contains(t, string(page), "    podchain matrix --links kubelet,scheduler --origins reference,none --select RS-01 --select RS-05 --timeout 5s\n")
	assert.Contains(t, string(page), "| # | scheduler | kubelet | passed |")
	assert.Contains(t, string(page), "| 1 | reference | reference | 2 | - | - | - |  |")
	assert.Contains(t, string(page), "| 3 | none | reference | 1 | 1 | - | - | RS-01 (scheduler) |")
	onlyIn(t, first.Dir, map[string]string{"matrix.json": "", "matrix.md": ""})
}

// A combination that cannot start is a row of the table, and the others are run.
func TestMatrixWithoutAStart(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := run(t, podchain(t, "matrix", "--links", "kubelet", "--origins", "none,reference", "--select", "RS-05",
		"--link", "scheduler=echo oh no; exit 1"))
	assert.Equal(t, 2, status)
	assert.Equal(t, 2, strings.Count(stdout, "the scheduler exited with status 1"), "%s%s", stdout, stderr)
}

func TestMatrixRefuses(t *testing.T) {
	for name, c := range map[string]struct{ arguments, says string }{
		"no links":                      {"", "--links is required"},
		"an unknown link":               {"--links router", `--links: unknown link "router"`},
		"a link twice":                  {"--links scheduler,scheduler", "--links: scheduler is named twice"},
		"an origin that does not exist": {"--links scheduler --origins mine", "--origins mine: expected reference, none, kubernetes"},
		"an origin twice":               {"--links scheduler --origins none,none", "--origins: none is named twice"},
		"a link that is fixed":          {"--links scheduler --origins none --link scheduler=reference", "where the scheduler comes from has been said already"},
		"a shard that does not exist":   {"--links scheduler --origins none --shard 3/2", "--shard 3/2: expected I/N"},
		"a wish for another link":       {"--links scheduler --origins none --only kubelet=none", "--only kubelet=none: expected each LINK once"},
		"a wish for another origin":     {"--links scheduler --origins none --only scheduler=reference", "an ORIGIN of none"},
		"nothing left":                  {"--links scheduler --origins none --shard 2/2", "--only and --shard exclude all 1 combinations"},
		"a report that is not there":    {"--links scheduler --origins none --resume nowhere.json", "nowhere.json does not exist"},
		"a report that does not exist":  {"--links scheduler --origins none --resume k", "--resume k is not the json report of a matrix"},
		"a format that does not exist":  {"--links scheduler --origins none --report xml=a", "with a format of json, markdown"},
		"no requirement":                {"--links scheduler --origins none --select NOBODY-1", "NOBODY-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, append([]string{"matrix"}, strings.Fields(c.arguments)...)...)
			write(t, command.Dir, "k", "not json")
			status, _, stderr := run(t, command)
			assert.Equal(t, 2, status)
			assert.Contains(t, stderr, c.says)
			onlyIn(t, command.Dir, map[string]string{"k": ""})
		})
	}
}
