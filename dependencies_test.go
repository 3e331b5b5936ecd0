// Package podchain_test holds what is true of the module as a whole.
package podchain_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/podchain/podchain/"

var (
	// contract is what an implementation and the suite agree on.
	contract = []string{"conformance/chain", "conformance/implementation/..."}
	// leaves are what steps and the runner are made of.
	leaves = slices.Concat(contract, []string{"conformance/events", "conformance/field", "conformance/history", "conformance/permission",
		"conformance/printable", "conformance/runresources", "conformance/specification", "conformance/storehistory"})
	// machinery brings up real parts, and observes them.
	machinery = []string{"conformance/assembly", "conformance/children", "conformance/control", "conformance/crijournal",
		"conformance/etcdserver", "conformance/external", "conformance/files", "conformance/hooks", "conformance/kubeconfig",
		"conformance/mutant", "conformance/pki", "conformance/tap"}
	links = []string{"reference/apiserver", "reference/controller/daemonset", "reference/controller/deployment",
		"reference/controller/garbagecollector", "reference/controller/namespace", "reference/controller/nodelifecycle",
		"reference/controller/replicaset", "reference/controller/statefulset", "reference/kubelet", "reference/scheduler"}
)

// arrows say what packages import of this module: of each the first row that has it.
// "/..." stands for a folder with all that is below.
var arrows = []struct{ packages, imports []string }{
	{[]string{"features", "fixtures", "conformance/chain", "conformance/specification"}, nil},
	{[]string{"conformance/implementation/..."}, contract},
	{[]string{"conformance/events"}, slices.Concat(contract, []string{"conformance/specification"})},
	{leaves, leaves},
	{machinery, slices.Concat(machinery, contract, []string{"conformance/printable", "conformance/storehistory"})},
	{[]string{"conformance/diagnosis", "conformance/trace"}, slices.Concat(leaves, []string{"conformance/diagnosis"})},
	{[]string{"conformance/report", "conformance/site"},
		[]string{"conformance/chain", "conformance/events", "conformance/printable", "conformance/report", "conformance/specification"}},
	{[]string{"steps/..."}, slices.Concat(leaves, []string{"fixtures", "steps/..."})},
	{[]string{"conformance"}, slices.Concat(leaves, []string{"conformance/diagnosis", "conformance/hooks", "conformance/report", "steps"})},
	{[]string{"reference/..."}, slices.Concat(contract, []string{"fixtures", "reference/..."})},
	{[]string{"cmd/podchain/command"}, []string{"conformance/...", "features", "fixtures", "reference/...", "steps/..."}},
	{[]string{"cmd/podchain/startup"}, nil},
	{[]string{"cmd/..."}, []string{"cmd/podchain/command", "cmd/podchain/startup"}},
	{[]string{"conformance/examples/..."}, []string{"conformance/...", "features", "reference", "steps"}},
}

// importers are the only packages that import others.
var importers = []struct{ of, by []string }{
	{[]string{"cmd/..."}, []string{"cmd/podchain"}}, // and main packages of other modules
	{[]string{"conformance", "reference"}, []string{"cmd/podchain/command"}},
	{links, []string{"reference", "cmd/podchain/command"}},
}

// without is what packages do not import, not even through others.
var without = []struct{ packages, imports []string }{
	{[]string{"conformance/events", "conformance/report", "conformance/site", "conformance/chain", "conformance/specification"},
		[]string{module + "conformance/history", "k8s.io/client-go/rest", "k8s.io/client-go/dynamic", "k8s.io/client-go/kubernetes"}},
}

// listed is a package as "go list" knows it.
type listed struct {
	ImportPath    string
	Imports, Deps []string
}

// packages are those of this module by their folders. What only supports tests is a test.
func packages(t *testing.T) map[string]listed {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...").Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		t.Fatalf("go list: %s", failed.Stderr)
	}
	require.NoError(t, err)
	found := map[string]listed{}
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var next listed
		if err := decoder.Decode(&next); errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err)
		if folder, of := strings.CutPrefix(next.ImportPath, module); of && !strings.HasSuffix(folder, "test") {
			found[folder] = next
		}
	}
}

// matches tells whether one of the patterns is about the folder.
func matches(patterns []string, folder string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		top, all := strings.CutSuffix(pattern, "/...")
		return folder == top || all && strings.HasPrefix(folder, top+"/")
	})
}

// TestDependenciesPointOneWay: what a package imports is what its row has, and nothing
// imports what is for others only.
func TestDependenciesPointOneWay(t *testing.T) {
	all := packages(t)
	for folder, importing := range all {
		row := slices.IndexFunc(arrows, func(row struct{ packages, imports []string }) bool { return matches(row.packages, folder) })
		if !assert.NotEqual(t, -1, row, "%s: no row of arrows has it", folder) {
			continue
		}
		for _, path := range importing.Imports {
			imported, own := strings.CutPrefix(path, module)
			if !own {
				continue
			}
			assert.True(t, matches(arrows[row].imports, imported), "%s imports %s", folder, imported)
			for _, only := range importers {
				assert.False(t, matches(only.of, imported) && !matches(only.by, folder), "%s imports %s: only %v may", folder, imported, only.by)
			}
		}
	}
	for _, row := range without {
		for _, folder := range row.packages {
			for _, path := range row.imports {
				assert.False(t, slices.Contains(all[folder].Deps, path), "%s depends on %s", folder, path)
			}
		}
	}
	for _, folder := range slices.Concat(links, machinery, without[0].packages) {
		assert.Contains(t, all, folder, "there is no such package")
	}
}
