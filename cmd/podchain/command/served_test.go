package command

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	serves "github.com/podchain/podchain/reference/served"
)

func TestListServed(t *testing.T) {
	t.Parallel()
	status, text, stderr := run(t, podchain(t, "list", "--served"))
	require.Equal(t, 0, status, stderr)
	for _, line := range strings.Split(text, "\n") {
		assert.LessOrEqual(t, utf8.RuneCountInString(line), 80, line)
		assert.Equal(t, strings.TrimRight(line, " "), line)
	}
	for _, says := range []string{
		"WHAT IT IS NOT",
		"deployments namespace yes deployment-controller: ",
		"ingresses namespace schema no link (Warning): no traffic is routed",
		"endpoints namespace schema no link needed: ",
		"subjectaccessreviews cluster answered api-server: ",
		"Pod spec.volumes[*].persistentVolumeClaim: no link of this cluster binds claims",
	} {
		assert.Contains(t, flat(text), says)
	}

	status, text, stderr = run(t, podchain(t, "list", "--served", "--output", "json"))
	require.Equal(t, 0, status, stderr)
	var listed struct {
		Kinds  []serves.Kind
		Fields []serves.Field
	}
	require.NoError(t, json.Unmarshal([]byte(text), &listed))
	byName := map[string]serves.Kind{}
	for _, kind := range listed.Kinds {
		byName[kind.GroupVersion()+" "+kind.Kind] = kind
	}
	assert.Equal(t, serves.Kind{
		Group: "networking.k8s.io", Version: "v1", Kind: "Ingress", Resource: "ingresses", Namespaced: true, Subresources: []string{"status"},
		Stored: true, Links: nil, Asks: true, Does: "no traffic is routed",
		Warning: "no link of this cluster acts on Ingresses: it is stored, and validated no further than its schema",
	}, withoutEmpty(byName["networking.k8s.io/v1 Ingress"]))
	assert.Equal(t, []string{"scale", "status"}, byName["apps/v1 Deployment"].Subresources)
	assert.NotEmpty(t, listed.Fields)

	status, _, stderr = run(t, podchain(t, "list", "--served", "--output", "yaml"))
	assert.Equal(t, statusUnable, status)
	assert.Equal(t, "podchain: --output yaml: expected table or json\n", stderr)
}

func withoutEmpty(kind serves.Kind) serves.Kind {
	if len(kind.Links) == 0 {
		kind.Links = nil
	}
	return kind
}

// TestDocsHaveThePage: it is the one of list --served.
func TestDocsHaveThePage(t *testing.T) {
	t.Parallel()
	command := podchain(t, "docs", "--out", "site")
	status, _, stderr := run(t, command)
	require.Equal(t, 0, status, stderr)
	assert.Contains(t, read(t, filepath.Join(command.Dir, "site", "index.html")), `<a href="served.html">What serve is</a>`)
	page := read(t, filepath.Join(command.Dir, "site", "served.html"))
	for _, says := range []string{
		"<h1>" + serves.Title + "</h1>", "<td>networking.k8s.io/v1</td><td>Ingress</td>", "no link (Warning): no traffic is routed",
		"<td>spec.volumes[*].persistentVolumeClaim</td>",
	} {
		assert.Contains(t, page, says)
	}
}
