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
var leaks = []string{"strconv", "arg(s)", "scheme.go", "runtime/", "unmarshaling", "while decoding", "converting YAML", "[]", "Go struct", "%!", "goroutine",
	"no such file", "open ", "stat ", "mkdir "}

// Errors are in the words of the command line: what was expected, what was found, and
// where.
func TestErrors(t *testing.T) {
	links := "expected one of api-server, namespace-controller, "
	runnable := "expected one of namespace-controller, "
	for _, test := range []struct{ line, want string }{
		{"run routr --kubeconfig broken", "the reference has no routr: " + runnable},
		{"run job-controller --kubeconfig broken", "the reference has no job-controller: " + runnable},
		{"run api-server --kubeconfig broken", "the api-server does not run by itself, but with podchain serve: " + runnable},
		{"run kubelet --kubeconfig broken", "--node is required: the node of the kubelet"},
		{"run scheduler --node n --kubeconfig broken", "--node goes with kubelet: the scheduler has no node"},
		{"run scheduler --runtime-endpoint e --kubeconfig broken", "--runtime-endpoint goes with kubelet: the scheduler runs no containers"},
		{"run", "missing argument LINK; see podchain run --help"},
		{"run kubelet scheduler", `unexpected argument "scheduler"; see podchain run --help`},
		{"run scheduler", "--kubeconfig is required: the cluster to run in"},
		{"run scheduler --kubeconfig deployment", "kubeconfig deployment: not a kubeconfig file: expected kind Config of v1"},
		{"run scheduler --kubeconfig nosuch", "kubeconfig nosuch does not exist"},
		{"run scheduler --kubeconfig broken", "kubeconfig broken: not valid YAML: line 1: did not find expected ',' or ']'"},
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
		{"verify --features nosuch", "--features: nosuch does not exist"},
		{"verify --known-failing nosuch", "--known-failing: nosuch does not exist"},
		{"verify --kubeconfig nosuch", "kubeconfig nosuch does not exist"},
		{"verify --report foo=x", "report foo=x: expected FORMAT=FILE with a format of annotations, badge, events, github, json, junit, messages, yaml"},
		{"verify --report events", "report events: expected a file: events=FILE"},
		{"verify --report junit=", "report junit=: expected a file: junit=FILE"},
		{"verify --report events=nosuch/e", "report events=nosuch/e cannot be written: "},
		{"verify --report json=nosuch/j", "report json=nosuch/j cannot be written: "},
		{"report --from nosuch", "--from: nosuch does not exist"},
		{"report --from .", "--from: .: is a directory"},
		{"serve --kubeconfig-out nosuch/k", "write the kubeconfig: "},
		{"serve --control nosuch/s", "control socket: "},
		{"report check nosuch", "nosuch does not exist"},
		{"docs --out site nosuch", "--from: nosuch does not exist"},
		{"trace -f nosuch", "read the manifest: nosuch does not exist"},
		{"serve --store etcd=https://a:1 --etcd-cafile nosuch", "--store etcd=https://a:1: "},
		{"matrix --links scheduler --origins none --resume nosuch", "--resume: nosuch does not exist: leave the flag out to begin a matrix"},
		{"matrix --links scheduler --origins none --report events=x", "report events=x: expected FORMAT=FILE with a format of json, markdown"},
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
