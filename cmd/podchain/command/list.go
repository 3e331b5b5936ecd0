package command

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podchain/podchain/conformance/mutant"
	"github.com/podchain/podchain/conformance/specification"
)

func newListCommand() *cobra.Command {
	var output, directory string
	var selection []string
	var sentences, mutants, served bool
	command := &cobra.Command{
		Use:   "list",
		Short: "List the requirements of the specification",
		Long: `List the requirements: id, level, link, what they need of an implementation, the
release of a link that introduced them, the place of the Rule, and its title.

Other lists:
  --sentences  the sentences that features are written in, with an example of
               each, the shapes of tables, and the forms of values
  --mutants    the defects of podchain verify --mutant, and for each a
               requirement that fails because of it
  --served     what podchain serve does and does not do: the kinds that it
               serves, and the link that reconciles each

On a terminal, lines are as wide as it is; elsewhere they are not broken.`,
		Example: `  podchain list --select scheduler
  podchain list --output json
  podchain list --sentences
  podchain list --mutants
  podchain list --served`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			out := command.OutOrStdout()
			switch {
			case sentences:
				return listSentences(out, output)
			case mutants:
				return listMutants(out)
			case served:
				return listServed(out, output)
			}
			selected, err := loadSelected(directory, selection)
			if err != nil {
				return err
			}
			switch output {
			case "table":
				return listTable(out, selected)
			case "json":
				return listJSON(out, selected)
			}
			return fmt.Errorf("--output %s: expected table or json", output)
		},
	}
	flags := command.Flags()
	flags.StringVarP(&output, "output", "o", "table", "Print in this `format`: table or json")
	flags.StringVar(&directory, "features", "", "List the features in this `directory` instead of the built-in specification")
	flags.StringArrayVar(&selection, "select", nil, "List what this `pattern` names, as in podchain verify (repeatable)")
	flags.BoolVar(&sentences, "sentences", false, "List the sentences that features are written in")
	flags.BoolVar(&mutants, "mutants", false, "List the mutants of podchain verify --mutant")
	flags.BoolVar(&served, "served", false, "List the kinds that podchain serve serves, and the link that reconciles each")
	command.MarkFlagsMutuallyExclusive("sentences", "mutants", "served")
	return command
}

func listMutants(out io.Writer) error {
	rows := [][]string{{"MUTANT", "NOTICED BY", "WHAT IT DOES"}}
	for _, m := range mutant.All {
		rows = append(rows, []string{m.Name, m.Notices, m.Does})
	}
	return printTable(out, rows)
}

func listTable(out io.Writer, listed *specification.Specification) error {
	rows := [][]string{{"ID", "LEVEL", "LINK", "NEEDS", "SINCE", "WHERE", "REQUIREMENT"}}
	for _, r := range listed.Requirements {
		needs := cmp.Or(strings.Join(r.Capabilities(), ","), "-")
		var since []string
		for _, came := range r.Since() {
			since = append(since, came.String())
		}
		rows = append(rows, []string{r.ID, r.Level, r.Link, needs,
			cmp.Or(strings.Join(since, ","), "-"), r.Location.String(), r.Sentence})
	}
	return printTable(out, rows)
}

type listed struct {
	ID           string   `json:"id"`
	Level        string   `json:"level"`
	Link         string   `json:"link"`
	Sentence     string   `json:"sentence"`
	Why          string   `json:"why,omitempty"`
	Capabilities []string `json:"capabilities"`
	// Since is what brought some or all of its scenarios.
	Since     []specification.Since `json:"since,omitempty"`
	Scenarios int                   `json:"scenarios"`
	specification.Location
}

func listJSON(out io.Writer, selected *specification.Specification) error {
	entries := []listed{}
	for _, r := range selected.Requirements {
		needs := r.Capabilities()
		if needs == nil {
			needs = []string{}
		}
		entries = append(entries, listed{r.ID, r.Level, r.Link, r.Sentence, r.Why, needs, r.Since(), len(r.Examples), r.Location})
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(entries)
}
