package specification

import (
	"bytes"
	"fmt"
	"strings"

	gherkin "github.com/cucumber/gherkin/go/v26"
	messages "github.com/cucumber/messages/go/v21"
)

// file is one feature file while it is read.
type file struct {
	name    string
	lines   [][]byte
	feature *messages.Feature
}

// examples returns what a scenario executes: itself, or each row of its
// Examples.
func (f *file) examples(rule *messages.Rule, scenario *messages.Scenario) ([]*Example, error) {
	if len(scenario.Examples) == 0 {
		if strings.Contains(scenario.Keyword, "Outline") || strings.Contains(scenario.Keyword, "Template") {
			return nil, fmt.Errorf("%s:%d: the outline has no Examples: nothing would be executed", f.name, scenario.Location.Line)
		}
		example, err := f.example(rule, scenario, nil, nil)
		return []*Example{example}, err
	}
	var all []*Example
	for _, table := range scenario.Examples {
		if len(table.TableBody) == 0 {
			return nil, fmt.Errorf("%s:%d: these Examples have no row: nothing would be executed", f.name, table.Location.Line)
		}
		for _, row := range table.TableBody {
			example, err := f.example(rule, scenario, table, row)
			if err != nil {
				return nil, err
			}
			all = append(all, example)
		}
	}
	return all, nil
}

func (f *file) example(rule *messages.Rule, scenario *messages.Scenario, table *messages.Examples, row *messages.TableRow) (*Example, error) {
	tags := [][]*messages.Tag{f.feature.Tags, rule.Tags, scenario.Tags}
	if table != nil {
		tags = append(tags, table.Tags)
	}
	since, err := f.since(tags...)
	if err != nil {
		return nil, err
	}
	example := &Example{
		Location:     Location{f.name, int(scenario.Location.Line)},
		Capabilities: capabilities(tags...),
		TimeBased:    tagged(timeBasedTag, tags...),
		Since:        since,
		Feature:      f.mask(rule, scenario, table, row),
	}
	if row != nil {
		example.Location.Line = int(row.Location.Line)
	}
	ids := &messages.Incrementing{}
	document, err := gherkin.ParseGherkinDocument(bytes.NewReader(example.Feature), ids.NewId)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be read alone: %w", example.Location, err)
	}
	pickles := gherkin.Pickles(*document, f.name, ids.NewId)
	if len(pickles) != 1 {
		return nil, fmt.Errorf("%s: it reads as %d scenarios when it stands alone", example.Location, len(pickles))
	}
	example.Name = named(scenario, pickles[0], row)
	example.Steps = steps(f.name, document, pickles[0])
	if len(example.Steps) == 0 {
		return nil, fmt.Errorf("%s: the scenario has no steps: nothing would be executed", example.Location)
	}
	return example, nil
}

// named is the title of a scenario with the values of its row in place; those of a
// title that has no place for them stand behind it.
func named(scenario *messages.Scenario, pickle *messages.Pickle, row *messages.TableRow) string {
	if row == nil || pickle.Name != scenario.Name {
		return pickle.Name
	}
	var values []string
	for _, cell := range row.Cells {
		values = append(values, cell.Value)
	}
	return pickle.Name + " (" + strings.Join(values, ", ") + ")"
}

func steps(name string, document *messages.GherkinDocument, pickle *messages.Pickle) []Step {
	written := map[string]*messages.Step{}
	visit := func(background *messages.Background, scenario *messages.Scenario) {
		if background != nil {
			for _, step := range background.Steps {
				written[step.Id] = step
			}
		}
		if scenario != nil {
			for _, step := range scenario.Steps {
				written[step.Id] = step
			}
		}
	}
	for _, child := range document.Feature.Children {
		visit(child.Background, child.Scenario)
		if child.Rule != nil {
			for _, inner := range child.Rule.Children {
				visit(inner.Background, inner.Scenario)
			}
		}
	}
	var all []Step
	for _, step := range pickle.Steps {
		source := written[step.AstNodeIds[0]]
		one := Step{
			Keyword:  strings.TrimSpace(source.Keyword),
			Text:     step.Text,
			Location: Location{name, int(source.Location.Line)},
		}
		one.Table, one.Doc = argument(step.Argument)
		all = append(all, one)
	}
	return all
}

// argument is what stands below a step.
func argument(of *messages.PickleStepArgument) (table [][]string, doc string) {
	switch {
	case of == nil:
	case of.DocString != nil:
		doc = of.DocString.Content
	case of.DataTable != nil:
		for _, row := range of.DataTable.Rows {
			var cells []string
			for _, cell := range row.Cells {
				cells = append(cells, cell.Value)
			}
			table = append(table, cells)
		}
	}
	return table, doc
}

// mask returns the file with all lines blank but those of one example.
func (f *file) mask(rule *messages.Rule, scenario *messages.Scenario, table *messages.Examples, row *messages.TableRow) []byte {
	keep := make([]bool, len(f.lines)+2)
	mark := func(from, before int64) {
		for line := from; line < before && line < int64(len(keep)); line++ {
			keep[line] = true
		}
	}
	starts := f.starts()
	next := func(line int64) int64 {
		for _, start := range starts {
			if start > line {
				return start
			}
		}
		return int64(len(f.lines) + 1)
	}
	background := func(b *messages.Background) {
		if b != nil {
			mark(b.Location.Line, next(b.Location.Line))
		}
	}
	mark(f.feature.Location.Line, f.feature.Location.Line+1)
	for _, child := range f.feature.Children {
		background(child.Background)
	}
	mark(rule.Location.Line, rule.Location.Line+1)
	for _, child := range rule.Children {
		background(child.Background)
	}
	mark(scenario.Location.Line, next(scenario.Location.Line))
	if table != nil {
		mark(table.Location.Line, table.Location.Line+1)
		mark(table.TableHeader.Location.Line, table.TableHeader.Location.Line+1)
		mark(row.Location.Line, row.Location.Line+1)
	}
	masked := make([][]byte, len(f.lines))
	for i, line := range f.lines {
		if keep[i+1] {
			masked[i] = line
		}
	}
	return bytes.Join(masked, []byte("\n"))
}

// starts returns, in order, the lines on which something begins that is not a
// part of what stands before it: tags belong to what follows them.
func (f *file) starts() []int64 {
	var lines []int64
	begin := func(line int64, tags []*messages.Tag) {
		if len(tags) > 0 {
			line = tags[0].Location.Line
		}
		lines = append(lines, line)
	}
	scenario := func(s *messages.Scenario) {
		if s == nil {
			return
		}
		begin(s.Location.Line, s.Tags)
		for _, table := range s.Examples {
			begin(table.Location.Line, table.Tags)
		}
	}
	background := func(b *messages.Background) {
		if b != nil {
			begin(b.Location.Line, nil)
		}
	}
	for _, child := range f.feature.Children {
		background(child.Background)
		scenario(child.Scenario)
		if child.Rule == nil {
			continue
		}
		begin(child.Rule.Location.Line, child.Rule.Tags)
		for _, inner := range child.Rule.Children {
			background(inner.Background)
			scenario(inner.Scenario)
		}
	}
	return lines
}
