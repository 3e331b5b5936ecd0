package podchain_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// heavy are packages that would be more than a third of what it takes to compile podchain,
// for the few typed clients, informers and schemas that it needs of them; client-go's
// leader election and its Events draw them in.
var heavy = []string{
	"k8s.io/client-go/applyconfigurations",
	"k8s.io/client-go/informers",
	"k8s.io/client-go/kubernetes/typed",
	"k8s.io/client-go/listers/",
	"k8s.io/client-go/tools/events",
	"k8s.io/client-go/tools/leaderelection",
	"k8s.io/component-helpers/apimachinery",
}

// TestMainProgramIsLight: conformance/implementation/clients and reference/link have what
// it takes instead.
func TestMainProgramIsLight(t *testing.T) {
	listed, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "./cmd/podchain").Output()
	require.NoError(t, err)
	deps := strings.Fields(string(listed))
	require.Contains(t, deps, "k8s.io/client-go/gentype")
	require.NotContains(t, deps, "k8s.io/client-go/kubernetes")
	for _, path := range deps {
		for _, prefix := range heavy {
			assert.False(t, strings.HasPrefix(path, prefix), "cmd/podchain depends on %s", path)
		}
	}
}
