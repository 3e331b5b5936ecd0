package command

import (
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// initialized runs podchain init in a new directory that holds the files, and returns
// the directory and what was printed.
func initialized(t *testing.T, files map[string]string, arguments ...string) (directory, stdout string) {
	t.Helper()
	command := podchain(t, append([]string{"init"}, arguments...)...)
	for name, content := range files {
		write(t, command.Dir, name, content)
	}
	status, stdout, stderr := run(t, command)
	require.Equal(t, 0, status, stderr)
	return command.Dir, stdout
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(parts...))
	require.NoError(t, err)
	return string(content)
}

func TestInit(t *testing.T) {
	forLink := []string{".github/workflows/conformance.yml", "conformance/README.md", "conformance/reports/.gitignore"}
	forAdapter := append([]string{"conformance/go.mod", "conformance/adapter.go", "conformance/conformance_test.go"}, forLink...)
	for name, test := range map[string]struct {
		files     map[string]string
		arguments []string
		wrote     []string
		says      map[string]string // by file; "" is stdout
	}{
		"a link": {
			arguments: []string{"--link", "scheduler"}, wrote: forLink,
			says: map[string]string{
				"":                                  "\n     podchain verify --link 'scheduler=./my-scheduler --kubeconfig={kubeconfig}' --select scheduler\n",
				".github/workflows/conformance.yml": "          links: |\n            scheduler=./my-scheduler --kubeconfig={kubeconfig}\n          reports: conformance/reports\n",
				"conformance/README.md":             "# Conformance of my-scheduler\n",
			},
		},
		"a link with its command": {
			arguments: []string{"--link", "kubelet=bin/k --name '{node}' {kubeconfig}", "--name", "Mine 2"}, wrote: forLink,
			says: map[string]string{
				".github/workflows/conformance.yml": "            kubelet=bin/k --name '{node}' {kubeconfig}\n",
				"conformance/README.md":             `podchain verify --link 'kubelet=bin/k --name '\''{node}'\'' {kubeconfig}' --select kubelet`,
			},
		},
		"an API server": {
			arguments: []string{"--link", "api-server"}, wrote: forLink,
			says: map[string]string{"": "api-server=./my-api-server --port={port} --admin-kubeconfig={kubeconfig}"},
		},
		"elsewhere": {
			arguments: []string{"--link", "scheduler", "there"},
			wrote:     []string{"there/" + forLink[0], "there/" + forLink[1], "there/" + forLink[2]},
		},
		"a whole cluster": {
			arguments: []string{"--implementation", "--name", "my-cluster"}, wrote: forAdapter,
			says: map[string]string{
				"":                       "cd conformance && go mod tidy && go test ./...",
				"conformance/adapter.go": `Name: "my-cluster"`,
				"conformance/go.mod":     "module conformance\n",
			},
		},
		"a whole cluster in a module": {
			files:     map[string]string{"go.mod": "// mine\nmodule example.com/mine // so far\n\ngo 1.26\n", "conformance/notes.txt": "mine"},
			arguments: []string{"--implementation", "--name", "mine"}, wrote: append([]string{"go.mod", "conformance/notes.txt"}, forAdapter...),
			says: map[string]string{"conformance/go.mod": "module example.com/mine/conformance\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory, stdout := initialized(t, test.files, test.arguments...)
			wrote := map[string]string{}
			for _, path := range test.wrote {
				content := read(t, directory, path)
				wrote[path] = content
				assert.NotContains(t, content, "<no value>", path)
				switch filepath.Ext(path) {
				case ".go":
					formatted, err := format.Source([]byte(content))
					require.NoError(t, err, path)
					assert.Equal(t, string(formatted), content, path)
				case ".yml":
					require.NoError(t, yaml.UnmarshalStrict([]byte(content), &map[string]any{}), path)
				}
			}
			onlyIn(t, directory, wrote)
			for path, text := range test.says {
				if path == "" {
					assert.Contains(t, stdout, text)
				} else {
					assert.Contains(t, wrote[path], text)
				}
			}
		})
	}
}

func TestInitIsNotPossible(t *testing.T) {
	for name, test := range map[string]struct {
		files     map[string]string
		arguments []string
		says      []string
	}{
		"nothing said":            {arguments: nil, says: []string{"--link LINK or --implementation is required", "--link LINK", "--implementation"}},
		"both said":               {arguments: []string{"--link", "scheduler", "--implementation"}, says: []string{"do not go together"}},
		"an unknown link":         {arguments: []string{"--link", "router"}, says: []string{`unknown link "router"`, "scheduler"}},
		"no program":              {arguments: []string{"--link", "scheduler=kubernetes"}, says: []string{"kubernetes is not a program of yours"}},
		"an empty command":        {arguments: []string{"--link", "scheduler="}, says: []string{"the command line is empty"}},
		"a wrong placeholder":     {arguments: []string{"--link", "scheduler=run {config}"}, says: []string{"there is no placeholder {config}"}},
		"a kubelet without node":  {arguments: []string{"--link", "kubelet=run {kubeconfig}"}, says: []string{"the command line has no {node}"}},
		"a command of two lines":  {arguments: []string{"--link", "scheduler=a\nb"}, says: []string{"expected a command line that is one line of text"}},
		"a name that breaks YAML": {arguments: []string{"--link", "scheduler", "--name", "a: b"}, says: []string{`cannot be called "a: b"`, "--name"}},
		"two directories":         {arguments: []string{"--link", "scheduler", "a", "b"}, says: []string{"unexpected argument \"b\""}},
		"a file for a directory": {files: map[string]string{"a": ""}, arguments: []string{"--link", "scheduler", "a"},
			says: []string{"a is not a directory: expected the root"}},
		"a file for a folder in it": {files: map[string]string{"conformance": ""}, arguments: []string{"--link", "scheduler"},
			says: []string{"conformance/README.md: not a directory"}},
		"files in the way": {files: map[string]string{"conformance/README.md": "mine", ".github/workflows/conformance.yml": "mine"},
			arguments: []string{"--implementation"},
			says:      []string{"nothing was written: these files exist already: .github/workflows/conformance.yml, conformance/README.md"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, append([]string{"init"}, test.arguments...)...)
			for name, content := range test.files {
				write(t, command.Dir, name, content)
			}
			status, stdout, stderr := run(t, command)
			assert.Equal(t, statusUnable, status)
			assert.Empty(t, stdout)
			for _, text := range test.says {
				assert.Contains(t, stderr, text)
			}
			onlyIn(t, command.Dir, test.files)
			for path, content := range test.files {
				assert.Equal(t, content, read(t, command.Dir, path))
			}
		})
	}
}

// The skeleton compiles and runs as it is, and says what is to be written; and when
// that is written, with the reference for a cluster, there are reports.
func TestInitSkeletonRuns(t *testing.T) {
	if os.Getenv("PODCHAIN_TEST_INIT") == "" {
		t.Skip("it builds a module of its own: PODCHAIN_TEST_INIT=1 asks for it")
	}
	repository, err := filepath.Abs("../../..")
	require.NoError(t, err)
	root, _ := initialized(t, map[string]string{"go.mod": "module example.com/mine\n"}, "--implementation", "--name", "mine")
	module := filepath.Join(root, "conformance")
	goes := func(arguments ...string) (status int, output string) {
		command := exec.Command("go", arguments...)
		command.Dir = module
		status, stdout, stderr := run(t, command)
		return status, stdout + stderr
	}
	succeeds := func(arguments ...string) string {
		status, output := goes(arguments...)
		require.Equal(t, 0, status, "go %s: %s", strings.Join(arguments, " "), output)
		return output
	}
	succeeds("mod", "edit", "-replace", "github.com/podchain/podchain="+repository)
	succeeds("mod", "tidy")
	succeeds("vet", "./...")

	status, output := goes("test", "./...")
	assert.Equal(t, 1, status)
	assert.Contains(t, output, "--- FAIL: TestConformance")
	assert.Contains(t, output, "nothing could be run: how a cluster is started is not written yet: Adapter.Start in conformance/adapter.go")
	status, output = goes("tool", "podchain", "report", "--from", "reports/run.jsonl")
	assert.Equal(t, statusUnable, status)
	assert.Contains(t, output, "it is empty, expected the events of a run")

	replace(t, filepath.Join(module, "adapter.go"), map[string]string{
		"\t\"errors\"\n": "",
		`/conformance/implementation"`: `/conformance/implementation"
	"github.com/podchain/podchain/reference"`,
		`return nil, errors.New("nothing could be run: how a cluster is started is not written yet: Adapter.Start in conformance/adapter.go")`: `mine, err := reference.Start(ctx, reference.Options{})
	if err != nil {
		return nil, err
	}
	return &cluster{mine.Config(), mine.Stop}, mine.WaitReady(ctx)`,
	})
	replace(t, filepath.Join(module, "conformance_test.go"), map[string]string{
		"// To begin with less: whole, err = whole.Select([]string{\"api-server\", \"!STORE\"}).": `whole, err = whole.Select([]string{"RS-05", "SCHED-24"})
	if err != nil {
		t.Fatal(err)
	}`,
	})
	succeeds("vet", "./...")
	output = succeeds("test", "-v", "-count=1", "./...")
	assert.Contains(t, output, "--- PASS: TestConformance/RS-05")
	assert.Contains(t, output, "--- SKIP: TestConformance/SCHED-24/")
	output = succeeds("tool", "podchain", "report", "--from", "reports/run.jsonl", "--to", "yaml=reports/report.yaml", "--contact", "me@example.com", "--to", "github=-")
	assert.Contains(t, output, "podchain: mine unknown")
	output = succeeds("tool", "podchain", "report", "check", "reports/report.yaml")
	assert.Contains(t, output, "is valid")
}

// replace changes texts in a file, each of which stands there once.
func replace(t *testing.T, path string, texts map[string]string) {
	t.Helper()
	content := read(t, path)
	for before, after := range texts {
		require.Equal(t, 1, strings.Count(content, before), fmt.Sprintf("%s: %s", path, before))
		content = strings.Replace(content, before, after, 1)
	}
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

// TestInitWritesAllOrNothing: what cannot be written leaves no half of it.
func TestInitWritesAllOrNothing(t *testing.T) {
	t.Parallel()
	for name, arguments := range map[string][]string{
		"a link": {"init", "--link", "scheduler"}, "an implementation": {"init", "--implementation", "--name", "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, arguments...)
			write(t, command.Dir, "conformance/mine", "mine")
			require.NoError(t, os.Symlink("nowhere", filepath.Join(command.Dir, "conformance/reports")))
			before := everything(t, command.Dir)
			status, stdout, stderr := run(t, command)
			assert.Equal(t, statusUnable, status)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, "nothing was written: conformance/reports: file exists")
			assert.Empty(t, cmp.Diff(before, everything(t, command.Dir)))
		})
	}
}
