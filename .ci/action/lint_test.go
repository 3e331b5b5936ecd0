package action

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// published is how a workflow elsewhere names the action, local how one of this
// repository would. Of the latter the linter knows the inputs.
const (
	published = "podchain/podchain/.ci/action@v1"
	local     = "./.ci/action"
)

// lint returns what the linter has to say of a workflow in a repository that has the
// action.
func lint(t *testing.T, workflow string) (faults []string) {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, ".ci/action"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, ".ci/action/action.yml"), []byte(read(t, "action.yml")), 0o600))
	project, err := actionlint.NewProject(root)
	require.NoError(t, err)
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{WorkingDir: root})
	require.NoError(t, err)
	found, err := linter.Lint(filepath.Join(root, ".github/workflows/conformance.yml"), []byte(workflow), project)
	require.NoError(t, err)
	for _, fault := range found {
		faults = append(faults, fault.Error())
	}
	return faults
}

// The linter knows workflows only: the action's steps are those of a workflow that is
// called with the same inputs.
func TestLintAction(t *testing.T) {
	var action struct {
		Inputs map[string]map[string]any
		Runs   struct {
			Using string
			Steps []any
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "action.yml")), &action))
	assert.Equal(t, "composite", action.Runs.Using)
	for _, input := range action.Inputs {
		input["type"] = "string"
	}
	asWorkflow := func(inputs map[string]map[string]any) string {
		workflow, err := yaml.Marshal(map[string]any{
			"on":   map[string]any{"workflow_call": map[string]any{"inputs": inputs}},
			"jobs": map[string]any{"action": map[string]any{"runs-on": "ubuntu-latest", "steps": action.Runs.Steps}},
		})
		require.NoError(t, err)
		return string(workflow)
	}
	assert.Empty(t, lint(t, asWorkflow(action.Inputs)))

	delete(action.Inputs, "select")
	assert.Contains(t, strings.Join(lint(t, asWorkflow(action.Inputs)), "\n"), `property "select" is not defined`, "the linter looks at the inputs")
}

// The workflows that podchain init writes.
func TestLintWorkflows(t *testing.T) {
	podchain := filepath.Join(t.TempDir(), "podchain")
	output, err := exec.Command("go", "-C", "../..", "build", "-o", podchain, "./cmd/podchain").CombinedOutput()
	require.NoError(t, err, string(output))
	for name, arguments := range map[string][]string{
		"a link":          {"--link", "scheduler"},
		"a kubelet":       {"--link", `kubelet=bin/k --flag='a: "b"' --node={node} {kubeconfig}  # comment`},
		"a whole cluster": {"--implementation", "--name", "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			command := exec.Command(podchain, append([]string{"init"}, arguments...)...)
			command.Dir = directory
			output, err := command.CombinedOutput()
			require.NoError(t, err, string(output))
			workflow := strings.Replace(read(t, filepath.Join(directory, ".github/workflows/conformance.yml")), published, local, 1)
			assert.Empty(t, lint(t, workflow))
			if strings.Contains(workflow, local) {
				assert.Contains(t, strings.Join(lint(t, strings.Replace(workflow, "links:", "link:", 1)), "\n"), `input "link" is not defined in action`, "the linter looks at the action")
			}
		})
	}
}
