package trace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
`

func TestLoad(t *testing.T) {
	for name, text := range map[string]string{
		"YAML":                            web,
		"with a marker and comments":      "# a comment\n---\n" + web + "---\n# nothing\n---\n",
		"JSON":                            `{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}}}`,
		"lines that end as on Windows":    strings.ReplaceAll(web, "\n", "\r\n"),
		"a marker that is part of a text": web + "  minReadySeconds: 0\nx: |\n  ---\n",
	} {
		t.Run(name, func(t *testing.T) {
			deployment, err := Load("-", strings.NewReader(text))
			require.NoError(t, err)
			assert.Equal(t, "web", deployment.GetName())
			assert.EqualValues(t, 2, deployment.Object["spec"].(map[string]any)["replicas"])
			assert.Equal(t, "app=web", selector(deployment))
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, message string }{
		"nothing":               {"", "FILE: there is no manifest in it"},
		"only comments":         {"# web\n---\n---\n", "FILE: there is no manifest in it"},
		"text":                  {"hello\n", "FILE:1: not valid YAML: it is not a mapping"},
		"a sequence":            {"- a\n", "FILE:1: not valid YAML: it is not a mapping"},
		"a wrong indent":        {"kind: Deployment\n  name: web\n", "FILE:2: not valid YAML: mapping values are not allowed in this context"},
		"a field twice":         {"kind: Deployment\n\nkind: Pod\n", `FILE:3: not valid YAML: key "kind" already set in map`},
		"no kind":               {"\napiVersion: apps/v1\n", "FILE:2: not a manifest: it has no kind"},
		"another kind":          {strings.Replace(web, "Deployment", "StatefulSet", 1), `FILE:2: kind StatefulSet "web", but what is traced is a Deployment`},
		"a list":                {"apiVersion: v1\nkind: List\nitems: []\n", "FILE:2: kind List, but what is traced is a Deployment"},
		"a version of long ago": {strings.Replace(web, "apps/v1", "extensions/v1beta1", 1), `FILE:1: apiVersion "extensions/v1beta1", but a Deployment is of apps/v1`},
		"no name":               {strings.Replace(web, "name: web", "", 1), "FILE:3: the Deployment has no metadata.name"},
		"metadata of no use":    {strings.Replace(web, "{name: web}", "web", 1), "FILE:3: metadata is not a mapping"},
		"two documents":         {web + "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n", `FILE:12: a second document (Service "web"), but one Deployment is traced`},
		"a broken second one":   {web + "---\na: [\n", "FILE:1"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "web.yaml")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			_, err := Load(path, nil)
			require.Error(t, err)
			assert.Contains(t, strings.ReplaceAll(err.Error(), path, "FILE"), c.message)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestLoadUnreadable(t *testing.T) {
	directory := t.TempDir()
	_, err := Load(directory, nil)
	assert.EqualError(t, err, "read the manifest: "+directory+": is a directory")
	_, err = Load(filepath.Join(directory, "none.yaml"), nil)
	assert.EqualError(t, err, "read the manifest: "+directory+"/none.yaml does not exist")
}
