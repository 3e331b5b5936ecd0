package site

import (
	"strings"

	messages "github.com/cucumber/messages/go/v21"

	"github.com/podchain/podchain/conformance/specification"
)

// scenario is a scenario, or an outline with its tables, as it is written.
type scenario struct {
	Keyword, Name, About string
	Line                 int64
	Tags                 []string
	Steps                []step
	Examples             []examples
}

// paragraph is a part of a text between empty lines.
type paragraph struct {
	Text string
	// Drawn says that it is indented: its lines are to stay as they are.
	Drawn bool
}

func paragraphs(text string) []paragraph {
	var all []paragraph
	for _, part := range strings.Split(text, "\n\n") {
		if part != "" {
			all = append(all, paragraph{part, strings.HasPrefix(part, " ")})
		}
	}
	return all
}

// step is a step as it is written.
type step struct {
	Keyword, Text, Doc string
	Table              [][]string
}

// examples are a table of an outline.
type examples struct {
	Tags  []string
	Table [][]string
}

// written returns the scenarios of a requirement, what they have in common before
// them.
func written(feature *messages.Feature, id string) []*scenario {
	var all []*scenario
	for _, child := range feature.Children {
		if child.Background != nil {
			all = append(all, background(child.Background))
		}
		if child.Rule == nil || specification.RequirementID(child.Rule) != id {
			continue
		}
		for _, inner := range child.Rule.Children {
			switch {
			case inner.Background != nil:
				all = append(all, background(inner.Background))
			case inner.Scenario != nil:
				all = append(all, scenarioOf(inner.Scenario))
			}
		}
	}
	return all
}

func background(b *messages.Background) *scenario {
	return &scenario{Keyword: b.Keyword, Name: b.Name, About: specification.Text(b.Description), Line: b.Location.Line, Steps: stepsOf(b.Steps)}
}

func scenarioOf(s *messages.Scenario) *scenario {
	one := &scenario{Keyword: s.Keyword, Name: s.Name, About: specification.Text(s.Description), Line: s.Location.Line,
		Tags: tags(s.Tags), Steps: stepsOf(s.Steps)}
	for _, table := range s.Examples {
		rows := [][]string{cells(table.TableHeader)}
		for _, row := range table.TableBody {
			rows = append(rows, cells(row))
		}
		one.Examples = append(one.Examples, examples{tags(table.Tags), rows})
	}
	return one
}

func stepsOf(all []*messages.Step) []step {
	var found []step
	for _, s := range all {
		one := step{Keyword: strings.TrimSpace(s.Keyword), Text: s.Text}
		if s.DocString != nil {
			one.Doc = s.DocString.Content
		}
		if s.DataTable != nil {
			for _, row := range s.DataTable.Rows {
				one.Table = append(one.Table, cells(row))
			}
		}
		found = append(found, one)
	}
	return found
}

func cells(row *messages.TableRow) []string {
	var all []string
	for _, cell := range row.Cells {
		all = append(all, cell.Value)
	}
	return all
}

func tags(all []*messages.Tag) []string {
	var names []string
	for _, tag := range all {
		names = append(names, tag.Name)
	}
	return names
}
