package reference_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// goroutinesApart are the places that start a goroutine by themselves, and why none of
// them can panic, or why that is dealt with.
var goroutinesApart = map[string]string{
	"apiserver/admission.go context.AfterFunc":                       "it only cancels a context",
	"apiserver/watch.go context.AfterFunc":                           "it only cancels a context",
	"link/queue.go context.AfterFunc":                                "it shuts a queue of client-go down",
	"inmemoryhttp/transport.go context.AfterFunc":                    "they cancel a context, and wake who waits",
	"inmemoryhttp/transport.go sync.WaitGroup":                       "it counts what crash.Go starts",
	"kubelet/tasks.go sync.WaitGroup":                                "it counts what crash.Go and a Domain start",
	"store/etcd/store.go context.AfterFunc":                          "it only cancels a context",
	"store/etcd/watcher.go context.AfterFunc":                        "it only cancels a context",
	"controller/garbagecollector/garbagecollector.go sync.WaitGroup": "it waits for what is watched",
}

// A goroutine that is started by itself would end the program when it panics, instead
// of its link: package crash starts them.
func TestGoroutinesAreStartedByCrash(t *testing.T) {
	found := map[string]bool{}
	look := func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			strings.Contains(path, "storetest/") || strings.Contains(path, "controllertest/") {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		note := func(what string, at token.Pos) {
			place := filepath.ToSlash(path) + " " + what
			found[place] = true
			assert.Contains(t, goroutinesApart, place, "%s: use package crash, or say here why it need not be", files.Position(at))
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.GoStmt:
				note("go", node.Pos())
			case *ast.SelectorExpr:
				name, _ := node.X.(*ast.Ident)
				if name == nil {
					break
				}
				switch what := name.Name + "." + node.Sel.Name; what {
				case "time.AfterFunc", "context.AfterFunc", "sync.WaitGroup", "errgroup.Group", "errgroup.WithContext":
					note(what, node.Pos())
				}
			}
			return true
		})
		return nil
	}
	require.NoError(t, filepath.WalkDir(".", look))
	// What its links send goes through the suite's taps.
	require.NoError(t, filepath.WalkDir(filepath.Join("..", "conformance", "tap"), look))
	for place := range goroutinesApart {
		assert.Contains(t, found, place, "it is no more: remove it from the list")
	}
}
