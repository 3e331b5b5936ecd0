// Package site makes the pages of the specification: what it says, how implementations
// did, and what was observed. They are static, and need nothing but themselves: a
// browser can open them from a disk.
//
//	site.go      the pages, and where they are
//	view.go      what they show
//	picture.go   the chain as a picture
//	written.go   features as they are written
//	guide.go     pages beside the specification
//	timeline.go  a recorded scenario as a sequence diagram
//	alone.go     one of these as a page of its own
//	publish.go   how a site takes the place of an earlier one
//	templates/   how it looks
package site

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/specification"
)

//go:embed templates
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"symbol": symbol, "class": class, "slug": slug, "add": func(a, b int) int { return a + b }, "count": count, "paragraphs": paragraphs,
}).ParseFS(files, "templates/*.html"))

// count is a number of things.
func count(number int, thing string) string {
	if number != 1 {
		thing += "s"
	}
	return fmt.Sprint(number, " ", thing)
}

// assets are copied as they are.
var assets = []string{"style.css", "script.js"}

// Build writes the site of a specification and of runs of it into a directory. The
// runs are shown in their order, the last one of each implementation on the front. The
// guides are linked to from every page.
func Build(directory string, whole *specification.Specification, runs []*events.RunRecord, guides ...Guide) error {
	s := newSite(whole, runs)
	s.guides = guides
	for _, name := range assets {
		content, err := files.ReadFile("templates/" + name)
		if err == nil {
			err = write(directory, name, content)
		}
		if err != nil {
			return err
		}
	}
	if err := s.index(directory); err != nil {
		return err
	}
	if err := s.render(directory, "index.html", "front", s); err != nil {
		return err
	}
	if err := s.render(directory, "compare.html", "compare", s.comparison()); err != nil {
		return err
	}
	if err := s.render(directory, "timelines.html", "timelines", recordings{s}); err != nil {
		return err
	}
	for _, link := range s.Links {
		if err := s.render(directory, link.Page(), "link", link); err != nil {
			return err
		}
	}
	for _, guide := range guides {
		if err := s.render(directory, guide.Page(), "guide", guide); err != nil {
			return err
		}
	}
	for _, timeline := range s.timelines {
		if err := s.render(directory, timeline.Page(), "timeline", timeline); err != nil {
			return err
		}
	}
	return nil
}

// page is what every page has.
type page struct {
	Title string
	// Root leads from the page to the front.
	Root   string
	Guides []Guide
	View   any
}

// titled is a view that says what its page is called.
type titled interface{ Title() string }

func (s *site) render(directory, name, template string, view titled) error {
	var text strings.Builder
	root := strings.Repeat("../", strings.Count(name, "/"))
	if err := pages.ExecuteTemplate(&text, template, page{view.Title(), root, s.guides, view}); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	return write(directory, name, []byte(text.String()))
}

func write(directory, name string, content []byte) error {
	path := filepath.Join(directory, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}

// entry is what the search finds.
type entry struct {
	ID   string `json:"i"`
	Text string `json:"t"`
	// More is further text to search in: the names of scenarios, and their sentences.
	More string `json:"m"`
	Link string `json:"l"`
	Page string `json:"p"`
}

// index writes what the search looks through: a script, since a page from a disk may
// read nothing else.
func (s *site) index(directory string) error {
	var all []entry
	for _, link := range s.Links {
		for _, feature := range link.Features {
			for _, requirement := range feature.Requirements {
				var more []string
				seen := map[string]bool{}
				for _, scenario := range requirement.Scenarios {
					more = append(more, scenario.Name)
					for _, step := range scenario.Steps {
						if !seen[step.Text] {
							seen[step.Text] = true
							more = append(more, step.Text)
						}
					}
				}
				all = append(all, entry{requirement.ID, requirement.Sentence, strings.Join(more, "\n"), link.Name,
					link.Page() + "#" + requirement.ID})
			}
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return write(directory, "search.js", append(append([]byte("window.podchainIndex = "), text...), ";\n"...))
}
