package chain_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/podchain/podchain/conformance/chain"
)

// mayKey are the packages, with those below, and the files that may have branches and
// tables keyed by links or workload kinds: everything else reads the tables of this package.
var mayKey = map[string]string{
	"conformance/chain":                        "the tables",
	"conformance/assembly/program.go":          "the harness's programs",
	"conformance/implementation/capability.go": "the table of capabilities: a column is the link",
	"conformance/mutant":                       "mutants, each of a link",
	"reference/apiserver":                      "the API server's strategies",
	"reference/controller":                     "links' own packages",
	"reference/scheduler":                      "a link's own package",
	"reference/served":                         "what the API server says of each kind that it serves",
	"reference/*.go":                           "the wiring of the reference",
}

// TestNothingElseIsKeyed: outside of these, no branch and no table is keyed by the name of
// a link or of a workload kind, so that a new one is its package and a row here.
func TestNothingElseIsKeyed(t *testing.T) {
	root := filepath.Join("..", "..")
	var found []string
	used := sets.New[string]()
	require.NoError(t, filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || isModule(file)):
			return filepath.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		keys := keysIn(t, name, file)
		if allowed := allowance(name); allowed == "" {
			found = append(found, keys...)
		} else if len(keys) > 0 {
			used.Insert(allowed)
		}
		return nil
	}))
	assert.Empty(t, strings.Join(found, "\n"))
	for allowed := range mayKey {
		assert.Contains(t, used, allowed, "nothing there is keyed any more: it needs no exception")
	}
}

func isModule(directory string) bool {
	_, err := os.Stat(filepath.Join(directory, "go.mod"))
	return err == nil
}

// allowance is the exception that a file is under, "" for none.
func allowance(name string) string {
	for allowed := range mayKey {
		if match, _ := path.Match(allowed, name); match || strings.HasPrefix(name, allowed+"/") {
			return allowed
		}
	}
	return ""
}

func keysIn(t *testing.T, name, file string) []string {
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	var found []string
	for _, key := range keys(syntax) {
		at := set.Position(key.Pos())
		found = append(found, fmt.Sprintf("%s:%d: %s", name, at.Line, text(key)))
	}
	return found
}

// keys are the names of links and workload kinds in a file that a case, a comparison, or
// a list or map of values has.
func keys(file *ast.File) []ast.Expr {
	var found []ast.Expr
	seen := sets.New[ast.Expr]()
	keep := func(expressions ...ast.Expr) {
		for _, expression := range expressions {
			for _, name := range namesIn(expression) {
				if !seen.Has(name) {
					seen.Insert(name)
					found = append(found, name)
				}
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.CaseClause:
			keep(node.List...)
		case *ast.BinaryExpr:
			if node.Op == token.EQL || node.Op == token.NEQ {
				keep(node.X, node.Y)
			}
		case *ast.CompositeLit:
			switch node.Type.(type) {
			case *ast.ArrayType, *ast.MapType:
				keep(node.Elts...)
			}
		case *ast.BasicLit:
			if alternatives.MatchString(node.Value) {
				found = append(found, node)
			}
		}
		return true
	})
	return found
}

// namesIn are the names within an expression. What a function in it does is looked at by
// itself, and what a map holds by a name is another matter than a map of names.
func namesIn(expression ast.Expr) []ast.Expr {
	var found []ast.Expr
	ast.Inspect(expression, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IndexExpr, *ast.FuncLit:
			return false
		case *ast.SelectorExpr, *ast.BasicLit:
			if isName(node.(ast.Expr)) {
				found = append(found, node.(ast.Expr))
			}
		}
		return true
	})
	return found
}

// constants are the names of links in Go.
var constants = sets.New("APIServer", "DeploymentController", "ReplicaSetController", "StatefulSetController", "DaemonSetController",
	"JobController", "Scheduler", "Kubelet", "GarbageCollector", "NamespaceController", "NodeLifecycle")

// literals are the names of links, and of the kinds that make Pods with their resources.
var literals, alternatives = func() (sets.Set[string], *regexp.Regexp) {
	names := sets.New[string]()
	for _, link := range chain.AllLinks {
		names.Insert(string(link))
	}
	var kinds []string
	for _, kind := range chain.Kinds {
		if kind.MakesPods() {
			kinds = append(kinds, kind.Name)
			names.Insert(kind.Name, kind.Resource)
		}
	}
	any := "(" + strings.Join(kinds, "|") + ")"
	return names, regexp.MustCompile(any + `\|\w+|\w+\|` + any)
}()

func isName(expression ast.Expr) bool {
	switch expression := expression.(type) {
	case *ast.SelectorExpr:
		of, ok := expression.X.(*ast.Ident)
		return ok && of.Name == "chain" && constants.Has(expression.Sel.Name)
	case *ast.BasicLit:
		value, err := strconv.Unquote(expression.Value)
		return expression.Kind == token.STRING && err == nil && literals.Has(value)
	}
	return false
}

func text(expression ast.Expr) string {
	switch expression := expression.(type) {
	case *ast.SelectorExpr:
		return "chain." + expression.Sel.Name
	case *ast.BasicLit:
		return expression.Value
	}
	return ""
}

// TestKeys: what counts as a branch or a table keyed by a name.
func TestKeys(t *testing.T) {
	assert.Equal(t, constants.Len(), len(chain.AllLinks))
	for name, test := range map[string]struct {
		body  string
		found int
	}{
		"a comparison":          {`_ = link == chain.Kubelet`, 1},
		"a comparison of text":  {`_ = name != "kubelet"`, 1},
		"a conversion":          {`_ = name == string(chain.Kubelet)`, 1},
		"a case":                {`switch kind { case "Pod", "ReplicaSet": }`, 1},
		"a map":                 {`_ = map[string]int{"Deployment": 1, "Pod": 2}`, 1},
		"a list":                {`_ = []chain.Link{chain.Kubelet, chain.Scheduler}`, 2},
		"rows":                  {`_ = []struct{ kind string; link chain.Link }{{"Job", chain.JobController}}`, 2},
		"resources":             {`_ = []string{"deployments", "pods"}`, 1},
		"alternatives":          {"_ = `^(Pod|Deployment) is$`", 1},
		"a branch within a row": {`_ = []func() bool{func() bool { return kind == "DaemonSet" }}`, 1},
		"a value within a row":  {`_ = []func(){func() { blame(chain.APIServer) }}`, 0},
		"a table in a table":    {`_ = [][]chain.Link{{chain.Kubelet}, []chain.Link{chain.Scheduler}}`, 2},
		"a value":               {`blame(chain.APIServer)`, 0},
		"a field":               {`_ = Culprit{Link: chain.APIServer}`, 0},
		"an assignment":         {`evidence.Blamed = chain.APIServer`, 0},
		"other kinds":           {`switch kind { case "Pod", "Node": }`, 0},
		"a sentence":            {`_ = []string{"a Deployment is made"}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc f() {\n"+test.body+"\n}", parser.SkipObjectResolution)
			require.NoError(t, err)
			assert.Len(t, keys(file), test.found)
		})
	}
}
