package action

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// metadata is what is in action.yml.
type metadata struct {
	Inputs map[string]struct{ Default string }
	Runs   struct{ Steps []step }
}

type step struct {
	Name, Uses, Shell, Run, If string
	Env, With                  map[string]string
}

func readAction(t *testing.T) (action metadata) {
	t.Helper()
	content, err := os.ReadFile("action.yml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(content, &action))
	return action
}

// runner does with the shell steps of the action what a GitHub runner does.
type runner struct {
	action    metadata
	inputs    map[string]string
	workspace string
	temporary string
	path      string
}

func newRunner(t *testing.T, temporary string, inputs map[string]string) *runner {
	r := &runner{action: readAction(t), inputs: map[string]string{}, workspace: t.TempDir(), temporary: temporary, path: os.Getenv("PATH")}
	for name, input := range r.action.Inputs {
		r.inputs[name] = input.Default
	}
	for name, value := range inputs {
		require.Contains(t, r.inputs, name)
		r.inputs[name] = value
	}
	return r
}

var expression = regexp.MustCompile(`\$\{\{ inputs\.(\w+) \}\}`)

// expand fills in the inputs.
func (r *runner) expand(t *testing.T, text string) string {
	expanded := expression.ReplaceAllStringFunc(text, func(found string) string {
		name := expression.FindStringSubmatch(found)[1]
		require.Contains(t, r.inputs, name)
		return r.inputs[name]
	})
	require.NotContains(t, expanded, "${{")
	return expanded
}

// came is what came of the steps, until one failed.
type came struct {
	status          int
	output, summary string
}

// run executes the shell steps in order.
func (r *runner) run(t *testing.T) (all came) {
	t.Helper()
	here, err := os.Getwd()
	require.NoError(t, err)
	for _, step := range r.action.Runs.Steps {
		if step.Run == "" {
			continue
		}
		require.Equal(t, "bash", step.Shell)
		// Each step has files of its own.
		files := t.TempDir()
		file := func(name string) string {
			path := filepath.Join(files, name)
			require.NoError(t, os.WriteFile(path, nil, 0o644))
			return path
		}
		script, path, summary := file("script.sh"), file("path"), file("summary.md")
		require.NoError(t, os.WriteFile(script, []byte(r.expand(t, step.Run)), 0o644))
		command := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", script)
		command.Dir = r.workspace
		command.Env = append(os.Environ(), "PATH="+r.path, "GITHUB_ACTION_PATH="+here, "RUNNER_TEMP="+r.temporary,
			"GITHUB_PATH="+path, "GITHUB_STEP_SUMMARY="+summary)
		for name, value := range step.Env {
			command.Env = append(command.Env, name+"="+r.expand(t, value))
		}
		output, err := command.CombinedOutput()
		if err != nil {
			require.ErrorAs(t, err, new(*exec.ExitError), string(output))
		}
		all.status = command.ProcessState.ExitCode()
		all.output += string(output)
		all.summary += read(t, summary)
		if all.status != 0 {
			return all
		}
		for _, added := range strings.Fields(read(t, path)) {
			r.path = added + string(filepath.ListSeparator) + r.path
		}
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

func TestAction(t *testing.T) {
	const program = "scheduler=podchain run scheduler --kubeconfig={kubeconfig}"
	temporary := t.TempDir() // one for all: what has been built stays
	everything := []string{"run.jsonl", "junit.xml", "report.yaml", "site/index.html"}
	for name, test := range map[string]struct {
		inputs  map[string]string
		files   map[string]string
		status  int
		output  []string
		summary string
		reports []string
	}{
		"all is well": {
			inputs: map[string]string{"select": "RS-01\nRS-07\n", "arguments": "--contact=me@example.com\n\n--seed=7\n"},
			output: []string{"2 requirements, 2 passed"}, summary: "✅ podchain: reference", reports: everything,
		},
		"a program in the place of a link": {
			inputs: map[string]string{"links": program, "select": "SCHED-02"},
			output: []string{"1 requirement, 1 passed"}, summary: "✅ podchain: reference v1.37.2; scheduler: podchain run", reports: everything,
		},
		"a requirement fails": {
			inputs: map[string]string{"links": "scheduler=none\n", "select": "chain.feature:19", "reports": "out/of the way"},
			status: 1,
			output: []string{"::error file=features/chain.feature,line=", "The chain broke at the scheduler"}, summary: "❌ podchain: reference", reports: everything,
		},
		"a requirement is known to fail": {
			inputs: map[string]string{"links": "scheduler=none\n", "select": "chain.feature:19", "known": "podchain-reports/known.yaml"},
			files:  map[string]string{"podchain-reports/known.yaml": "CHAIN-01: the scheduler is on its way\n"},
			output: []string{"1 failed (1 known to)", "Known to fail: the scheduler is on its way"}, summary: "✅ podchain: reference", reports: everything,
		},
		"a bound is exceeded": {
			inputs: map[string]string{"links": program, "select": "SCHED-02", "thresholds": "bound p99 < 1ns"},
			status: 1,
			output: []string{"bound p99"}, summary: "✅ podchain", reports: everything,
		},
		"a program that is not there": {
			inputs: map[string]string{"links": "scheduler=./my-scheduler --kubeconfig={kubeconfig}"},
			status: 2,
			output: []string{"the scheduler exited with status 127", "./my-scheduler: not found"}, // there is no event yet to keep
		},
		"a cluster that is not there": {
			inputs: map[string]string{"kubeconfig": "nowhere"}, status: 2, output: []string{"kubeconfig nowhere"},
		},
		"a pattern with a shell in it": {
			inputs: map[string]string{"select": `$(touch here); "` + "`touch there`"}, status: 2,
			output: []string{"selects nothing"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRunner(t, temporary, test.inputs)
			for name, content := range test.files {
				path := filepath.Join(r.workspace, name)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
				require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			}
			came := r.run(t)
			assert.Equal(t, test.status, came.status, came.output)
			for _, text := range test.output {
				assert.Contains(t, came.output, text)
			}
			if test.summary == "" {
				assert.Empty(t, came.summary)
			}
			assert.Contains(t, came.summary, test.summary)

			// Nothing else is in the workspace, and the last step keeps what is there.
			last := r.action.Runs.Steps[len(r.action.Runs.Steps)-1]
			assert.True(t, strings.HasPrefix(last.Uses, "actions/upload-artifact@"))
			assert.Equal(t, "${{ always() }}", last.If)
			kept := r.expand(t, last.With["path"])
			for _, report := range test.reports {
				assert.FileExists(t, filepath.Join(r.workspace, kept, report))
			}
			assert.NoError(t, filepath.WalkDir(r.workspace, func(path string, entry os.DirEntry, err error) error {
				if err == nil && !entry.IsDir() {
					assert.True(t, strings.HasPrefix(path, filepath.Join(r.workspace, kept)+string(filepath.Separator)), path)
				}
				return err
			}))
		})
	}
}
