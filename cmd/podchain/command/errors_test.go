package command

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// leaks are words of Go, of its libraries and of the source, which say nothing to a user.
var leaks = []string{"strconv", "arg(s)", "scheme.go", "runtime/", "unmarshaling", "while decoding", "converting YAML", "[]", "Go struct", "%!", "goroutine"}

// Errors are in the words of the command line: what was expected, what was found, and
// where.
func TestErrors(t *testing.T) {
	links := "expected one of api-server, namespace-controller, "
	for _, test := range []struct{ line, want string }{
		{"run routr --kubeconfig k", `unknown link "routr": ` + links},
		{"run", "missing argument LINK; see podchain run --help"},
		{"run kubelet scheduler", `unexpected argument "scheduler"; see podchain run --help`},
		{"run kubelet", "--kubeconfig is required: the cluster to run in"},
		{"run kubelet --kubeconfig deployment", "kubeconfig deployment: not a kubeconfig file: expected kind Config of v1"},
		{"run kubelet --kubeconfig broken", "kubeconfig broken: not valid YAML: line 1: did not find expected ',' or ']'"},
		{"verify --kubeconfig deployment", "kubeconfig deployment: not a kubeconfig file: expected kind Config of v1"},
		{"trace -f deployment --kubeconfig broken", "kubeconfig broken: not valid YAML: line 1: "},
		{"trace -f broken", "broken:1: not valid YAML: did not find expected ',' or ']'"},
		{"trace", "--filename is required: the manifest of a Deployment"},
		{"trace -f deployment --timeout 0s", "--timeout 0s: must be positive"},
		{"verify --link routr=none", `--link routr=none: unknown link "routr": ` + links},
		{"verify --parallel x", "--parallel x: expected a whole number; see podchain verify --help"},
		{"verify --parallel -1", "--parallel -1: must not be negative"},
		{"verify --seed 1x", "--seed 1x: expected a whole number; see podchain verify --help"},
		{"verify --timeout x", "--timeout x: expected a duration such as 30s or 2m; see podchain verify --help"},
		{"verify --timeout -1s", "--timeout -1s: must not be negative"},
		{"verify --quiet=x", "--quiet x: expected true or false; see podchain verify --help"},
		{"verify --threshold x", `--threshold: "x": expected STEP pPERCENTILE < DURATION, such as "bound p99 < 1s"; see podchain verify --help`},
		{"verify --fast", "unknown flag: --fast; see podchain verify --help"},
		{"verify now", `unexpected argument "now"; see podchain verify --help`},
		{"verify --known-failing broken", "--known-failing broken: not valid YAML: line 1: did not find expected ',' or ']'"},
		{"verify --select nowhere.feature", `"nowhere.feature" selects nothing: expected an id, a prefix of ids, a level, a link, or the path of a feature (see podchain list)`},
		{"serve --port 99999", "--port 99999: expected a number from 0 to 65535; see podchain serve --help"},
		{"serve --nodes -1", "--nodes -1: must not be negative"},
		{"serve --event-ttl 1m", "--event-ttl goes with --store etcd: --store memory keeps Events for ever"},
		{"report check", "missing argument FILE; see podchain report check --help"},
		{"report check broken", "broken: not a conformance report: line 1: did not find expected ',' or ']'"},
		{"report check deployment", `deployment: not a conformance report: unknown field "metadata"`},
		{"matrix", "--links is required: the links whose origin varies"},
		{"matrix --links scheduler,a", `--links: unknown link "a": ` + links},
		{"matrix --links scheduler --origins none --only scheduler=kwok", "--only scheduler=kwok: expected each LINK once, of scheduler, and an ORIGIN of none"},
		{"init --link x", `--link x: unknown link "x": ` + links},
		{"nonsense", `unknown command "nonsense" for "podchain"`},
	} {
		t.Run(test.line, func(t *testing.T) {
			directory := t.TempDir()
			write(t, directory, "broken", "a: [b\n")
			write(t, directory, "deployment", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n")
			t.Chdir(directory)
			command := New(Options{})
			command.SetArgs(strings.Fields(test.line))
			command.SetOut(io.Discard)
			command.SetErr(io.Discard)
			err := command.ExecuteContext(t.Context())
			require.Error(t, err)
			assert.Equal(t, statusUnable, status(err))
			assert.Equal(t, test.want, err.Error()[:min(len(err.Error()), len(test.want))], "%v", err)
			for _, leak := range leaks {
				assert.NotContains(t, err.Error(), leak)
			}
			left, err := filepath.Glob("*")
			require.NoError(t, err)
			assert.Equal(t, []string{"broken", "deployment"}, left, "nothing is written")
		})
	}
}

// A file that is there can also be named from elsewhere.
func TestSelectByBaseName(t *testing.T) {
	for pattern, want := range map[string]string{
		"replicaset.feature":     "3-replicaset-controller/replicaset.feature",
		"./chain.feature":        "chain.feature",
		"features/chain.feature": "chain.feature",
	} {
		selected, err := loadSelected("", []string{pattern})
		require.NoError(t, err)
		for _, requirement := range selected.Requirements {
			assert.Equal(t, want, requirement.Location.File)
		}
		first := selected.Requirements[0]
		again, err := loadSelected("", []string{filepath.Base(first.Location.String())})
		require.NoError(t, err)
		require.Len(t, again.Requirements, 1)
		assert.Equal(t, first.ID, again.Requirements[0].ID)
	}
}
