package command

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/mutant"
)

// TestAFailureIsUnderstood: whatever link does something wrongly, each report by
// itself says which one, what was required, what was expected and what found, who wrote
// last, and the command that shows it again; and that command does.
func TestAFailureIsUnderstood(t *testing.T) {
	// What is found instead of what is expected, by the mutant: regular expressions.
	found := map[string]string{
		"api-server/forgets-the-strategy":              `spec\.strategy\.type: expected "RollingUpdate", it is absent`,
		"deployment-controller/disowns-its-replicaset": `waited 1m0s for 2 Pods of Deployment "web"; last seen: 0 have appeared`,
		"replicaset-controller/disowns-its-pods":       `waited 1m0s for 2 Pods of ReplicaSet "web"; last seen: 0 have appeared`,
		"replicaset-controller/places-its-pods":        `spec\.nodeName: expected absent, it is "node-1"`,
		"scheduler/chooses-any-node":                   `expected "n3", it is "node-1"`,
		"kubelet/is-ready-too-early":                   `matches the table, which no version may`,
		"kubelet/gives-up-on-conflicts":                `waited 1m0s for Deployment "web" to be ready; last seen: status\.readyReplicas is 0 of 1`,
		"statefulset-controller/forgets-the-ordinal":   `metadata\.labels\[apps\.kubernetes\.io/pod-index\]: expected "0", it is absent`,
		"daemonset-controller/leaves-the-node-open":    `matchFields\[0\]\.key: expected "metadata\.name", it is absent`,
		// Which of its deletions the collector gives up first depends on what else it does.
		"garbage-collector/gives-up-on-conflicts": `waited 1m0s for (the ReplicaSet|the first Pod) of Deployment "web" to be removed; last seen: it exists`,
		"garbage-collector/lets-things-lie":       `waited 1m0s for ConfigMap "orphan" to be removed; last seen: it exists, and was not deleted`,
		"namespace-controller/never-lets-go":      `to go through all of the table; last seen: no version, from where the row before it held on, says that it no longer exists: it exists`,
		"node-lifecycle-controller/taints-mildly": `expected includes \{key: node\.kubernetes\.io/not-ready, effect: NoExecute\}`,
	}
	for _, m := range mutant.All {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, found, m.Name)
			command := podchain(t, "verify", "--mutant", m.Name, "--select", m.Notices,
				"--report", "json=report.json", "--report", "junit=junit.xml", "--report", "github=summary.md")
			status, terminal, stderr := run(t, command)
			require.Equal(t, 1, status, stderr)
			first := failuresOf(t, filepath.Join(command.Dir, "report.json"))
			require.NotEmpty(t, first)
			failure := first[0]
			assert.NotEmpty(t, failure.Step)
			assert.Equal(t, string(m.Link), failure.Blamed)
			assert.Regexp(t, found[m.Name], flat(failure.Error))
			assert.NotEmpty(t, failure.LastWrites)

			for name, text := range map[string]string{
				"terminal": terminal,
				"junit":    junitText(t, filepath.Join(command.Dir, "junit.xml")),
				"github":   read(t, filepath.Join(command.Dir, "summary.md")),
			} {
				for _, part := range append([]string{m.Notices, m.Name, string(m.Link), failure.Step, failure.Error, failure.Rerun}, failure.LastWrites...) {
					assert.Contains(t, flat(text), flat(part), name)
				}
			}

			again := exec.Command("sh", "-c", failure.Rerun+" --report json=again.json")
			again.Dir, again.Env = command.Dir, append(command.Env, "PATH="+onPath(t)+":"+os.Getenv("PATH"))
			status, _, stderr = run(t, again)
			require.Equal(t, 1, status, stderr)
			second := failuresOf(t, filepath.Join(command.Dir, "again.json"))
			assert.Empty(t, cmp.Diff([]failureReport{failure.masked()}, []failureReport{second[0].masked()}))
			assert.Len(t, second, 1)
		})
	}
}

// failureReport is a failure as the json report has it.
type failureReport struct {
	Scenario, Step, Error, Blamed, Missing, Rerun string
	LastWrites                                    []string
}

// masked leaves out what differs from run to run: names and versions that the API
// server gives, the choice between two nodes, and the order of what happens at once.
func (f failureReport) masked() failureReport {
	for _, text := range []*string{&f.Error, &f.Missing} {
		*text = byTheServer.ReplaceAllString(*text, "…")
	}
	f.LastWrites = nil
	return f
}

var byTheServer = regexp.MustCompile(`-[a-z0-9]{5}"|"node-\d"|resourceVersion \d+|podchain-[a-z0-9-]+`)

func failuresOf(t *testing.T, path string) (all []failureReport) {
	t.Helper()
	var report struct {
		Requirements []struct{ Failures []failureReport }
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, path)), &report))
	for _, requirement := range report.Requirements {
		all = append(all, requirement.Failures...)
	}
	return all
}

// junitText is what a CI system shows of a JUnit report: names, messages and texts.
func junitText(t *testing.T, path string) string {
	t.Helper()
	var text strings.Builder
	for decoder := xml.NewDecoder(strings.NewReader(read(t, path))); ; {
		token, err := decoder.Token()
		if token == nil {
			return text.String()
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			for _, attribute := range token.Attr {
				text.WriteString(attribute.Value + "\n")
			}
		case xml.CharData:
			text.Write(token)
		}
	}
}

// onPath is a directory where the test binary is called podchain.
func onPath(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	require.NoError(t, os.Symlink(itself(t), filepath.Join(directory, "podchain")))
	return directory
}

func TestMutantsOnTheCommandLine(t *testing.T) {
	t.Parallel()
	status, stdout, _ := run(t, podchain(t, "list", "--mutants"))
	assert.Equal(t, 0, status)
	for _, m := range mutant.All {
		assert.Contains(t, stdout, m.Name)
	}
	for name, c := range map[string]struct {
		arguments []string
		says      string
	}{
		"an unknown one":           {[]string{"--mutant", "scheduler/sleeps"}, `there is no mutant "scheduler/sleeps": there are api-server/`},
		"of a link from elsewhere": {[]string{"--mutant", "scheduler/chooses-any-node", "--link", "scheduler=none"}, "this one comes from none"},
		"of somebody's cluster":    {[]string{"--mutant", "scheduler/chooses-any-node", "--kubeconfig", "k"}, "--mutant goes with the reference"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := run(t, podchain(t, append([]string{"verify"}, c.arguments...)...))
			assert.Equal(t, 2, status)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, c.says)
		})
	}
}
