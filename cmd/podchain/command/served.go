package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/podchain/podchain/conformance/site"
	"github.com/podchain/podchain/reference"
	serves "github.com/podchain/podchain/reference/served"
)

// servedWidth is how wide the page is in a terminal.
const servedWidth = 80

// listServed prints what podchain serve is and is not.
func listServed(out io.Writer, output string) error {
	switch output {
	case "table":
		return writeServed(out)
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(struct {
			Kinds  []serves.Kind  `json:"kinds"`
			Fields []serves.Field `json:"fields"`
		}{serves.All(reference.Links()), serves.Fields()})
	}
	return fmt.Errorf("--output %s: expected table or json", output)
}

// writeServed writes the page for a terminal.
func writeServed(out io.Writer) error {
	var text bytes.Buffer
	section := func(title, body string) {
		fmt.Fprintf(&text, "\n%s\n", strings.ToUpper(title))
		for _, line := range fill(body, servedWidth-2) {
			fmt.Fprintf(&text, "  %s\n", line)
		}
	}
	fmt.Fprintf(&text, "%s\n", serves.Title)
	for _, about := range serves.About {
		section(about.Title, about.Text)
	}
	section("Kinds", servedLegend)
	for _, version := range servedVersions() {
		rows := [][]string{{version[0].GroupVersion(), "SCOPE", "VALIDATED", "LOOKED AFTER BY"}}
		for _, k := range version {
			rows = append(rows, []string{k.Resource, scopeOf(k), validationOf(k), keeperOf(k)})
		}
		text.WriteString("\n")
		if err := writeTable(&text, rows, servedWidth); err != nil {
			return err
		}
	}
	section("Fields that nothing carries out", servedFields)
	for _, field := range serves.Fields() {
		lines := fill(fmt.Sprintf("%s %s: %s", field.Kind, field.Field, field.Warning), servedWidth-4)
		fmt.Fprintf(&text, "  %s\n", strings.Join(lines, "\n    "))
	}
	_, err := text.WriteTo(out)
	return err
}

// servedGuide is the page of the site.
func servedGuide() site.Guide {
	guide := site.Guide{Name: "served", Short: "What serve is", Heading: serves.Title}
	for _, about := range serves.About {
		guide.Sections = append(guide.Sections, site.Section{Title: about.Title, Text: about.Text})
	}
	kinds := [][]string{{"Group and version", "Kind", "Looked after by", "Warning", "Validated", "Stored", "Defaults", "Scope", "Resource", "Subresources"}}
	for _, k := range serves.All(reference.Links()) {
		kinds = append(kinds, []string{k.GroupVersion(), k.Kind, keeperOf(k), k.Warning, validationOf(k),
			yes(k.Stored), yes(k.Defaulted), scopeOf(k), k.Resource, strings.Join(k.Subresources, ", ")})
	}
	fields := [][]string{{"Kind", "Field", "Warning"}}
	for _, f := range serves.Fields() {
		fields = append(fields, []string{f.Kind, f.Field, f.Warning})
	}
	guide.Sections = append(guide.Sections,
		site.Section{Title: "Kinds", Text: servedLegend, Table: kinds},
		site.Section{Title: "Fields that nothing carries out", Text: servedFields, Table: fields})
	return guide
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// servedFields explains the table of fields.
const servedFields = `A write that asks for one of these is answered with a Warning that begins with the path of
the field. What is said of a Pod goes for templates of Pods as well.`

// servedLegend explains the table of kinds.
const servedLegend = `VALIDATED is yes for a kind whose fields have rules, schema for one that is checked no further
than by its schema, and answered for one of which nothing is stored. Where no link takes the
action that a kind asks for, a write of it is answered with a Warning.`

// servedVersions returns the kinds by group version.
func servedVersions() (versions [][]serves.Kind) {
	for _, k := range serves.All(reference.Links()) {
		if last := len(versions) - 1; last >= 0 && versions[last][0].GroupVersion() == k.GroupVersion() {
			versions[last] = append(versions[last], k)
			continue
		}
		versions = append(versions, []serves.Kind{k})
	}
	return versions
}

func scopeOf(k serves.Kind) string {
	if k.Namespaced {
		return "namespace"
	}
	return "cluster"
}

func validationOf(k serves.Kind) string {
	switch {
	case !k.Stored:
		return "answered"
	case k.Validated:
		return "yes"
	}
	return "schema"
}

// keeperOf says who looks after a kind.
func keeperOf(k serves.Kind) string {
	var names []string
	for _, link := range k.Links {
		names = append(names, string(link))
	}
	switch {
	case len(names) > 0:
		return strings.Join(names, ", ") + ": " + k.Does
	case k.Asks:
		return "no link (Warning): " + k.Does
	}
	return "no link needed: " + k.Does
}

// fill makes lines of a text, between words.
func fill(text string, room int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		line := &lines[len(lines)-1]
		if *line != "" && utf8.RuneCountInString(*line)+1+utf8.RuneCountInString(word) > room {
			lines = append(lines, word)
			continue
		}
		*line = strings.TrimSpace(*line + " " + word)
	}
	return lines
}
