package site_test

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/site"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/reference"
)

// build makes the site of the specification with two runs, one of them without a
// scheduler, and returns its files.
func build(t *testing.T) fs.FS {
	t.Helper()
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	selected, err := whole.Select([]string{"CHAIN-01", "RS-05", "STORE-01"})
	require.NoError(t, err)
	var runs []*events.RunRecord
	for _, without := range [][]chain.Link{nil, {chain.Scheduler}} {
		run, err := conformance.Run(t.Context(), conformance.Options{Specification: selected, Testing: t,
			Implementation: reference.New(reference.Options{Without: without}),
			KeepHistory:    func(example *specification.Example) bool { return example.Requirement.ID == "CHAIN-01" }})
		require.NoError(t, err)
		runs = append(runs, run)
	}
	directory := t.TempDir()
	require.NoError(t, site.Build(directory, whole, runs, guide))
	return os.DirFS(directory)
}

var guide = site.Guide{Name: "guide", Short: "A guide", Heading: "What there is to know", Sections: []site.Section{
	{Title: "In prose", Text: "All & nothing."},
	{Title: "In a table", Table: [][]string{{"kind"}, {"Pod"}}},
	{Title: "In terms", Terms: []site.Term{{Name: "a <term>", Text: "What it means.", Example: "as | it | is"}}},
}}

// document is a page, with what others can point at and where it points.
type document struct {
	ids   map[string]bool
	links []string
	text  string
}

func read(t *testing.T, files fs.FS, name string) document {
	t.Helper()
	content, err := fs.ReadFile(files, name)
	require.NoError(t, err)
	root, err := html.Parse(strings.NewReader(string(content)))
	require.NoError(t, err)
	d := document{ids: map[string]bool{}, text: string(content)}
	for node := range root.Descendants() {
		for _, attribute := range node.Attr {
			switch attribute.Key {
			case "id":
				assert.False(t, d.ids[attribute.Val], "%s: id %q is there twice", name, attribute.Val)
				d.ids[attribute.Val] = true
			case "href", "src":
				d.links = append(d.links, attribute.Val)
			}
		}
	}
	return d
}

// TestLinks: whatever a page points at is there, and nothing is anywhere else.
func TestLinks(t *testing.T) {
	files := build(t)
	pages := map[string]document{}
	require.NoError(t, fs.WalkDir(files, ".", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(name) == ".html" {
			pages[name] = read(t, files, name)
		}
		return err
	}))
	require.Greater(t, len(pages), 12)
	for name, page := range pages {
		require.NotEmpty(t, page.links)
		for _, text := range page.links {
			link, err := url.Parse(text)
			require.NoError(t, err, name)
			if link.Scheme == "data" {
				continue
			}
			assert.Empty(t, link.Scheme+link.Host, "%s points at %s", name, text)
			target := name
			if link.Path != "" {
				target = path.Join(path.Dir(name), link.Path)
				_, err := fs.Stat(files, target)
				assert.NoError(t, err, "%s points at %s", name, text)
			}
			if link.Fragment != "" {
				assert.True(t, pages[target].ids[link.Fragment], "%s points at %s", name, text)
			}
		}
	}
}

// TestPages: what came of the runs, and what was observed, is there to be read.
func TestPages(t *testing.T) {
	files := build(t)
	front := read(t, files, "index.html").text
	assert.Contains(t, front, "175 requirements")
	assert.Contains(t, front, "nothing was run, blamed for 3 scenarios")
	assert.Contains(t, front, "<details open><summary>2 implementations</summary>")

	beside := read(t, files, "guide.html").text
	for _, says := range []string{"<h1>What there is to know</h1>", "<h2>In prose</h2>", "All &amp; nothing.", "<th scope=\"col\">kind</th>", "<td>Pod</td>",
		"<h3>a &lt;term&gt;</h3>", "What it means.", ">as | it | is</pre>", `<a href="#in-terms">In terms</a>`} {
		assert.Contains(t, beside, says)
	}

	chain := read(t, files, "link/chain.html")
	assert.Contains(t, chain.links, "../guide.html")
	assert.True(t, chain.ids["CHAIN-01"])
	assert.Contains(t, chain.text, "The chain broke at the scheduler")
	assert.Contains(t, chain.text, "\n"+strings.Repeat(" ", 19)+"▲ │ watch\n", "what is drawn stays as it is")

	var timelines []string
	matches, err := fs.Glob(files, "timeline/*.html")
	require.NoError(t, err)
	for _, name := range matches {
		timelines = append(timelines, read(t, files, name).text)
	}
	all := strings.Join(timelines, "")
	_, after, _ := strings.Cut(all, `class="step failed"`)
	diagram, _, _ := strings.Cut(after, "</svg>")
	assert.NotContains(t, diagram, `class="step"`, "what comes after the step that failed is not executed")
	for _, says := range []string{"scheduler: update Pod", "create ReplicaSet", "replicaset-controller: create Pod", "<td>spec.nodeName</td>", `class="step failed"`,
		"kubelet of node-1: RunPodSandbox web-", "Notified: "} {
		assert.Contains(t, all, says)
	}
	// Cause before effect, though two watches have no common order, and the runtime's
	// calls none with either.
	for _, text := range timelines {
		last := 0
		for _, cause := range []string{"create Deployment web", "create ReplicaSet", "(binding)</text>", "RunPodSandbox", "StartContainer"} {
			if at := strings.Index(text, cause); at >= 0 {
				assert.Less(t, last, at, cause)
				last = at
			}
		}
		notified := regexp.MustCompile(`Notified: ([^.]*)\.`).FindAllStringSubmatch(text, -1)
		require.NotEmpty(t, notified)
		assert.Contains(t, fmt.Sprint(notified), "replicaset-controller")
	}

	compared := read(t, files, "compare.html").text
	differ, agree, _ := strings.Cut(compared, "Where they agree")
	assert.Contains(t, differ, "CHAIN-01")
	assert.NotContains(t, differ, "RS-05")
	assert.Contains(t, agree, "RS-05")
}
