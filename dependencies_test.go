// Package podchain_test holds what is true of the module as a whole.
package podchain_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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
	leaves = slices.Concat(contract, []string{"conformance/events", "conformance/field", "conformance/history", "conformance/objects", "conformance/permission",
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
	{[]string{"features", "fixtures", "conformance/objects", "conformance/specification"}, nil},
	{[]string{"conformance/chain"}, []string{"conformance/objects"}},
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
	{[]string{"conformance/examples/..."}, []string{"conformance", "features", "reference"}},
	{[]string{"conformance/kubernetes/cmd/..."}, slices.Concat(contract, machinery, []string{"cmd/podchain/command", "conformance/kubernetes"})},
	{[]string{"conformance/kubernetes/..."},
		slices.Concat(contract, machinery, []string{"conformance/kubernetes/...", "conformance/storehistory", "fixtures", "reference", "reference/runtime/..."})},
}

// only says which packages are imported by some others alone.
var only = []struct{ packages, by []string }{
	{[]string{"cmd/..."}, []string{"cmd/podchain", "conformance/kubernetes/cmd/..."}}, // main packages
	{[]string{"conformance"}, []string{"cmd/podchain/command"}},
	{links, []string{"reference", "cmd/podchain/command"}},
}

// light are the packages that nothing of client-go comes with, not even through others.
var light = []string{"conformance/chain", "conformance/events", "conformance/report", "conformance/site", "conformance/specification"}

// imports returns what each package imports, by its folder: packages of this module, and
// of those in folders below it, by their folders. What only supports tests is a test.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	require.NoError(t, fs.WalkDir(os.DirFS("."), ".", func(path string, entry fs.DirEntry, err error) error {
		folder, name := filepath.Split(path)
		folder = strings.TrimSuffix(folder, "/")
		switch {
		case err != nil:
			return err
		case entry.IsDir() && len(name) > 1 && strings.HasPrefix(name, "."):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(folder, "test"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		found[folder] = append(found[folder], []string{}...)
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[folder] = append(found[folder], strings.TrimPrefix(imported, module))
		}
		return nil
	}))
	return found
}

// matches tells whether one of the patterns is about the folder.
func matches(patterns []string, folder string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		top, all := strings.CutSuffix(pattern, "/...")
		return folder == top || all && strings.HasPrefix(folder, top+"/")
	})
}

// TestDependenciesPointOneWay: a package imports what its row has, and nothing that only
// others import.
func TestDependenciesPointOneWay(t *testing.T) {
	all := imports(t)
	for folder, imported := range all {
		row := slices.IndexFunc(arrows, func(row struct{ packages, imports []string }) bool { return matches(row.packages, folder) })
		if !assert.NotEqual(t, -1, row, "%s: no row of arrows has it", folder) {
			continue
		}
		for _, other := range imported {
			if _, own := all[other]; !own {
				continue
			}
			assert.True(t, matches(arrows[row].imports, other), "%s imports %s", folder, other)
			for _, rule := range only {
				assert.False(t, matches(rule.packages, other) && !matches(rule.by, folder), "%s imports %s: only %v may", folder, other, rule.by)
			}
		}
	}
	for _, folder := range slices.Concat(links, machinery, light) {
		assert.Contains(t, all, folder, "there is no such package")
	}
}

// TestReportsAreLight: what a report is made of compiles in seconds.
func TestReportsAreLight(t *testing.T) {
	all := imports(t)
	seen := map[string]bool{}
	var visit func(folder string)
	visit = func(folder string) {
		if seen[folder] {
			return
		}
		seen[folder] = true
		assert.False(t, strings.HasPrefix(folder, "k8s.io/client-go/") || folder == "conformance/history", "%v depend on %s", light, folder)
		for _, other := range all[folder] {
			visit(other)
		}
	}
	for _, folder := range light {
		visit(folder)
	}
}
