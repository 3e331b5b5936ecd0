package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/podchain/podchain/conformance/site"
	"github.com/podchain/podchain/steps"
)

// sentencesTitle and sentencesAbout begin the manual of the vocabulary.
const (
	sentencesTitle = "The sentences of features"
	sentencesAbout = `Features are written in these sentences, after Given, When, Then or And. A
sentence before Then changes something through the API server; one after it asks the
recorded history. An example follows each; the shapes of tables, and what may stand in
them, are at the end. A colon at the end of a sentence is optional; the examples have
one where a table or a text follows.`
)

// listSentences prints the vocabulary, with all that an author needs.
func listSentences(out io.Writer, output string) error {
	switch output {
	case "table":
		return writeSentences(out)
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(struct {
			Subjects []steps.Subject `json:"subjects"`
			Tables   []*steps.Shape  `json:"tables"`
			Language []steps.Chapter `json:"language"`
		}{steps.Subjects(), steps.Shapes(), steps.Language()})
	}
	return fmt.Errorf("--output %s: expected table or json", output)
}

// writeSentences writes the manual for a terminal.
func writeSentences(out io.Writer) error {
	var text bytes.Buffer
	paragraph := func(indent int, words string) {
		for _, line := range fill(words, servedWidth-indent) {
			fmt.Fprintf(&text, "%*s%s\n", indent, "", line)
		}
	}
	term := func(name, means string) {
		paragraph(2, name)
		paragraph(6, means)
	}
	fmt.Fprintf(&text, "%s\n", sentencesTitle)
	for _, part := range sentencesGuide().Sections {
		fmt.Fprintf(&text, "\n%s\n", strings.ToUpper(part.Title))
		if part.Text != "" {
			paragraph(2, part.Text)
		}
		for i, row := range part.Table {
			if i > 0 { // the head
				term(row[0], row[1])
			}
		}
		for _, entry := range part.Terms {
			text.WriteString("\n")
			term(entry.Name, entry.Text)
			if entry.Example != "" {
				fmt.Fprintf(&text, "\n        %s\n", strings.ReplaceAll(entry.Example, "\n", "\n        "))
			}
		}
	}
	_, err := text.WriteTo(out)
	return err
}

// sentencesGuide is the manual as a page of the site.
func sentencesGuide() site.Guide {
	guide := site.Guide{Name: "sentences", Short: "Sentences", Heading: sentencesTitle}
	guide.Sections = append(guide.Sections, site.Section{Title: "How to read them", Text: sentencesAbout})
	for _, subject := range steps.Subjects() {
		section := site.Section{Title: capital(subject.Name), Text: subject.Description}
		for _, sentence := range subject.Sentences {
			about := sentence.Description
			if sentence.Table != nil {
				about += " It takes a table of " + sentence.Table.Name + "."
			}
			section.Terms = append(section.Terms, site.Term{Name: sentence.String(), Text: about, Example: sentence.Example})
		}
		guide.Sections = append(guide.Sections, section)
	}
	for _, shape := range steps.Shapes() {
		section := site.Section{Title: "A table of " + shape.Name, Text: shape.Description, Table: [][]string{{"Column", "What it says"}}}
		for _, column := range shape.Columns {
			means := column.Description
			if column.Optional {
				means += " (optional)"
			}
			section.Table = append(section.Table, []string{column.Name, means})
		}
		if shape.Further != "" {
			section.Table = append(section.Table, []string{"any other column", shape.Further})
		}
		guide.Sections = append(guide.Sections, section)
	}
	for _, chapter := range steps.Language() {
		section := site.Section{Title: capital(chapter.Name), Table: [][]string{{"Form", "What it means"}}}
		for _, term := range chapter.Terms {
			section.Table = append(section.Table, []string{term.Form, term.Means})
		}
		guide.Sections = append(guide.Sections, section)
	}
	return guide
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
