package steps

import (
	"context"
	"errors"
	"fmt"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"
)

// createThese makes an object of each row: its name, and what is in its fields.
func (w *World) createThese(ctx context.Context, kind string, table *godog.Table) error {
	return each(table, func(name string, fields *godog.Table) error {
		return w.create(ctx, kind, name, "", fields)
	})
}

// theseHave waits until each row is true of the object that it names.
func (w *World) theseHave(ctx context.Context, kind string, table *godog.Table) error {
	return each(table, func(name string, fields *godog.Table) error {
		return w.has(ctx, fmt.Sprintf("%s %q", kind, name), fields)
	})
}

// each hands over the rows of a table of objects, one column of which is the name
// and every other a field, as sentences about one object have it: a table of
// fields and values. An empty cell says nothing of its field.
func each(table *godog.Table, do func(name string, fields *godog.Table) error) error {
	if table == nil || len(table.Rows) < 2 {
		return CouldNotRun{errors.New("a table of objects is missing below the sentence")}
	}
	header := table.Rows[0].Cells
	for _, line := range table.Rows[1:] {
		name, fields := "", &godog.Table{Rows: []*messages.PickleTableRow{row("field", "value")}}
		for i, cell := range line.Cells {
			switch {
			case header[i].Value == "name":
				name = cell.Value
			case cell.Value != "":
				fields.Rows = append(fields.Rows, row(header[i].Value, cell.Value))
			}
		}
		if name == "" {
			return CouldNotRun{errors.New("every row of a table of objects needs a name")}
		}
		if err := do(name, fields); err != nil {
			return err
		}
	}
	return nil
}

func row(cells ...string) *messages.PickleTableRow {
	row := &messages.PickleTableRow{}
	for _, cell := range cells {
		row.Cells = append(row.Cells, &messages.PickleTableCell{Value: cell})
	}
	return row
}
